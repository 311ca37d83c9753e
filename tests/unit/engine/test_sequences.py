"""Sequences sentence by sentence (vpl.md 10.1 to 10.4 and 10.6)."""

import logging

import pytest

from engine import Event, Limits, compile_program
from engine.metrics import StreamMetrics
from tests.unit.engine.histories import Happening, feed, flush, history

PAIR = "stream S = A as a -> B as b "


def counts(
    source: str, *events: Happening, limits: Limits | None = None
) -> StreamMetrics:
    pipeline = compile_program(source, limits=limits)
    feed(pipeline, *events)
    return pipeline.metrics().streams["S"]


# --- form -----------------------------------------------------------------------------


def test_operations_before_the_first_arrow_see_first_events(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = (
        "stream S = A as a .where(n > 1) .print(n, a.n) .select(m: n * 10) "
        "-> B where v > a.m as b .emit(m: a.m, n: a.n)"
    )
    events = (
        ("A", 0, {"n": 1}),
        ("A", 1, {"n": 2}),
        ("B", 2, {"v": 15}),
        ("B", 3, {"v": 21}),
    )
    assert history(source, *events) == [{"m": 20}]
    assert capsys.readouterr().out == "S: 2 2\n"


def test_a_selected_first_event_is_read_as_selected_in_later_operations() -> None:
    source = "stream S = A as a .select(m: n * 10) .where(a.m > 10) -> B .emit(m: a.m)"
    events = ("A", 0, {"n": 1}), ("A", 1, {"n": 2}), ("B", 2)
    assert history(source, *events) == [{"m": 20}]


def test_where_between_steps_adds_to_the_filter_before_it() -> None:
    source = PAIR + ".where(v > a.n) -> C .emit(v: b.v)"
    events = ("A", 0, {"n": 5}), ("B", 1, {"v": 5}), ("B", 2, {"v": 6}), ("C", 3)
    assert history(source, *events) == [{"v": 6}]


def test_print_log_and_tap_between_steps_act_when_the_step_is_taken(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = (
        PAIR + '.print(a.n, b.v, v) .log(message: "took", level: "warn") '
        '.tap(counter: "taken") -> C .emit(v: b.v)'
    )
    pipeline = compile_program(source)
    with caplog.at_level(logging.WARNING):
        feed(pipeline, ("B", 0, {"v": 0}), ("A", 1, {"n": 1}), ("B", 2, {"v": 2}))
    assert capsys.readouterr().out == "S: 1 2 2\n"
    assert len(caplog.records) == 1
    assert pipeline.metrics().streams["S"].taps
    assert feed(pipeline, ("C", 3)) == [{"event_type": "S", "v": 2}]


def test_where_after_the_last_step_filters_matches_and_the_run_is_over() -> None:
    source = PAIR + ".where(b.v > 1) .emit(v: b.v)"
    events = ("A", 0), ("B", 1, {"v": 1}), ("B", 2, {"v": 2})
    assert history(source, *events) == []
    assert counts(source, *events).counts["matches"] == 1


def test_steps_may_follow_a_sequence_source() -> None:
    source = "stream S = sequence(a: A, b: B) -> C as c .within(1s) .emit(n: c.n)"
    assert history(source, ("A", 0), ("B", 1), ("C", 3, {"n": 1})) == []
    assert history(source, ("A", 0), ("B", 1), ("C", 2, {"n": 1})) == []
    assert history(source, ("A", 0), ("B", 0.5), ("C", 1, {"n": 1})) == [{"n": 1}]


def test_each_step_of_a_sequence_source_may_have_its_own_bound() -> None:
    source = (
        "stream S = sequence(a: A, b: B .within(2s), c: C where n == a.n .within(3s)) "
        ".emit(n: c.n)"
    )
    start = ("A", 0, {"n": 1})
    assert history(source, start, ("B", 2), ("C", 5, {"n": 1})) == [{"n": 1}]
    assert history(source, start, ("B", 2), ("C", 5.001, {"n": 1})) == []
    assert history(source, start, ("B", 2.001), ("C", 3, {"n": 1})) == []


def test_a_step_may_name_a_stream_and_sees_its_final_events() -> None:
    source = (
        "stream Sums = X .where(n > 0) .emit(twice: n * 2)\n"
        "stream S = A as a -> Sums where twice > a.n as s .emit(t: s.twice)"
    )
    events = ("A", 0, {"n": 3}), ("X", 1, {"n": 1}), ("X", 2, {"n": 2})
    got = [output for output in history(source, *events) if "t" in output]
    assert got == [{"t": 4}]


def test_a_step_may_name_a_stream_of_matches() -> None:
    source = (
        PAIR + "\nstream T = S as s -> C as c .emit(n: s.a_n, d: s.match_duration_ms)"
    )
    events = ("A", 0, {"n": 1}), ("B", 2), ("C", 3)
    assert history(source, *events) == [{"n": 1, "d": 2000}]


def test_a_step_that_names_the_type_of_emit_as_takes_the_event_once() -> None:
    source = (
        "stream T = X .emit as U(n: n)\n"
        "stream S = U as u -> T where n > u.n as t .emit(u: u.n, t: t.n)"
    )
    got = [
        o for o in history(source, ("X", 0, {"n": 1}), ("X", 1, {"n": 2})) if "u" in o
    ]
    assert got == [{"u": 1, "t": 2}]


# --- matching -------------------------------------------------------------------------


def test_every_event_starts_its_own_run_and_runs_never_fork() -> None:
    source = PAIR + ".emit(a: a.n, b: b.n)"
    two = ("A", 0, {"n": 1}), ("A", 1, {"n": 2}), ("B", 2, {"n": 3})
    assert history(source, *two) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]
    one = ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("B", 2, {"n": 3})
    assert history(source, *one) == [{"a": 1, "b": 2}]


def test_an_event_advances_a_run_by_one_step_at_most() -> None:
    source = "stream S = T as x -> T as y -> T as z .emit(n: [x.n, y.n, z.n])"
    events = [("T", at, {"n": at}) for at in range(4)]
    assert history(source, *events) == [{"n": [0, 1, 2]}, {"n": [1, 2, 3]}]


def test_matches_leave_in_order_of_run_age_not_of_arrival_at_the_step() -> None:
    source = "stream S = A as a -> B where k == a.k as b -> C .emit(k: a.k)\n"
    events = (
        *(("A", 0, {"k": 1}), ("A", 1, {"k": 2})),
        *(("B", 2, {"k": 2}), ("B", 3, {"k": 1}), ("C", 4)),
    )
    assert history(source, *events) == [{"k": 1}, {"k": 2}]


def test_runs_at_different_steps_are_offered_the_event_by_age() -> None:
    source = "stream S = T as x -> T where v > x.v as y -> T where v > y.v as z .emit(x: x.v)"
    events = [("T", at, {"v": v}) for at, v in enumerate([1, 5, 2, 6, 7])]
    assert history(source, *events) == [{"x": 1}, {"x": 5}, {"x": 2}]


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        *((1, 1.0, True), (True, 1, False), ("1", 1, False), (None, None, False)),
        *(([1, {"a": 2}], [1.0, {"a": 2}], True), (True, True, True), ("x", "x", True)),
    ],
)
def test_an_equality_looked_up_means_the_same_as_one_tested(
    first: object, second: object, fits: bool
) -> None:
    events = ("A", 0, {"k": first}), ("B", 1, {"k": second})
    for test in ("k == a.k", "a.k == k", "b.k == a.k", "true and k == a.k"):
        source = f"stream S = A as a -> B where {test} as b .emit(n: 1)"
        assert bool(history(source, *events)) is fits
    tested = (
        "fn same(x, y): x == y\nstream S = A as a -> B where same(k, a.k) .emit(n: 1)"
    )
    assert bool(history(tested, *events)) is fits


