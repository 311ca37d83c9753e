"""`varpulis format`: outputs and exit codes (vpl.md 17.2)."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.management.commands.format import Command

CANONICAL = "stream S = X .emit(v)  # why\n"
CROOKED = "stream S=X.emit( v ) # why\n"
BROKEN = "stream S = \n"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Give a function that runs the command and returns code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    Path("canonical.vpl").write_text(CANONICAL)
    Path("crooked.vpl").write_text(CROOKED)
    Path("broken.vpl").write_text(BROKEN)

    def run_command(*argv, stdin=""):
        source = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", source)
        code = 0
        try:
            Command().run_from_argv(["varpulis", "format", *argv])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run_command


def test_it_prints_the_result_and_leaves_the_file(run):
    result = run("crooked.vpl")
    assert (result.code, result.out, result.err) == (0, CANONICAL, "")
    assert Path("crooked.vpl").read_text() == CROOKED


def test_it_reads_standard_input(run):
    assert run("-", stdin=CROOKED).out == CANONICAL


def test_check_lists_what_would_change(run):
    result = run("canonical.vpl", "crooked.vpl", "--check")
    assert (result.code, result.out) == (1, "would change crooked.vpl\n")
    assert Path("crooked.vpl").read_text() == CROOKED


def test_check_names_standard_input(run):
    result = run("-", "--check", stdin=CROOKED)
    assert (result.code, result.out) == (1, "would change <stdin>\n")


def test_check_is_content_with_canonical_files(run):
    result = run("canonical.vpl", "--check")
    assert (result.code, result.out) == (0, "")


def test_write_changes_only_what_needs_it(run):
    untouched = Path("canonical.vpl").stat().st_mtime_ns
    result = run("canonical.vpl", "crooked.vpl", "--write")
    assert (result.code, result.out) == (0, "changed crooked.vpl\n")
    assert Path("crooked.vpl").read_text() == CANONICAL
    assert Path("canonical.vpl").stat().st_mtime_ns == untouched


@pytest.mark.parametrize("flags", [(), ("--check",), ("--write",)])
def test_a_file_with_syntax_errors_is_reported_and_left_alone(run, flags):
    result = run("broken.vpl", "crooked.vpl", *flags)
    assert result.code == 1
    assert "broken.vpl:1:11: error[E101]" in result.err
    assert Path("broken.vpl").read_text() == BROKEN


def test_a_missing_file_is_wrong_usage(run):
    assert run("missing.vpl").code == 2


def test_standard_input_cannot_be_rewritten(run):
    assert run("-", "--write").code == 2


def test_check_and_write_exclude_each_other(run):
    assert run("crooked.vpl", "--check", "--write").code == 2
