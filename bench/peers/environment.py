"""The virtual environment of the peers: made when it is missing, kept for the next run."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.progress import step

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "peers"  # git-ignored, `make clean` removes it
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
INSTALL_TIMEOUT_S = 180.0
HASTE = ("--retries", "1", "--timeout", "15")  # without a network, say so soon
NEEDED_BY_ALL = "msgspec"  # the first of the list: the others come from there too
_VERSIONS = """\
import importlib.metadata, json
print(json.dumps({d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}))
"""


@dataclass(frozen=True)
class Environment:
    """What could be installed.

    Attributes:
        python: its interpreter.
        versions: of what is there, by package name.
        missing: why a package is not there, by its name.
    """

    python: Path
    versions: dict[str, str]
    missing: dict[str, str]


def prepared(folder: Path = FOLDER) -> Environment:
    """Return the environment, after installing what it lacks as far as pip can."""
    python = folder / "bin" / "python"
    wanted = pinned()
    if not python.exists():
        step("virtual environment of the peers")
        failure = _failure([sys.executable, "-m", "venv", str(folder)])
        if failure:
            return Environment(python, {}, dict.fromkeys(wanted, failure))
    missing = {}
    there = _versions(python)
    for name, version in wanted.items():
        if there.get(name) != version:
            step(f"installing {name} {version}")
            command = [str(python), "-m", "pip", "install", "--quiet", *HASTE]
            failure = _failure([*command, f"{name}=={version}"])
            if failure and name == NEEDED_BY_ALL:
                return Environment(python, {}, dict.fromkeys(wanted, failure))
            if failure:
                missing[name] = failure
    found = {n: v for n, v in _versions(python).items() if wanted.get(n) == v}
    return Environment(python, found, missing)


def pinned() -> dict[str, str]:
    """Return the versions of requirements.txt by package name."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.strip(): version.strip() for name, version in pairs}


def _versions(python: Path) -> dict[str, str]:
    done = subprocess.run(
        [str(python), "-c", _VERSIONS], capture_output=True, text=True, check=False
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def _failure(command: list[str]) -> str | None:
    """Run it; return the last line of its complaint, None if it succeeded."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {INSTALL_TIMEOUT_S:.0f} s"
    if done.returncode == 0:
        return None
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"
