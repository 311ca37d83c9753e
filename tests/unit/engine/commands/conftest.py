"""Runs the commands of the engine in this process."""

import io
import logging
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest


@pytest.fixture
def same_logging():
    """Put the logging of the test process back."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn")
    before = root.handlers[:], root.level, uvicorn.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    uvicorn.setLevel(before[2])


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, same_logging):
    """Give a function that runs a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run_command(name, *argv, stdin=""):
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        module = import_module(f"engine.management.commands.{name}")
        code = 0
        try:
            module.Command().run_from_argv(["varpulis", name, *map(str, argv)])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run_command


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a file into that folder."""

    def write_file(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file
