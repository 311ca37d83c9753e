"""Laying out never changes the tree, keeps all comments and is idempotent."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

import vpl
from tests.conformance.cases import all_cases
from tests.unit.vpl.programs import programs, ruffled_programs

EXAMPLES = sorted(Path("examples").rglob("*.vpl"))
LONGEST_LINE = 100


def _errors(source: str) -> list[str]:
    found = vpl.parse(source).diagnostics
    return [item.message for item in found if item.severity == "error"]


def _comments(source: str) -> list[str]:
    """Return the marks that ruffled programs carry in their comments."""
    return re.findall(r"(?:#|//|/\*) (end|above|inside|behind|between|a|x)\b", source)


def _assert_laid_out(source: str) -> str:
    result = vpl.format_program(source)
    assert vpl.parse(result).program == vpl.parse(source).program
    assert vpl.format_program(result) == result
    return result


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(programs())
def test_random_programs_parse_and_keep_their_trees(source: str) -> None:
    assert _errors(source) == []
    _assert_laid_out(source)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(ruffled_programs())
def test_programs_in_any_layout_keep_trees_and_comments(source: str) -> None:
    result = _assert_laid_out(source)
    assert sorted(_comments(result)) == sorted(_comments(source))
    assert not re.search(r"[ \t]+$", result, re.MULTILINE)
    assert "\n\n\n" not in result
    assert not result.startswith("\n")
    assert not result.endswith("\n\n")


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_examples_keep_their_trees(path: Path) -> None:
    _assert_laid_out(path.read_text(encoding="utf-8"))


def test_conformance_programs_keep_their_trees() -> None:
    programs = {case["program"] for case in all_cases()}
    readable = [program for program in programs if not _errors(program)]
    assert len(readable) > 100
    for program in readable:
        result = _assert_laid_out(program)
        strings = any(len(part) > 60 for part in re.findall(r'"[^"]*"', program))
        assert strings or all(len(line) <= LONGEST_LINE for line in result.splitlines())
