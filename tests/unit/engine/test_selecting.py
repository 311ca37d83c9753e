"""distinct, limit, first, order_by and collect (vpl.md 8.3)."""

import json
from typing import Any

import pytest

from engine import Event, compile_program
from tests.unit.engine.programs import tight
from tests.unit.engine.timed import Fields, inject, run, values


def kept(operations: str, *keys: Any, more: str = "") -> list[Any]:
    """Return the places of the events of keys k that pass, a second apart."""
    source = f"{more}stream S = R {operations} .emit(i)"
    events = [(at, {"k": key, "i": at}) for at, key in enumerate(keys)]
    return [output["i"] for output in run(source, *events)]


# --- distinct ---------------------------------------------------------------------------


def test_distinct_keeps_the_first_event_of_each_key() -> None:
    assert kept(".distinct(k)", "a", "b", "a", None, None) == [0, 1, 3]


def test_distinct_compares_by_value() -> None:
    keys = [1, 1.0, True, "1", [1], [1.0], {"a": 1}, {"a": 1.0}]
    assert kept(".distinct(k)", *keys) == [0, 2, 3, 4, 6]


def test_distinct_takes_any_expression() -> None:
    assert kept(".distinct(len(k))", "a", "b", "cc") == [0, 2]


def test_distinct_without_key_compares_all_fields() -> None:
    source = "stream S = R .distinct() .emit(a, b)"
    first: Fields = {"a": 1, "b": 2}
    events = [
        (0, first),
        (1, {"b": 2.0, "a": 1}),
        (2, {"a": 1}),
        (3, {"a": 1, "b": None}),
    ]
    found = run(source, *events)
    assert found == [{"a": 1, "b": 2}, {"a": 1}]


def test_a_key_is_known_for_exactly_its_ttl() -> None:
    source = "stream S = R .distinct(k, ttl: 10s) .emit(i)"
    times = (0, 10, 10.000000001, 20)
    events = [(at, {"k": "a", "i": i}) for i, at in enumerate(times)]
    assert run(source, *events) == [{"i": 0}, {"i": 2}]


def test_the_ttl_counts_from_the_last_kept_event() -> None:
    source = "stream S = R .distinct(k, ttl: 10s) .emit(i)"
    events = [(at, {"k": "a", "i": i}) for i, at in enumerate((0, 6, 12, 18))]
    assert run(source, *events) == [{"i": 0}, {"i": 2}]


def test_the_ttl_follows_the_clock_of_the_stream() -> None:
    source = "stream S = R .distinct(k, ttl: 10s) .emit(i)"
    events = [
        (0, {"k": "a", "i": 0}),
        (50, {"k": "b", "i": 1}),
        (1, {"k": "a", "i": 2}),
    ]
    assert run(source, *events) == [{"i": 0}, {"i": 1}, {"i": 2}]


def test_beyond_the_bound_the_key_seen_the_longest_ago_is_forgotten() -> None:
    source = "stream S = R .distinct(k) .emit(i)"
    pipeline = compile_program(source, limits=tight(distinct_keys=2))
    events = [(at, {"k": key, "i": at}) for at, key in enumerate("abacab")]
    assert [o["i"] for o in inject(pipeline, *events)] == [0, 1, 3, 5]
    assert pipeline.metrics().streams["S"].state_dropped == {"distinct_keys": 2}


def test_keys_past_their_ttl_do_not_count() -> None:
    source = "stream S = R .distinct(k, ttl: 1s) .emit(i)"
    pipeline = compile_program(source, limits=tight(distinct_keys=2))
    events = [(at * 2, {"k": key, "i": at}) for at, key in enumerate("abcdef")]
    assert len(inject(pipeline, *events)) == 6
    assert pipeline.metrics().streams["S"].state_dropped == {}


def test_distinct_is_kept_per_partition() -> None:
    source = "stream S = R .partition_by(p) .distinct(k) .emit(p, k)"
    pairs = [("x", 1), ("y", 1), ("x", 1.0), ("x", 2)]
    events = [(at, {"p": p, "k": k}) for at, (p, k) in enumerate(pairs)]
    assert run(source, *events) == [
        {"p": "x", "k": 1},
        {"p": "y", "k": 1},
        {"p": "x", "k": 2},
    ]


