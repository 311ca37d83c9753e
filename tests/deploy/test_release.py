"""What a release consists of, and that what it needs is pinned by hash."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = ("requirements.txt", "requirements-dev.txt", "deploy/docker/requirements.txt")
PIN = re.compile(
    r"^([A-Za-z0-9_.-]+)==([^ ]+) \\\n((?:    --hash=sha256:\S+.*\n)+)", re.MULTILINE
)


def pins(path: str) -> dict[str, str]:
    """Return the versions that a file pins by hash."""
    text = (ROOT / path).read_text("utf-8")
    return {found[1]: found[2] for found in PIN.finditer(text)}


def canonical(name: str) -> str:
    """Return a name as packages are compared by (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", PINNED)
def test_every_package_is_pinned_by_hash(path):
    text = (ROOT / path).read_text("utf-8")
    named = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[|==)", text, re.MULTILINE)
    assert named
    assert sorted(named) == sorted(pins(path))


def test_the_image_runs_what_the_tests_ran():
    run, image = pins("requirements.txt"), pins("deploy/docker/requirements.txt")
    tested = pins("requirements-dev.txt") | run
    assert run.items() <= image.items()
    assert image.items() <= tested.items()


@pytest.mark.process
@pytest.mark.timeout(240)
def test_a_release_has_all_its_parts(tmp_path):
    done = subprocess.run(
        [ROOT / "deploy" / "local" / "release.sh", tmp_path],
        env={"PATH": "/usr/bin:/bin", "VENV": str(Path(sys.executable).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wheel, *more = tmp_path.glob("varpulis-*.whl")
    assert not more
    sums = (tmp_path / "SHA256SUMS").read_text("utf-8").split()
    assert dict(zip(sums[1::2], sums[::2], strict=True)) == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tmp_path.iterdir()
        if path.name != "SHA256SUMS"
    }
    assert wheel.name in sums
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text("utf-8"))
    listed = {part["name"]: part["version"] for part in bill["components"]}
    assert listed == pins("deploy/docker/requirements.txt")
    licences = (tmp_path / "licenses.md").read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in licences.splitlines()[2:]]
    assert sorted(map(canonical, rows)) == sorted(map(canonical, listed))
