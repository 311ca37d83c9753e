"""Whatever the text, the front end answers with a tree and findings, never raises."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vpl
from tests.conformance.cases import all_cases
from vpl.limits import MAX_FINDINGS, MAX_SOURCE_BYTES, MAX_TOKENS
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


def _codes(source: str) -> set[str]:
    return {found.code for found in vpl.check(source).diagnostics}


@pytest.mark.parametrize("opener", ["(", "[", "{a:", "f(", "[{a:", "x => {"])
def test_ten_thousand_brackets_are_too_deep(opener: str) -> None:
    assert _codes("let a = " + opener * 10_000) == {"E107"}


def test_a_name_may_fill_the_whole_text() -> None:
    source = "let " + "a" * (MAX_SOURCE_BYTES - len("let  = 1")) + " = 1"
    assert len(source) == MAX_SOURCE_BYTES
    assert _codes(source) == set()
    assert _codes(source + " ") == {"E107"}


def test_a_hundred_thousand_lines_are_answered() -> None:
    assert _codes("# comment\n" * 100_000) == set()
    assert _codes("\n" * 100_000 + "let a = 1\n") == set()
    assert _codes("let a=1\n" * 100_000) == {"E107"}


def test_more_tokens_than_allowed_are_refused_with_their_place() -> None:
    fits = "let a = [" + "1," * ((MAX_TOKENS - 10) // 2) + "]\n"
    assert _codes(fits) == set()
    result = vpl.check("\n" + "," * (MAX_TOKENS + 1))
    (found,) = result.diagnostics
    assert (found.code, found.span.line) == ("E107", 2)
    assert result.program.body == ()


def test_the_copies_of_a_generator_count_as_tokens() -> None:
    body = "".join(f"    let a{{i}}_{at} = [1, 2, 3]\n" for at in range(100))
    assert _codes("for i in 0..300:\n" + body) == {"E107"}


def test_ten_thousand_copies_of_a_stream_are_a_program() -> None:
    stream = "stream Lane{i} = T .where(lane == {i}) .emit(lane, v: x + 1)\n"
    result = vpl.check("for i in 0..10_000:\n    " + stream)
    assert result.diagnostics == ()
    assert len(result.program.body) == 10_000


def test_after_a_thousand_errors_the_rest_is_not_looked_at() -> None:
    result = vpl.check("let a = nope()\n" + "x\n" * 5000)
    assert {found.code for found in result.diagnostics} == {"E110"}
    assert len(result.diagnostics) == MAX_FINDINGS


def test_many_warnings_leave_a_program_valid() -> None:
    lines = "".join(f"    let a{{i}}_{at} = i\n" for at in range(MAX_FINDINGS + 5))
    result = vpl.check("for i in 0..1:\n" + lines)
    assert result.valid
    assert len(result.program.body) == MAX_FINDINGS + 5


@pytest.mark.slow
@bounded
@given(
    st.dictionaries(
        st.sampled_from(["a", "b/a", "b/../a", "."]), st.lists(st.sampled_from(PIECES))
    ),
    st.lists(st.sampled_from(('import "a"\n', 'import "b/a"\n', 'import ""\n'))),
)
def test_random_imports_are_answered(
    files: dict[str, list[str]], program: list[str]
) -> None:
    bundle = {path: "".join((*program, *text)) for path, text in files.items()}
    for imports in (bundle, bundle.get):
        result = vpl.check("".join(program), imports=imports, file="a")
        json.dumps(result.to_json(), ensure_ascii=False).encode()
        vpl.render_diagnostics(result.diagnostics, "", "main", bundle)


def test_the_deepest_accepted_expressions_can_be_used() -> None:
    call = "f(" * 99 + "1" + ")" * 99
    table = "[{a: " * 49 + "1" + "}]" * 49
    chain = "a" + " + 1" * 140
    source = f"fn f(x): x\nlet a = {call}\nlet b = {table}\nlet c = {chain}\n"
    assert vpl.check(source).valid
    _examine(source)