def test_several_equalities_make_one_key_and_the_rest_is_tested() -> None:
    source = "stream S = A as a -> B where k == a.k and v > a.v and a.j == j as b .emit(v: b.v)"
    start = ("A", 0, {"k": 1, "j": "x", "v": 5})
    assert history(source, start, ("B", 1, {"k": 1, "j": "y", "v": 6})) == []
    assert history(source, start, ("B", 1, {"k": 1, "v": 6})) == []
    assert history(source, start, ("B", 1, {"k": 1, "j": "x", "v": 5})) == []
    assert history(source, start, ("B", 1, {"k": 1, "j": "x", "v": 6})) == [{"v": 6}]


def test_a_global_of_the_same_name_stands_in_for_a_missing_key_field() -> None:
    source = "let k = 7\nstream S = A as a -> B where k == a.k .emit(n: 1)"
    assert history(source, ("A", 0, {"k": 7}), ("B", 1)) == [{"n": 1}]


def test_filters_may_read_every_alias_globals_and_functions() -> None:
    source = (
        "var most = 3\n"
        "fn near(x) -> bool: abs(x - a.n) < most and b.n > 0\n"
        "stream S = A as a -> B where n > a.n as b -> C where near(n) and n > b.n .emit(n: n)"
    )
    start = ("A", 0, {"n": 1}), ("B", 1, {"n": 2})
    assert history(source, *start, ("C", 2, {"n": 2}), ("C", 3, {"n": 3})) == [{"n": 3}]
    assert history(source, *start, ("C", 2, {"n": 4})) == []