def test_distinct_on_a_window_acts_per_batch() -> None:
    assert kept(".window(3).distinct(k)", *"aabaab") == [0, 2, 3, 5]
    assert kept(".window(3).where(k != 'c').distinct(k)", *"acabca") == [0, 3, 5]
    assert kept(".window(2).distinct()", "a", "a") == [0, 1]


def test_distinct_on_aggregates_acts_over_the_streams_life() -> None:
    source = "stream S = R .window(2) .aggregate(t: sum(v)) .distinct(t) .emit(t)"
    assert run(source, *values(1, 2, 2, 1, 3, 3)) == [{"t": 3.0}, {"t": 6.0}]


def test_distinct_on_groups_acts_over_the_streams_life() -> None:
    source = (
        "stream S = R .window(2) .partition_by(v) .aggregate(n: count())"
        " .distinct(v) .emit(v)"
    )
    assert run(source, *values(1, 2, 2, 3)) == [{"v": 1}, {"v": 2}, {"v": 3}]


# --- limit and first --------------------------------------------------------------------


def test_limit_passes_the_first_events_of_the_stream() -> None:
    assert kept(".limit(2)", *"aaaa") == [0, 1]
    assert kept(".first()", *"aaaa") == [0]
    assert kept(".limit(0)", *"aaaa") == []


def test_limit_takes_a_constant() -> None:
    assert kept(".limit(n + 1)", *"aaaa", more="const n = 2\n") == [0, 1, 2]


def test_limit_counts_what_arrives_at_it() -> None:
    assert kept(".where(k == 'b').limit(1)", *"abb") == [1]


def test_limit_counts_per_partition() -> None:
    assert kept(".partition_by(k).limit(1)", "a", "b", "a", 1, True, 1.0) == [
        0,
        1,
        3,
        4,
    ]
    assert kept(".partition_by(k).first()", "a", "b", "a") == [0, 1]


def test_limit_after_a_window_counts_per_batch() -> None:
    assert kept(".window(3).limit(2)", *"aaabbb") == [0, 1, 3, 4]
    assert kept(".window(3).where(k != 'a').first()", *"abcabc") == [1, 4]


def test_limit_after_an_aggregate_counts_per_batch() -> None:
    source = "stream S = R .window(2) .aggregate(t: sum(v)) .limit(1) .emit(t)"
    assert run(source, *values(1, 2, 3, 4)) == [{"t": 3.0}, {"t": 7.0}]
    source = "stream S = R .window(2) .aggregate(t: sum(v)) .limit(0) .emit(t)"
    assert run(source, *values(1, 2, 3, 4)) == []


def test_limit_after_a_running_aggregate_counts_per_partition() -> None:
    source = (
        "stream S = R .partition_by(k) .aggregate(n: count()) .limit(1) .emit(k, n)"
    )
    events = [(at, {"k": key}) for at, key in enumerate("aab")]
    assert run(source, *events) == [{"k": "a", "n": 1}, {"k": "b", "n": 1}]


def test_limit_of_matches_counts_per_partition() -> None:
    source = (
        "stream S = A as a -> B where k == a.k as b .partition_by(k) .limit(1)"
        " .emit(k: a.k, v: b.v)"
    )
    pipeline = compile_program(source)
    for at, key in enumerate("xyx"):
        inject(pipeline, (at * 2, {"k": key}), event_type="A")
        inject(pipeline, (at * 2 + 1, {"k": key, "v": at}), event_type="B")
    assert pipeline.metrics().streams["S"].outputs == 2


# --- order_by ---------------------------------------------------------------------------


def test_order_by_is_stable_and_puts_null_last() -> None:
    assert kept(".window(5).order_by(k)", 2, None, 1, 2.0, None) == [2, 0, 3, 1, 4]
    assert kept(".window(5).order_by(k desc)", 2, None, 1, 2.0, 3) == [4, 0, 3, 2, 1]


