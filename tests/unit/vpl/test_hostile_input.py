"""Whatever the text, the front end answers with a tree and findings, never raises."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vpl
from tests.conformance.cases import all_cases
from vpl.visitor import walk

bounded = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

PROGRAMS = [case["program"] for case in all_cases()]
PIECES = (
    *("stream S = In ", "event E: a: int ", "fn f(a): ", "let a = ", "pattern P = "),
    *("connector C = mqtt (", "context c", "config x { ", 'import "a" ', "type T = "),
    *(
        "for i in 0..3:\n  ",
        "if a: ",
        "else: ",
        "elif b: ",
        "while a: ",
        "for x in a: ",
    ),
    *(".where(", ".emit(", ".emit as T(", "-> B ", "merge(", "join(", "SEQ(", ".fork("),
    *("(", ")", "[", "]", "{", "}", ":", ",", ";", "\n", "\n    ", "\n\t", "=>", ":="),
    *(
        "x => {",
        "not ",
        " in ",
        " is null ",
        "a",
        "1",
        "5m",
        "@2026-01-01",
        '"s"',
        "`q`",
    ),
    *("+", "-", "**", "??", "..", "?.", ".", "return ", "break", "emit T(a: 1)", "{i}"),
    *("#", "//", "/*", "*/", '"', "'", "`", "\\", "\0", "\ud800", "é", "0x", "1e", "@"),
)


def _examine(source: str) -> None:
    """Check `source` and use the result in every way that others do."""
    result = vpl.check(source)
    lines = source.count("\n") + 1
    for found in result.diagnostics:
        assert 1 <= found.span.line <= lines
        assert found.span.column >= 1
    json.dumps(result.to_json(), ensure_ascii=False).encode()
    json.dumps(vpl.tree_json(result.program))
    vpl.render_diagnostics(result.diagnostics, source)
    vpl.fingerprint(result.program)
    vpl.consumed_types(result.program)
    vpl.emitted_types(result.program)
    assert all(node.span.line >= 1 for node in walk(result.program))
    assert result == vpl.check(source)


@pytest.mark.slow
@bounded
@given(st.text(max_size=200))
def test_random_text_is_answered(source: str) -> None:
    _examine(source)


@pytest.mark.slow
@bounded
@given(st.binary(max_size=200))
def test_random_bytes_are_answered(data: bytes) -> None:
    _examine(data.decode("utf-8", "surrogateescape"))


@pytest.mark.slow
@bounded
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_random_pieces_of_programs_are_answered(pieces: list[str]) -> None:
    _examine("".join(pieces))


@pytest.mark.slow
@bounded
@given(
    program=st.sampled_from(PROGRAMS),
    start=st.integers(0, 400),
    length=st.integers(0, 12),
    piece=st.sampled_from((*PIECES, "")),
)
def test_damaged_programs_are_answered(
    program: str, start: int, length: int, piece: str
) -> None:
    at = start % (len(program) + 1)
    _examine(program[:at] + piece + program[at + length :])


@pytest.mark.slow
@bounded
@given(st.sampled_from(PROGRAMS), st.sampled_from(PROGRAMS))
def test_programs_one_after_the_other_are_answered(first: str, second: str) -> None:
    _examine(first + second)


@pytest.mark.parametrize(
    "source",
    [
        *('"\\\ud800"', "a = \ud800", "stream S = In \"'\ud800"),
        *("(" * 5000, "[" * 5000, "{" * 5000, ")" * 5000, "x => {" * 2000),
        *("let a = " + "f(" * 5000, "let a = " + "{a:" * 5000, "fn f(): " * 2000),
        *("stream A = In" + ".fork(a: " * 2000, "pattern P = " + "(" * 5000),
        *("type T = " + "[" * 5000, "type T = " + "Stream<" * 5000),
        "fn f():\n" + "".join(" " * at + "if x:\n" for at in range(1, 400)),
        "let a = " + "".join(f"({at} + " for at in range(3000)),
        "for i in 0..2:\n " * 40,
        "\n".join(" " * at + "for i in 0..2:" for at in range(40)),
        "a" * 100_000,
        "1" * 100_000,
        '"' + "x" * 100_000 + '"',
        "`" + "x" * 100_000 + "`",
        "let a = @" + "1" * 100_000,
        "let a = " + "1h" * 50_000,
    ],
    ids=lambda source: ascii(source[:20]),
)
def test_deep_and_long_texts_are_answered(source: str) -> None:
    _examine(source)


def test_the_deepest_accepted_expressions_can_be_used() -> None:
    call = "f(" * 99 + "1" + ")" * 99
    table = "[{a: " * 49 + "1" + "}]" * 49
    chain = "a" + " + 1" * 140
    source = f"fn f(x): x\nlet a = {call}\nlet b = {table}\nlet c = {chain}\n"
    assert vpl.check(source).valid
    _examine(source)