def test_functions_called_for_each_run_see_the_aliases_of_that_run() -> None:
    source = (
        "fn fits(x) -> bool: x == a.n + 1\n"
        "stream S = A as a -> B where fits(n) as b .emit(a: a.n)"
    )
    events = [("A", at, {"n": at}) for at in range(3)]
    assert history(source, *events, ("B", 4, {"n": 2}), ("B", 5, {"n": 1})) == [
        {"a": 1},
        {"a": 0},
    ]


def test_an_alias_of_a_step_not_yet_taken_is_null() -> None:
    source = "stream S = A where b.n == null as a -> B as b .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 1, {"n": 1})) == [{"n": 1}]


def test_a_missing_alias_equals_nothing_not_even_a_missing_field() -> None:
    source = "stream S = A where k == b.k as a -> B as b .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 1)) == []
    whole = "stream S = A as a -> B .where(k == a.nothing) .emit(n: 1)"
    assert history(whole, ("A", 0), ("B", 1)) == []


def test_a_filter_that_is_not_exactly_true_rejects() -> None:
    source = "stream S = A as a -> B where v .emit(n: 1)"
    found = [
        history(source, ("A", 0), ("B", 1, {"v": v})) for v in (1, None, False, True)
    ]
    assert found == [[], [], [], [{"n": 1}]]


def test_an_event_type_named_twice_without_alias_is_no_alias() -> None:
    source = "stream S = A -> B -> A where n == A.n .emit(n: 1)"
    assert history(source, ("A", 0, {"n": 1}), ("B", 1), ("A", 2, {"n": 1})) == []


# --- Kleene ---------------------------------------------------------------------------


def test_a_repeated_step_reads_its_latest_event_or_all() -> None:
    source = "stream S = A -> all B as b -> C .emit(last: b.v, n: len(b), all: b.map(e => e.v))"
    events = ("A", 0), ("B", 1, {"v": 1}), ("B", 2, {"v": 2}), ("C", 3)
    assert history(source, *events) == [{"last": 2, "n": 2, "all": [1, 2]}]


def test_functions_read_repeated_steps_too() -> None:
    source = (
        "fn total(): sum(b.map(e => e.v)) + b.v\n"
        "stream S = A -> all B as b -> C .emit(t: total())"
    )
    events = ("A", 0), ("B", 1, {"v": 1}), ("B", 2, {"v": 2}), ("C", 3)
    assert history(source, *events) == [{"t": 5.0}]


