"""Named patterns sentence by sentence (vpl.md 10.5 and the fine print of 10.6)."""

import pytest

from engine import InvalidProgramError, Limits, compile_program
from engine.errors import LoadError
from tests.unit.engine.histories import feed, history


def stream(pattern: str, fields: str) -> str:
    return f"stream S = P .emit({fields})\npattern P = {pattern}"


def test_optional_steps_may_be_passed_over_and_are_null() -> None:
    source = stream(
        "SEQ(A as a, B* as b, C? as c, D)", "n: len(b), c: c.n, none: b == null"
    )
    assert history(source, ("A", 0), ("D", 1)) == [{"none": True}]
    events = ("A", 0), ("C", 1, {"n": 7}), ("B", 2), ("D", 3)
    assert history(source, *events) == [{"c": 7, "none": True}]


def test_an_event_is_offered_to_the_nearest_step_first() -> None:
    source = stream("SEQ(A, B? as b, B as c)", "b: b.n, c: c.n")
    events = ("A", 0), ("B", 1, {"n": 1}), ("B", 2, {"n": 2})
    assert history(source, *events) == [{"b": 1, "c": 2}]


def test_a_repeated_step_is_offered_after_all_that_follows_it() -> None:
    source = stream(
        "SEQ(A, B+ as b, C? as c, B where n > 5 as d, E)", "n: len(b), d: d.n"
    )
    events = (
        ("A", 0),
        ("B", 1, {"n": 9}),
        ("B", 2, {"n": 1}),
        ("B", 3, {"n": 8}),
        ("E", 4),
    )
    assert history(source, *events) == [{"n": 2, "d": 8}]


def test_a_last_optional_step_does_not_delay() -> None:
    source = stream("SEQ(A as a, B as b, C? as c, D* as d)", "b: b.n, c: c.n")
    events = ("A", 0), ("B", 1, {"n": 1}), ("C", 2, {"n": 2}), ("D", 3)
    assert history(source, *events) == [{"b": 1}]


def test_a_run_may_start_at_an_optional_or_at_the_first_required_step() -> None:
    source = stream("SEQ(A? as a, B as b, C)", "a: a.n, b: b.n")
    events = ("B", 0, {"n": 1}), ("A", 1, {"n": 2}), ("B", 2, {"n": 3}), ("C", 3)
    assert history(source, *events) == [{"b": 1}, {"a": 2, "b": 3}, {"b": 3}]


def test_a_negation_counts_only_between_its_neighbours() -> None:
    source = stream("SEQ(A as a, NOT X where k == a.k, B as b, C)", "n: b.n")
    assert (
        history(source, ("A", 0, {"k": 1}), ("X", 1, {"k": 1}), ("B", 2), ("C", 3))
        == []
    )
    after = ("A", 0, {"k": 1}), ("B", 1, {"n": 1}), ("X", 2, {"k": 1}), ("C", 3)
    assert history(source, *after) == [{"n": 1}]
    other = ("A", 0, {"k": 1}), ("X", 1, {"k": 2}), ("B", 2, {"n": 1}), ("C", 3)
    assert history(source, *other) == [{"n": 1}]


def test_a_negation_after_an_optional_step_counts_from_the_last_step_taken() -> None:
    source = stream("SEQ(A, B? as b, NOT X, C)", "n: b.n")
    assert history(source, ("A", 0), ("X", 1), ("C", 2)) == []
    assert history(source, ("A", 0), ("B", 1, {"n": 1}), ("X", 2), ("C", 3)) == []
    assert history(source, ("A", 0), ("B", 1, {"n": 1}), ("C", 3)) == [{"n": 1}]


def test_a_negated_group_names_several_types() -> None:
    source = stream("SEQ(A, NOT (X OR Y where n > 1), B)", "n: 1")
    assert history(source, ("A", 0), ("X", 1), ("B", 2)) == []
    assert history(source, ("A", 0), ("Y", 1, {"n": 2}), ("B", 2)) == []
    assert history(source, ("A", 0), ("Y", 1, {"n": 1}), ("B", 2)) == [{"n": 1}]


def test_a_last_negation_waits_and_steps_before_it_go_on() -> None:
    source = stream(
        "SEQ(A, B+ as b, NOT X) within 5s", "n: len(b), d: match_duration_ms"
    )
    events = ("A", 0), ("B", 1), ("B", 2)
    assert history(source, *events) == []
    assert history(source, *events, ends=True) == [{"n": 2, "d": 5000}]
    assert history(source, *events, ("X", 3), ends=True) == []
    assert history(source, ("A", 0), ("X", 1), ("B", 2), ends=True) == [
        {"n": 1, "d": 5000}
    ]


