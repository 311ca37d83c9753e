"""What a command loads before it does anything: its start-up is mostly that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "stream Hot = Reading .where(v > 1.0) .emit(v: v)\n"
TELL = """
import contextlib, json, sys
from varpulis_site.cli import main
with contextlib.suppress(SystemExit):
    main(sys.argv)
print(json.dumps(sorted(sys.modules)))
"""
# Each costs tens of milliseconds, and none says anything about a program.
NOT_FOR_PROGRAMS = {
    "aiohttp",
    "cluster",
    "django.db.models",
    "django.http",
    "django.template",
    "django.urls",
    "engine.compiler",
    "engine.compiling",
    "importlib.metadata",
    "llvmlite",
    "msgspec",
    "numpy",
    "uvicorn",
}


def loaded_by(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", TELL, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", ["check", "parse", "format"])
def test_reading_a_program_loads_neither_engine_nor_web(
    command: str, tmp_path: Path
) -> None:
    program = tmp_path / "small.vpl"
    program.write_text(PROGRAM)
    loaded = loaded_by(command, str(program))
    assert {"vpl.parser", f"engine.management.commands.{command}"} <= loaded
    assert not loaded & NOT_FOR_PROGRAMS


def test_the_help_of_a_command_loads_no_server() -> None:
    assert not loaded_by("server", "--help") & {"uvicorn", "aiohttp", "llvmlite"}