def test_the_first_event_of_a_chain_skips_only_what_mentions_the_chain() -> None:
    source = "stream S = A -> all T where v > 1 and v > t.v as t -> C .emit(v: t.map(e => e.v))"
    events = [("T", at, {"v": v}) for at, v in enumerate([0, 1, 3, 2, 4], start=1)]
    assert history(source, ("A", 0), *events, ("C", 9)) == [{"v": [3, 4]}]


def test_a_chain_without_alias_is_read_by_its_type() -> None:
    source = "stream S = A -> all T where v > T.v -> C .emit(v: T.v, n: len(T))"
    events = [("T", at, {"v": v}) for at, v in enumerate([3, 2, 4], start=1)]
    assert history(source, ("A", 0), *events, ("C", 9)) == [{"v": 4, "n": 2}]


def test_a_last_repeated_step_matches_on_every_event_until_negated() -> None:
    source = "stream S = A as a -> all B as b .not(X) .emit(n: len(b))"
    events = ("A", 0), ("B", 1), ("B", 2), ("X", 3), ("B", 4)
    assert history(source, *events) == [{"n": 1}, {"n": 2}]


def test_a_first_repeated_step_applies_operations_before_the_arrow_to_all_events() -> (
    None
):
    source = "stream S = all A as a .where(n > 0) .select(m: n) -> B .emit(n: a.map(e => e.m))"
    events = [("A", at, {"n": n}) for at, n in enumerate([1, 0, 2])]
    assert history(source, *events, ("B", 9)) == [{"n": [1, 2]}, {"n": [2]}]


def test_a_repeated_first_step_alone_matches_on_every_event() -> None:
    source = "stream S = all A as a .emit(n: len(a))"
    assert history(source, ("A", 0), ("A", 1)) == [{"n": 1}, {"n": 2}, {"n": 1}]


def test_a_run_beyond_the_events_of_a_repeated_step_is_dropped_and_counted() -> None:
    source = "stream S = A -> all B as b -> C .emit(n: len(b))"
    events = [("B", at) for at in range(1, 5)]
    limits = Limits(kleene_events=3)
    assert history(source, ("A", 0), *events[:3], ("C", 9), limits=limits) == [{"n": 3}]
    found = counts(source, ("A", 0), *events, ("C", 9), limits=limits)
    assert found.state_dropped == {"kleene_events": 1}
    assert found.counts["runs_active"] == found.counts["matches"] == 0


def test_a_hop_after_a_chain_begins_at_its_latest_event() -> None:
    source = "stream S = A -> all B as b .within(5s) -> C .within(2s) .emit(n: len(b))"
    start = ("A", 0), ("B", 1)
    assert history(source, *start, ("C", 3)) == [{"n": 1}]
    assert history(source, *start, ("C", 3.001)) == []
    assert history(source, *start, ("B", 4), ("C", 6)) == [{"n": 2}]
    late_taking = ("B", 5), ("B", 5.001), ("C", 7)
    assert history(source, *start, *late_taking) == [{"n": 2}]
    assert history(source, *start, ("C", 4), ("B", 5), ("C", 6)) == [{"n": 2}]


# --- within ---------------------------------------------------------------------------


def test_a_bound_between_steps_begins_anew_and_the_rest_is_unbounded() -> None:
    source = "stream S = A -> B .within(1s) -> C .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 1), ("C", 1000)) == [{"n": 1}]
    assert history(source, ("A", 0), ("B", 1.001), ("C", 2)) == []


def test_a_bound_covers_all_steps_since_the_one_before() -> None:
    source = "stream S = A -> B .within(5s) -> C -> D .within(2s) .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 5), ("C", 6), ("D", 7)) == [{"n": 1}]
    assert history(source, ("A", 0), ("B", 5), ("C", 6), ("D", 7.5)) == []


def test_runs_end_by_the_clock_of_the_stream_not_by_their_own_key() -> None:
    source = "stream S = A as a -> B where k == a.k .within(5s) .partition_by(k) .emit(k: a.k)"
    found = counts(source, ("A", 0, {"k": 1}), ("A", 6, {"k": 2}))
    assert found.counts["runs_expired"] == found.counts["runs_active"] == 1