def test_optional_steps_are_taken_while_an_absence_waits() -> None:
    source = stream("SEQ(A, B? as b, NOT X) within 5s", "b: b.n, last: n")
    events = ("A", 0, {"n": 1}), ("B", 1, {"n": 2})
    assert history(source, *events, ends=True) == [{"b": 2, "last": 2}]
    assert history(source, events[0], ends=True) == [{"last": 1}]


def test_a_step_of_alternatives_takes_the_first_that_fits() -> None:
    source = stream("SEQ(A, (B where n > 1 as b OR C as c), D)", "b: b.n, c: c.n")
    assert history(
        source, ("A", 0), ("C", 1, {"n": 1}), ("B", 2, {"n": 2}), ("D", 3)
    ) == [{"c": 1}]
    assert history(
        source, ("A", 0), ("B", 1, {"n": 1}), ("B", 2, {"n": 2}), ("D", 3)
    ) == [{"b": 2}]


def test_and_takes_distinct_events_in_any_order_and_completes_with_the_second() -> None:
    source = stream("A as a AND A as b within 5s", "a: a.n, b: b.n")
    events = [("A", at, {"n": at}) for at in range(3)]
    assert history(source, *events) == [{"a": 0, "b": 1}, {"a": 1, "b": 2}]
    far = ("A", 0, {"n": 0}), ("A", 5.001, {"n": 1})
    assert history(source, *far) == []


def test_an_event_that_completes_an_and_starts_its_own_run() -> None:
    source = stream("A as a AND B as b", "a: a.n, b: b.n")
    events = ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("A", 2, {"n": 3})
    assert history(source, *events) == [{"a": 1, "b": 2}, {"a": 3, "b": 2}]


@pytest.mark.parametrize("order", [0, 1])
def test_a_filter_naming_the_other_side_waits_for_it(order: int) -> None:
    source = stream("A where k == b.k and n > 0 as a AND B as b", "a: a.n, b: b.n")
    pair = [("A", 0, {"k": 1, "n": 1}), ("B", 0, {"k": 1, "n": 2})]
    if order:
        pair.reverse()
    assert history(source, *pair) == [{"a": 1, "b": 2}]
    other = [
        (kind, at, {**fields, "k": at}) for at, (kind, _, fields) in enumerate(pair)
    ]
    assert history(source, *other) == []
    assert history(source, ("A", 0, {"k": 1, "n": 0}), ("B", 1, {"k": 1})) == []


def test_functions_in_filters_between_sides_read_both_events() -> None:
    source = "fn sum_is(x): a.n + b.n == x\n" + stream(
        "A where sum_is(5) and b.n > 0 as a AND B as b", "a: a.n, b: b.n"
    )
    events = ("A", 0, {"n": 2}), ("B", 1, {"n": 2}), ("B", 2, {"n": 3})
    assert history(source, *events) == []
    compared = "fn near(x, y): x + y == 5\n" + stream(
        "A where near(n, b.n) as a AND B as b", "a: a.n, b: b.n"
    )
    assert history(compared, *events) == [{"a": 2, "b": 3}]


def test_three_sides_wait_for_one_another() -> None:
    source = stream("A as a AND B where n > a.n + c.n as b AND C as c", "n: b.n")
    events = (
        ("B", 0, {"n": 5}),
        ("A", 1, {"n": 2}),
        ("C", 2, {"n": 3}),
        ("C", 3, {"n": 2}),
    )
    assert history(source, *events) == [{"n": 5}]


def test_and_not_matches_at_the_deadline() -> None:
    source = stream("NOT X where k == a.k AND A as a within 5s", "n: a.n")
    events = ("A", 0, {"k": 1, "n": 1}), ("A", 1, {"k": 2, "n": 2}), ("X", 2, {"k": 1})
    assert history(source, *events) == []
    assert history(source, *events, ends=True) == [{"n": 2}]


def test_and_of_two_with_not_waits_once_both_are_there() -> None:
    source = stream("A as a AND B as b AND NOT X within 5s", "a: a.n, b: b.n")
    start = ("A", 0, {"n": 1}), ("B", 1, {"n": 2})
    assert history(source, *start, ends=True) == [{"a": 1, "b": 2}]
    assert history(source, start[0], ("X", 0.5), start[1], ends=True) == []
    assert history(source, start[0], ends=True) == []


def test_a_group_may_be_a_side_of_an_and() -> None:
    source = stream("(A as a OR B as b) AND C as c", "a: a.n, b: b.n, c: c.n")
    assert history(source, ("C", 0, {"n": 1}), ("B", 1, {"n": 2})) == [{"b": 2, "c": 1}]
    assert history(source, ("A", 0, {"n": 1}), ("C", 1, {"n": 2})) == [{"a": 1, "c": 2}]


