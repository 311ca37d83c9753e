"""`pip install .` brings everything that runs: code, pages, examples, the script."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
            "--target",
            str(target),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


@pytest.mark.parametrize(
    "path",
    [
        "bin/varpulis",
        "vpl/__init__.py",
        "engine/management/commands/server.py",
        "cluster/migrations/0001_initial.py",
        "varpulis_site/templates/cluster/topology.html",
        "varpulis_site/examples/iot/group.json",
        "varpulis_site/examples/mandelbrot/distributed/mandelbrot_worker_0.vpl",
    ],
)
def test_an_installation_holds(installed: Path, path: str) -> None:
    assert (installed / path).is_file()


def test_an_installation_brings_the_static_files(installed: Path) -> None:
    assert list((installed / "cluster/static/cluster").rglob("*.js"))


def test_the_installed_command_runs_away_from_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    libraries = sysconfig.get_paths()["purelib"]
    environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{libraries}"}
    script = "from varpulis_site import cli; print(cli.__file__); cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--version"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed) in done.stdout.splitlines()[0]
    assert "0.1.0" in done.stdout