def test_a_late_event_does_not_bring_an_ended_run_back() -> None:
    source = PAIR + ".within(5s) .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 3)) == [{"n": 1}]
    assert history(source, ("A", 0), ("A", 6), ("B", 3)) == [{"n": 1}]
    found = counts(source, ("A", 0), ("A", 6), ("B", 3))
    assert found.counts["runs_expired"] == found.counts["matches"] == 1


def test_events_out_of_order_keep_deadlines_in_order() -> None:
    source = "stream S = A as a .not(X).within(5s) .emit(n: a.n)"
    events = ("A", 9, {"n": 1}), ("A", 6, {"n": 2}), ("A", 7, {"n": 3}), ("X0", 1)
    assert history(source, *events, ends=True) == [{"n": 2}, {"n": 3}, {"n": 1}]


def test_with_a_watermark_the_lagging_clock_keeps_runs_for_late_events() -> None:
    source = PAIR + ".within(5s) .watermark(out_of_order: 10s) .emit(n: b.n)"
    events = ("A", 0), ("B", 6, {"n": 1}), ("B", 5, {"n": 2}), ("B", 4, {"n": 3})
    assert history(source, *events) == [{"n": 2}]


def test_with_a_watermark_an_absence_waits_for_the_lagging_clock() -> None:
    source = "stream S = A as a .not(X).within(5s) .watermark(out_of_order: 3s) .emit(n: a.n)"
    start = ("A", 0, {"n": 1})
    assert history(source, start, ("A", 8, {"n": 2})) == []
    assert history(source, start, ("A", 8.001, {"n": 2})) == [{"n": 1}]
    assert history(source, start, ("A", 7, {"n": 2}), ("X", 5), ("A", 9)) == []
    assert history(source, start, ("X", 6), ("A", 9), ("X", 9)) == [{"n": 1}]


# --- negation and absence ---------------------------------------------------------------


def test_a_negation_kills_at_any_step_before_the_event_can_advance_the_run() -> None:
    source = "stream S = A as a -> B -> C .not(B where n == a.n) .emit(n: 1)"
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 1}), ("C", 2)) == []
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("C", 2)) == [
        {"n": 1}
    ]
    killed = ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("B", 2, {"n": 1}), ("C", 3)
    assert history(source, *killed) == []
    assert counts(source, *killed).counts["runs_killed"] == 1


def test_a_negation_may_read_steps_that_are_not_there_yet() -> None:
    source = "stream S = A -> B as b -> C .not(X where n == b.n) .emit(n: 1)"
    early = ("A", 0), ("X", 1, {"n": 1}), ("B", 2, {"n": 1}), ("C", 3)
    assert history(source, *early) == [{"n": 1}]
    late = ("A", 0), ("B", 1, {"n": 1}), ("X", 2, {"n": 1}), ("C", 3)
    assert history(source, *late) == []


def test_a_negation_without_equalities_looks_at_all_runs() -> None:
    source = PAIR + ".not(X where n > a.n) .emit(n: a.n)"
    events = ("A", 0, {"n": 1}), ("A", 1, {"n": 5}), ("X", 2, {"n": 3}), ("B", 3)
    assert history(source, *events) == [{"n": 5}]


def test_absence_before_a_deadline_counts_from_the_end_of_the_stretch_before() -> None:
    source = "stream S = A -> B as b .within(5s) .not(X).within(3s) .emit(d: match_duration_ms)"
    assert history(source, ("A", 0), ("B", 4), ("A", 7)) == []
    assert history(source, ("A", 0), ("B", 4), ("A", 7.001)) == [{"d": 3000}]
    assert history(source, ("A", 0), ("B", 4), ("X", 7), ("A", 8)) == []
    assert history(source, ("A", 0), ("B", 4), ("X", 7.001)) == [{"d": 3000}]