def test_a_sequence_may_be_a_side_of_an_and() -> None:
    source = stream("SEQ(A as a, B as b) AND C as c", "n: [a.n, b.n, c.n]")
    for order in ("ABC", "ACB", "CAB"):
        events = [(kind, at, {"n": kind}) for at, kind in enumerate(order)]
        assert history(source, *events) == [{"n": ["A", "B", "C"]}]
    assert history(source, ("B", 0), ("A", 1), ("C", 2)) == []


def test_sequences_in_an_or_are_followed_side_by_side() -> None:
    source = stream(
        "SEQ(A as a, B as b) OR SEQ(A as x, C as c) OR D as d", "b: b.n, c: c.n, d: d.n"
    )
    events = ("A", 0), ("C", 1, {"n": 1}), ("B", 2, {"n": 2}), ("D", 3, {"n": 3})
    assert history(source, *events) == [{"c": 1}, {"b": 2}, {"d": 3}]


def test_an_or_takes_an_event_once() -> None:
    source = stream("A where n > 1 as a OR A as b", "a: a.n, b: b.n")
    assert history(source, ("A", 0, {"n": 2}), ("A", 1, {"n": 1})) == [
        {"a": 2},
        {"b": 1},
    ]


def test_a_single_event_completes_at_once_and_a_repeated_one_on_every_event() -> None:
    assert history(stream("A where n > 1 as a", "n: a.n"), ("A", 0, {"n": 2})) == [
        {"n": 2}
    ]
    repeated = stream("A+ where n > a.n as a within 5s", "n: a.map(e => e.n)")
    events = ("A", 0, {"n": 1}), ("A", 1, {"n": 2}), ("A", 7, {"n": 3})
    assert history(repeated, *events) == [
        {"n": [1]},
        {"n": [1, 2]},
        {"n": [2]},
        {"n": [3]},
    ]


def test_within_and_partition_apply_to_every_form() -> None:
    for root in (
        "SEQ(A as a, B as b)",
        "A as a AND B as b",
        "(SEQ(A as a, B as b) OR C)",
    ):
        source = stream(f"{root} within 5s partition by k", "p: _partition")
        near = ("A", 0, {"k": 1}), ("B", 5, {"k": 1})
        assert history(source, *near) == [{"p": 1}], root
        assert history(source, ("A", 0, {"k": 1}), ("B", 5, {"k": 2})) == [], root
        assert history(source, ("A", 0, {"k": 1}), ("B", 5.001, {"k": 1})) == [], root


def test_the_stream_may_add_to_a_pattern() -> None:
    source = (
        "pattern P = SEQ(A as a, B as b)\n"
        "stream S = P where n > 1 as p .within(5s) .not(X where k == a.k) .partition_by(k)"
        " .emit(n: p.b_n, k: _partition)"
    )
    start = ("A", 0, {"k": 1})
    assert history(source, start, ("B", 5, {"k": 1, "n": 2})) == [{"n": 2, "k": 1}]
    assert history(source, start, ("B", 5, {"k": 1, "n": 1})) == []
    assert history(source, start, ("B", 5.001, {"k": 1, "n": 2})) == []
    assert history(source, start, ("X", 1, {"k": 1}), ("B", 2, {"k": 1, "n": 2})) == []
    assert history(source, start, ("B", 5, {"k": 2, "n": 2})) == []


def test_an_absence_of_the_stream_waits_after_the_pattern() -> None:
    source = (
        "pattern P = SEQ(A, B as b) within 5s\n"
        "stream S = P .not(X).within(3s) .emit(n: b.n, d: match_duration_ms)"
    )
    start = ("A", 0), ("B", 4, {"n": 1})
    assert history(source, *start, ("A", 7)) == []
    assert history(source, *start, ("A", 7.001)) == [{"n": 1, "d": 3000}]
    assert history(source, *start, ("X", 7), ends=True) == []


def test_the_alias_of_a_pattern_is_the_match() -> None:
    source = (
        "fn f(): p.a_n\n"
        "pattern P = SEQ(A as a, B)\n"
        "stream S = P as p .emit(n: p.a_n, d: p.match_duration_ms, m: len(p), f: f())"
    )
    assert history(source, ("A", 0, {"n": 1}), ("B", 1)) == [
        {"n": 1, "d": 1000, "m": 3, "f": 1}
    ]


def test_streams_that_use_one_pattern_have_their_own_runs() -> None:
    source = (
        "pattern P = SEQ(A as a, B)\n"
        "stream S = P .emit(s: 1)\nstream T = P .where(a.n > 1) .emit(t: 1)"
    )
    assert history(source, ("A", 0, {"n": 2}), ("B", 1)) == [{"s": 1}, {"t": 1}]


