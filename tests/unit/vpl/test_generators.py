"""Generator loops: expansion in the text, places in the template."""

import pytest

import vpl


def _names(source: str) -> tuple[str, ...]:
    parsed = vpl.parse(source)
    assert parsed.diagnostics == ()
    return vpl.stream_names(parsed.program)


def _found(source: str) -> list[tuple[str, int, int]]:
    found = vpl.check(source).diagnostics
    return [(item.code, item.span.line, item.span.column) for item in found]


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ("0..3", ("S0", "S1", "S2")),
        ("1..=2", ("S1", "S2")),
        ("3..3", ()),
        ("5..1", ()),
    ],
)
def test_a_body_is_repeated_for_each_value(bounds: str, names: tuple[str, ...]) -> None:
    assert _names(f"for i in {bounds}:\n    stream S{{i}} = In\n") == names


def test_values_are_glued_to_names_and_put_into_strings() -> None:
    source = 'for i in 0..2:\n  stream S{i} = In{ i } .emit(t: "x{i}", v: {i} * 10)\n'
    written = (
        'stream S0 = In0 .emit(t: "x0", v: 0 * 10)\n'
        'stream S1 = In1 .emit(t: "x1", v: 1 * 10)\n'
    )
    assert vpl.parse(source).program == vpl.parse(written).program


def test_negative_bounds_give_negative_values() -> None:
    source = "for i in -1..=0: let x = {i}\n"
    assert vpl.parse(source).program == vpl.parse("let x = -1\nlet x = 0\n").program


def test_loops_nest_and_bounds_may_be_outer_values() -> None:
    source = "for i in 0..3:\n  for j in 0..{i}:\n    stream S{i}{j} = In\n"
    assert _names(source) == ("S10", "S20", "S21")


def test_text_around_loops_stays_in_order() -> None:
    source = (
        "stream A = In\nfor i in 0..2:\n    # body {i}\n\n    stream B{i} = In\n"
        "        .emit(\n  a: {i})\nstream C = In\n"
    )
    assert _names(source) == ("A", "B0", "B1", "C")


def test_loops_in_functions_are_statements() -> None:
    assert vpl.parse("fn f(xs):\n    for x in xs: x\n").diagnostics == ()


def test_spans_are_those_of_the_template() -> None:
    source = "for i in 9..11:\n    stream S{i} = In{i} .where(a)\n"
    spans = [decl.span for decl in vpl.parse(source).program.body]
    assert [(s.line, s.column, s.end_line, s.end_column) for s in spans] == [
        (2, 5, 2, 34),
    ] * 2
    assert [span.note for span in spans] == ["i = 9", "i = 10"]


def test_a_finding_in_a_body_is_given_once_with_its_values() -> None:
    source = "for i in 0..5:\n    stream S{i} = In .where(nofn({i}))\n"
    (finding,) = vpl.check(source).diagnostics
    assert (finding.code, finding.span.line, finding.span.column) == ("E050", 2, 29)
    assert finding.message.endswith("(for i = 0; i = 1; i = 2 and 2 more)")


def test_syntax_errors_in_a_body_stand_in_the_template() -> None:
    source = "for i in 10..12:\n    stream S{i} = In{i} .where(> 3)\nstream T = In\n"
    assert _found(source) == [("E101", 2, 32)]


def test_the_bare_variable_is_told() -> None:
    source = "for i in 0..2:\n    stream S{i} = In .emit(v: i, i: 1, w: a.i)\n"
    assert _found(source) == [("W042", 2, 31)]


@pytest.mark.parametrize(
    "source",
    [
        "for i in xs:\n    stream S{i} = In\n",
        "for i in 0..n:\n    stream S{i} = In\n",
        "for i in 0..20000:\n    stream S{i} = In\n",
        "for i in -9223372036854775807..9223372036854775807:\n    let a = 1\n",
        'for i in 0..9999:\n    let a = "' + "x" * 1000 + '"\n',
        "for i in 0..200:\n  for j in 0..200:\n    let a{i}_{j} = 1\n",
        "for i in 0..2000:\n  for j in 0..2000:\n    for k in 0..0:\n      let a = 1\n",
        "for\n",
    ],
)
def test_bad_and_too_large_loops_are_e109_once(source: str) -> None:
    assert [code for code, _, _ in _found(f"{source}let z = 1\n")] == ["E109"]


def test_a_loop_needs_a_body() -> None:
    assert [code for code, _, _ in _found("for i in 0..3:\nlet a = 1\n")] == ["E104"]


def test_only_declarations_may_stand_in_a_body() -> None:
    assert _found("for i in 0..3:\n    print({i})\n") == [("E110", 2, 5)]


@pytest.mark.slow
def test_ten_thousand_copies_are_allowed() -> None:
    source = "for i in 0..10000:\n  let a{i} = 1\n"
    parsed = vpl.parse(source)
    assert parsed.diagnostics == ()
    assert len(parsed.program.body) == 10_000