def test_absence_counts_from_the_first_event_without_another_bound() -> None:
    source = "stream S = A -> B as b .not(X).within(3s) .emit(n: b.n)"
    assert history(source, ("A", 0), ("B", 2, {"n": 1}), ("A", 3.001)) == [{"n": 1}]
    assert history(source, ("A", 0), ("B", 4, {"n": 1}), ends=True) == []


def test_absences_match_by_deadline_and_then_by_age() -> None:
    source = (
        "stream S = A as a -> B where k == a.k as b .within(9s) "
        ".not(X).within(5s) .emit(k: a.k)"
    )
    events = (
        *(("A", 0, {"k": 1}), ("A", 0, {"k": 2}), ("A", 0, {"k": 3})),
        *(("B", 2, {"k": 3}), ("B", 3, {"k": 2}), ("B", 3, {"k": 1})),
    )
    assert [out["k"] for out in history(source, *events, ends=True)] == [3, 1, 2]


def test_an_event_at_the_deadline_still_cancels_and_one_after_does_not() -> None:
    source = "stream S = A as a .not(X).within(5s) .emit(n: a.n)"
    assert history(source, ("A", 0, {"n": 1}), ("X", 5), ends=True) == []
    assert history(source, ("A", 0, {"n": 1}), ("X", 5.001)) == [{"n": 1}]


def test_an_absent_event_may_start_the_next_run() -> None:
    source = "stream S = A as a .not(A).within(5s) .emit(n: a.n)"
    events = ("A", 0, {"n": 1}), ("A", 3, {"n": 2})
    assert history(source, *events, ends=True) == [{"n": 2}]


def test_only_the_last_two_declarations_make_an_absence() -> None:
    cancels = PAIR + ".within(5s) .not(X) .emit(n: 1)"
    assert history(cancels, ("A", 0), ("B", 1)) == [{"n": 1}]
    waits = PAIR + ".not(X) .not(Y).within(5s) .emit(n: 1)"
    assert history(waits, ("A", 0), ("B", 1)) == []
    assert history(waits, ("A", 0), ("Y", 0.5), ("B", 1), ends=True) == [{"n": 1}]
    assert history(waits, ("A", 0), ("X", 0.5), ("B", 1), ends=True) == []


# --- partitions -------------------------------------------------------------------------


def test_each_partition_has_its_own_runs_and_null_is_a_partition() -> None:
    source = "stream S = A as a -> B as b .partition_by(k) .emit(n: a.n, p: _partition)"
    events = (
        *(("A", 0, {"k": "x", "n": 1}), ("A", 1, {"n": 2}), ("A", 2, {"k": 1, "n": 3})),
        *(("B", 3, {"k": True}), ("B", 4, {"k": 1.0}), ("B", 5), ("B", 6, {"k": "x"})),
    )
    assert history(source, *events) == [{"n": 3, "p": 1}, {"n": 2}, {"n": 1, "p": "x"}]


def test_several_keys_make_one_partition_and_negations_stay_in_it() -> None:
    source = (
        "stream S = A as a -> B as b .not(X) .partition_by(k, j + 1) "
        ".emit(n: a.n, p: _partition)"
    )
    events = (
        *(("A", 0, {"k": 1, "j": 1, "n": 1}), ("A", 1, {"k": 1, "j": 2, "n": 2})),
        *(
            ("X", 2, {"k": 1, "j": 2}),
            ("B", 3, {"k": 1, "j": 2}),
            ("B", 4, {"k": 1, "j": 1}),
        ),
    )
    assert history(source, *events) == [{"n": 1, "p": [1, 2]}]


def test_an_equality_with_the_partition_key_still_refuses_null() -> None:
    source = "stream S = A as a -> B where k == a.k .partition_by(k) .emit(n: 1)"
    assert history(source, ("A", 0), ("B", 1)) == []
    assert history(source, ("A", 0, {"k": 1}), ("B", 1, {"k": 1.0})) == [{"n": 1}]


