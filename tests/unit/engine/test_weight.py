"""Values that are small to hold and endless to walk, and work that must be paid for."""

import pytest

from engine import Event, Limits, compile_program
from tests.unit.engine.programs import errors_of, value_of

DOUBLED = "    var a = [1]\n    for i in 0..60: a := [a, a]\n"
DEEP = "    var a = [1]\n    for i in 0..5000: a := [a]\n"
DEEP_MAP = "    var a = {k: 1}\n    for i in 0..5000: a := {k: a}\n"
WIDE = "    let s = repeat('x', 900)\n    let a = map(range(900), i => s)\n"
SMALL = Limits(array_items=1000, text_chars=1000)

WALKS = [
    "to_string(a)",
    "to_json(a)",
    "hash(a)",
    "format('{}', a)",
    "join(a, ',')",
    "a",
    "{m: a}",
]


ENDLESS = [(built, walk) for built in (DOUBLED, DEEP, WIDE) for walk in WALKS]
ENDLESS += [(DEEP_MAP, walk) for walk in WALKS if not walk.startswith("join")]


@pytest.mark.parametrize(("built", "expression"), ENDLESS)
def test_a_value_that_would_take_for_ever_is_null_and_reported(
    built: str, expression: str
) -> None:
    source = f"fn f():\n{built}    {expression}\nstream R = In .emit(r: f(), s: 1)"
    reply = compile_program(source, limits=SMALL).inject(Event("In", {}))
    assert reply.outputs == [{"event_type": "R", "s": 1}]
    assert [fault["code"] for fault in reply.errors] == ["R004"]
    assert b'"s":1' in reply.to_json_bytes()


@pytest.mark.parametrize("test", ["a == b", "a != b", "a in [b]", "b not in [a]"])
@pytest.mark.parametrize("built", [DOUBLED, DEEP])
def test_endless_values_are_not_compared(built: str, test: str) -> None:
    source = (
        f"fn made():\n{built}    a\n"
        f"fn f():\n    let a = made()\n    let b = made()\n    {test}\n"
        "stream R = In .emit(r: f())"
    )
    reply = compile_program(source, limits=SMALL).inject(Event("In", {}))
    assert reply.outputs == [{"event_type": "R"}]
    assert [fault["code"] for fault in reply.errors] == ["R004"]


def test_endless_values_are_not_told_apart_or_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = (
        f"fn a():\n{DOUBLED}    a\n"
        "stream R = In .print(a()) .emit(r: unique([a(), a()]))"
    )
    reply = compile_program(source, limits=SMALL).inject(Event("In", {}))
    assert reply.outputs == [{"event_type": "R"}]
    assert [fault["code"] for fault in reply.errors] == ["R004"]
    assert capsys.readouterr().out == ""


def test_shared_parts_within_the_bounds_are_values_like_others() -> None:
    built = "fn f():\n    var a = [1]\n    for i in 0..3: a := [a, a]\n    a\n"
    assert value_of("f()", more=built) == [[[[1], [1]]] * 2] * 2
    assert value_of("f() == f()", more=built) is True


@pytest.mark.parametrize(
    "expression",
    [
        "sort(b)",
        "reverse(b)",
        "sum(b)",
        "unique(b)",
        "-1 in b",
        "b == range(100_000)",
        "b != range(100_000)",
        "flatten([b, b])",
        "zip(b, b)",
        "hash([b])",
        "to_string(b)",
        "upper(s)",
        "split(s, 'y')",
        "matches(s, 'b')",
        "s < t",
        "s == t",
        "s[1:]",
        "b[1:]",
        "b + [1]",
        "0..99_999",
        "max(b)",
        "filter(b, v => false)",
    ],
)
def test_work_on_large_values_counts_towards_the_budget(expression: str) -> None:
    """Without pay the loop would look at the clock after 4096 turns only."""
    source = (
        "let n = 0\nvar turns = 0\n"
        "fn f():\n    let b = range(100_000)\n"
        "    let s = repeat('a', 10_000_000)\n    let t = s[1:] + 'b'\n"
        f"    while true:\n        turns := turns + 1\n        {expression}\n"
        "stream Loop = In .emit(r: f())\nstream Seen = In .emit(turns: turns)"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=0.001))
    reply = pipeline.inject(Event("In", {}))
    assert [fault["code"] for fault in reply.errors] == ["R001"]
    (seen,) = reply.outputs
    assert seen["turns"] < 2000


def test_a_long_loop_body_is_paid_for() -> None:
    body = "        turns := turns + 1\n" + "        1 + 1\n" * 2000
    source = (
        f"var turns = 0\nfn f():\n    while true:\n{body}"
        "stream Loop = In .emit(r: f())\nstream Seen = In .emit(turns: turns)"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=0.001))
    assert pipeline.inject(Event("In", {})).outputs[-1]["turns"] < 1000


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("set({a: 1}, 'b', 2)", None),
        ("merge({a: 1}, {b: 2})", None),
        ("set({a: 1}, 'a', 2)", {"a": 2}),
        ("split('a,b', ',')", None),
        ("to_json([1])", "[1]"),
        ("to_json('abcdefghijk')", None),
        ("to_string([1234567, 1])", None),
        ("join([1], 'abcdefghijklmn')", "1"),
        ("format('{}{}', 'abcdefg', 'abcdefg')", None),
    ],
)
def test_small_bounds_hold_everywhere(expression: str, wanted: object) -> None:
    source = f"stream R = In .emit(r: {expression})"
    limits = Limits(array_items=1, text_chars=10)
    reply = compile_program(source, limits=limits).inject(Event("In", {}))
    assert reply.outputs[0].get("r") == wanted
    assert [fault["code"] for fault in reply.errors] == ([] if wanted else ["R004"])


def test_functions_are_not_compared_or_hashed() -> None:
    for expression in ("(v => v) == (v => v)", "(v => v) in [1]", "hash(v => v)"):
        assert value_of(expression) is None
        assert errors_of(expression) == {"kind": 1}


def test_conditions_in_lambdas_hold_only_if_true_and_count_others() -> None:
    for name, wanted in (("filter", []), ("any", False), ("all", False), ("count", 0)):
        assert value_of(f"{name}([1], v => 1)") == wanted
        assert errors_of(f"{name}([1], v => 1)") == {"kind": 1}


def test_equal_numbers_of_unlike_kinds_have_unlike_hashes() -> None:
    assert value_of("hash(1s) == hash(1000000000)") is False
    assert value_of("hash(@1970-01-01) == hash('1970-01-01T00:00:00Z')") is False
    assert value_of("hash([1]) == hash([1.0])") is True


def test_an_endless_duration_text_is_no_duration() -> None:
    assert value_of("to_duration(repeat('1', 5000) + 's')") is None


def test_printed_lines_hold_no_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline = compile_program("stream R = In .print(a)")
    pipeline.inject(Event("In", {"a": 'x\n{"a"\r\x1b[2J\u2028\x85\ty'}))
    printed = capsys.readouterr().out
    assert printed == 'R: x\\n{"a"\\r\\x1b[2J\\u2028\\x85\ty\n'