def test_order_by_takes_several_expressions() -> None:
    found = kept(".window(4).order_by(len(k), k desc)", "b", "aa", "c", "zz")
    assert found == [2, 0, 3, 1]


def test_order_by_keeps_kinds_apart() -> None:
    found = kept(".window(6).order_by(k)", "b", 2, True, "a", 1.5, [1])
    assert found == [4, 1, 3, 0, 2, 5]


def test_kinds_without_order_are_counted() -> None:
    pipeline = compile_program("stream S = R .window(2) .order_by(v) .emit(v)")
    inject(pipeline, *values(True, [1]))
    assert pipeline.metrics().errors == {"kind": 2}


def test_order_by_without_a_window_has_no_effect() -> None:
    source = "stream S = R .order_by(v) .emit(v)"
    assert run(source, *values(2, 1)) == [{"v": 2}, {"v": 1}]
    assert [d.code for d in compile_program(source).diagnostics] == ["W093"]


# --- collect ----------------------------------------------------------------------------


def test_collect_makes_one_event_of_a_batch() -> None:
    source = "stream S = R .window(2) .where(v != 2) .collect() .emit()"
    assert run(source, *values(1, 2, 3, 4)) == [
        {"events": [{"v": 1}], "count": 1},
        {"events": [{"v": 3}, {"v": 4}], "count": 2},
    ]


def test_collect_makes_nothing_of_nothing() -> None:
    source = "stream S = R .window(2) .where(v > 9) .collect() .emit(count)"
    assert run(source, *values(1, 2)) == []


def test_collect_feeds_consumers() -> None:
    source = "stream S = R .window(2) .collect()\nstream D = S .emit(n: count, f: events[0].v)"
    assert run(source, *values(5, 6)) == [{"n": 2, "f": 5}]


def test_collect_after_an_aggregate_has_one_event() -> None:
    source = "stream S = R .window(2) .aggregate(t: sum(v)) .collect() .emit()"
    assert run(source, *values(1, 2)) == [{"events": [{"t": 3.0}], "count": 1}]


# --- state ------------------------------------------------------------------------------

STATEFUL = [
    "stream S = R .distinct(k) .emit(i)",
    "stream S = R .partition_by(i % 2) .distinct(k, ttl: 2s) .emit(i)",
    "stream S = R .distinct() .emit(i)",
    "stream S = R .limit(3) .emit(i)",
    "stream S = R .partition_by(k) .limit(1) .emit(i)",
    "stream S = R .aggregate(n: count(), c: collect(k), d: count_distinct(k)) .emit()",
    "stream S = R .aggregate(m: median(i), e: ema(i, 3), s: stddev(i), f: first(k)) .emit()",
    "stream S = R .partition_by(k) .aggregate(n: count(), hi: max(i)) .emit()",
    "stream S = R .emit as T(i, k) .window(3) .emit()",
    "stream S = R .watermark(out_of_order: 2s) .partition_by(k) .window(session: 1s) .emit()",
]


@pytest.mark.parametrize("source", STATEFUL)
@pytest.mark.parametrize("cut", range(1, 8))
def test_a_restored_state_goes_on_as_if_nothing_had_happened(
    source: str, cut: int
) -> None:
    keys = ["a", 1, "a", None, True, 1.0, [1], "b", [1.0]]
    events = [(at, {"k": key, "i": at}) for at, key in enumerate(keys)]
    whole = inject(compile_program(source), *events, flush=True)
    first, second = compile_program(source), compile_program(source)
    found = inject(first, *events[:cut])
    second.restore(json.loads(json.dumps(first.checkpoint())))
    found += inject(second, *events[cut:], flush=True)
    assert found == whole


def test_events_of_the_quick_way_in_count_too() -> None:
    pipeline = compile_program("stream S = R .limit(1) .emit(v)")
    pipeline.start()
    payload = b'{"event_type": "R", "fields": {"v": 1}}'
    replies = [json.loads(pipeline.process(payload)) for _ in range(3)]
    assert [len(reply["output_events"]) for reply in replies] == [1, 0, 0]
    assert pipeline.inject(Event("R", {"v": 2})).outputs == []