def test_a_partitioned_sequence_looks_equalities_up_as_well() -> None:
    source = "stream S = A as a -> B where v == a.v .partition_by(k) .emit(n: a.n)"
    events = ("A", 0, {"k": 1, "v": 1, "n": 1}), ("A", 1, {"k": 2, "v": 1, "n": 2})
    assert history(source, *events, ("B", 2, {"k": 2, "v": 1.0})) == [{"n": 2}]


# --- match events -------------------------------------------------------------------------


def test_a_match_has_its_stream_its_length_and_the_fields_of_aliased_steps() -> None:
    source = "stream S = A as a -> B -> all C as c .emit()"
    events = ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("C", 2.5, {"n": 3, "m": 4})
    assert history(source, *events) == [
        {"stream": "S", "match_duration_ms": 2500, "a_n": 1, "c_n": 3, "c_m": 4}
    ]


def test_bare_names_read_the_match_first_and_then_its_last_event() -> None:
    source = PAIR + ".emit(s: stream, n: n, an: a_n, x: a_missing, t: event_type)"
    events = ("A", 0, {"n": 1}), ("B", 1, {"n": 2, "stream": "other"})
    assert history(source, *events) == [{"s": "S", "n": 2, "an": 1, "t": "S"}]


def test_functions_after_the_match_read_names_and_aliases_as_the_stream_does() -> None:
    source = "fn f(): a.n * 100 + b_n * 10 + n\n" + PAIR + ".emit(f: f())"
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 2})) == [{"f": 122}]


def test_consumers_of_a_match_do_not_see_the_fields_of_its_last_event() -> None:
    source = PAIR + "\nstream T = S .emit(n: n, bn: b.n, a: a_n)"
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 2})) == [
        {"bn": 2, "a": 1}
    ]


def test_aliases_stay_readable_in_later_operations() -> None:
    source = PAIR + ".select(d: b.n - a.n) .where(d > a.n) .emit(d: d, a: a.n, b: b.n)"
    assert history(source, ("A", 0, {"n": 1}), ("B", 1, {"n": 3})) == [
        {"d": 2, "a": 1, "b": 3}
    ]


def test_a_match_has_the_greatest_timestamp_of_its_events() -> None:
    source = PAIR + ".emit(t: timestamp, d: match_duration_ms)"
    assert history(source, ("A", 10), ("B", 5)) == [
        {"t": "1970-01-01T00:00:10Z", "d": 0}
    ]


def test_matches_flow_through_process_and_windows() -> None:
    source = (
        "fn f(): emit Hit(n: a.n)\n" + PAIR + ".process(f())\n"
        "stream T = S .window(2) .aggregate(n: sum(n)) .emit(n: n)"
    )
    pairs = [(kind, at, {"n": at}) for at in range(2) for kind in ("A", "B")]
    assert {"n": 1.0} in history(source, *pairs)


def test_later_operations_keep_a_state_for_each_partition_of_the_sequence() -> None:
    source = (
        "stream S = A as a -> B as b .partition_by(k) .limit(1) "
        ".aggregate(n: count()) .emit(k: k, n: n, p: _partition)"
    )
    keys = [1, 2, 1, 2]
    events = [(t, at, {"k": k}) for at, k in enumerate(keys) for t in ("A", "B")]
    assert history(source, *events) == [
        {"k": 1, "n": 1, "p": 1},
        {"k": 2, "n": 1, "p": 2},
    ]


def test_a_pattern_gives_its_partition_to_later_operations() -> None:
    source = (
        "pattern P = SEQ(A, B) partition by k\n"
        "stream S = P .limit(1) .emit(p: _partition)"
    )
    events = [(t, at, {"k": k}) for at, k in enumerate([1, 2, 1]) for t in ("A", "B")]
    assert history(source, *events) == [{"p": 1}, {"p": 2}]


def test_a_partition_after_a_window_of_matches_only_groups() -> None:
    source = (
        "stream S = A -> B as b .window(3) .partition_by(b_k) "
        ".aggregate(n: count()) .emit(k: b_k, n: n)"
    )
    events = [(t, at, {"k": k}) for at, k in enumerate([1, 2, 1]) for t in ("A", "B")]
    assert history(source, *events) == [{"k": 1, "n": 2}, {"k": 2, "n": 1}]