def test_the_run_limit_counts_all_branches_and_sides() -> None:
    pipeline = compile_program(
        stream("SEQ(A, B) OR SEQ(A, C) OR (D AND E)", "n: 1"), limits=Limits(runs=3)
    )
    feed(pipeline, ("A", 0), ("D", 1), ("E", 2), ("D", 3), ("A", 4))
    found = pipeline.metrics().streams["S"].counts
    assert (found["runs_active"], found["runs_refused"], found["matches"]) == (3, 2, 2)


def test_a_pattern_may_be_the_first_step_of_a_sequence() -> None:
    source = (
        "pattern P = SEQ(A as a, B as b) within 5s\n"
        "stream S = P where a_n > 0 as p -> C where n == p.b_n as c .within(2s)"
        " .emit(a: p.a_n, d: p.match_duration_ms, whole: match_duration_ms)"
    )
    start = ("A", 0, {"n": 1}), ("B", 4, {"n": 2})
    assert history(source, *start, ("C", 6, {"n": 2})) == [
        {"a": 1, "d": 4000, "whole": 2000}
    ]
    assert history(source, *start, ("C", 6.001, {"n": 2})) == []
    assert history(source, ("A", 0), start[1], ("C", 5, {"n": 2})) == []


def test_a_pattern_may_be_a_later_step_and_serve_several_streams() -> None:
    source = (
        "pattern P = A as a AND B as b\n"
        "stream S = X as x -> P where a_n > x.n as p .emit(s: p.b_n)\n"
        "stream T = sequence(y: Y, p: P) .emit(t: p.a_n)"
    )
    pair = ("A", 1, {"n": 1}), ("B", 2, {"n": 2})
    assert history(source, ("X", 0, {"n": 0}), *pair) == [{"s": 2}]
    assert history(source, *pair, ("X", 3, {"n": 0})) == []
    assert history(source, ("Y", 0), *pair) == [{"t": 1}]
    assert history(source, ("X", 0, {"n": 0}), ("Y", 0), *pair) == [{"s": 2}, {"t": 1}]


def test_a_pattern_as_a_step_is_kept_by_checkpoints() -> None:
    source = "pattern P = SEQ(A as a, B)\nstream S = P as p -> C .emit(n: p.a_n)"
    first = compile_program(source)
    feed(first, ("A", 0, {"n": 1}))
    second = compile_program(source)
    second.restore(first.checkpoint())
    assert feed(second, ("B", 1), ("C", 2)) == [{"event_type": "S", "n": 1}]


def test_an_optional_side_of_an_and_does_not_delay() -> None:
    source = stream("A? as a AND B as b", "a: a.n, b: b.n")
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 2})) == [
        {"a": 1, "b": 2},
        {"b": 2},
    ]
    assert history(source, ("B", 0, {"n": 1}), ("A", 1, {"n": 2})) == [{"b": 1}]


def test_repeated_events_in_an_or_are_followed_by_themselves() -> None:
    source = stream("A+ as a OR B as b", "a: a.map(e => e.n), b: b.n")
    events = ("B", 0, {"n": 1}), ("A", 1, {"n": 2}), ("A", 2, {"n": 3})
    assert history(source, *events) == [{"b": 1}, {"a": [2]}, {"a": [2, 3]}, {"a": [3]}]


def test_a_step_of_repeated_alternatives_takes_events_of_either() -> None:
    source = stream(
        "SEQ(A, (B+ where n > b.n as b OR C+ as c), D)",
        "b: b.map(e => e.n), c: c.map(e => e.n)",
    )
    events = [(k, at, {"n": at}) for at, k in enumerate("ACCBCBD")]
    assert history(source, *events) == [{"c": [1, 2, 4]}]
    events = [(k, at, {"n": at}) for at, k in enumerate("ABCBD")]
    assert history(source, *events) == [{"b": [1, 3], "c": [2]}]


def test_patterns_of_too_many_ways_are_refused() -> None:
    sides = " AND ".join(f"(SEQ(A{i}, B{i}) OR SEQ(C{i}, D{i}))" for i in range(8))
    with pytest.raises(LoadError, match="more than 64 ways"):
        compile_program(stream(sides, "n: 1"))


@pytest.mark.parametrize("negated", ["SEQ(B, C)", "(B AND C)", "(NOT B)"])
def test_only_events_can_be_negated(negated: str) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(stream(f"A AND NOT {negated} within 5s", "n: 1"))
    assert "E022" in {found.code for found in caught.value.diagnostics}


def test_patterns_of_too_many_events_are_refused() -> None:
    events = ", ".join(f"A{at}" for at in range(200))
    with pytest.raises(LoadError, match="more than 128 events"):
        compile_program(stream(f"SEQ({events})", "n: 1"))