# --- bounds and counters ------------------------------------------------------------------


def test_runs_beyond_the_limit_are_refused_and_counted_over_all_partitions() -> None:
    source = "stream S = A as a -> B as b .partition_by(k) .emit(n: a.n)"
    events = [("A", at, {"k": at, "n": at}) for at in range(4)]
    found = counts(source, *events, limits=Limits(runs=2)).counts
    assert (found["runs_active"], found["runs_refused"]) == (2, 2)
    more = ("B", 5, {"k": 0}), ("A", 6, {"k": 9, "n": 9}), ("B", 7, {"k": 9})
    outs = history(source, *events, *more, limits=Limits(runs=2))
    assert outs == [{"n": 0}, {"n": 9}]


def test_the_default_limit_is_ten_thousand_runs() -> None:
    pipeline = compile_program(PAIR + ".emit(n: 1)")
    lines = b'{"event_type":"A"}\n' * 10_001
    pipeline.inject_batch(lines)
    found = pipeline.metrics().streams["S"].counts
    assert (found["runs_active"], found["runs_refused"]) == (10_000, 1)


def test_counters_tell_what_became_of_runs() -> None:
    source = PAIR + ".within(5s) .not(X) .emit(n: 1)"
    events = ("A", 0), ("B", 1), ("A", 2), ("A", 8), ("X", 9), ("A", 10)
    assert counts(source, *events).counts == {
        "runs_active": 1,
        "runs_refused": 0,
        "runs_expired": 1,
        "runs_killed": 1,
        "matches": 1,
    }


def test_a_stopped_stream_keeps_its_other_runs() -> None:
    source = (
        "fn slow(x):\n    while x: 1\n    true\n"
        "stream S = A as a -> B where slow(spin) .emit(n: a.n)"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=0.02))
    feed(pipeline, ("A", 0, {"n": 1}))
    from engine import Event

    reply = pipeline.inject(Event("B", {"spin": True}, 10**9))
    assert [fault["code"] for fault in reply.errors] == ["R001"]
    assert feed(pipeline, ("B", 2, {"spin": False})) == [{"event_type": "S", "n": 1}]


def test_a_checkpoint_holds_positions_events_and_deadlines() -> None:
    source = (
        "stream S = A as a -> all B as b .within(5s) -> C .within(5s) .not(X) "
        ".partition_by(k) .emit(n: b.map(e => e.n), p: _partition)"
    )
    first = compile_program(source)
    feed(first, ("A", 0, {"k": 1.0}), ("B", 1, {"k": 1, "n": 1}), ("A", 2, {"k": 2}))
    second = compile_program(source)
    second.restore(first.checkpoint())
    assert second.metrics().streams["S"].counts == first.metrics().streams["S"].counts
    for pipeline in (first, second):
        got = feed(pipeline, ("B", 4, {"k": 1, "n": 2}), ("C", 9, {"k": 1}))
        assert got == [{"event_type": "S", "n": [1, 2], "p": 1.0}]
        assert flush(pipeline) == []
        assert pipeline.metrics().streams["S"].counts["runs_expired"] == 1


def test_elements_of_a_repeated_step_are_read_without_maps() -> None:
    source = (
        "stream S = A as a -> all B as b -> C as c\n"
        "    .emit(first: b[0].v, last: b[-1].v, third: b[2].v, safe: b[0]?.v,\n"
        "          none: b[-3].v, deep: b[0].m.x)\n"
    )
    pipeline = compile_program(source)
    assert not pipeline._machine.compiled.fields.whole
    found = []
    for at, (event_type, fields) in enumerate([
        ("A", {}),
        ("B", {"v": 1, "m": {"x": 7}}),
        ("B", {"v": 2}),
        ("C", {}),
    ]):
        found += pipeline.inject(Event(event_type, fields, at)).outputs
    assert found == [{"event_type": "S", "first": 1, "last": 2, "safe": 1, "deep": 7}]
