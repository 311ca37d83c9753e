"""Windows, sentence by sentence (vpl.md 9.1, 9.2 and 12)."""

from typing import Any

import pytest

from engine import Event, InvalidProgramError, compile_program
from engine.connectors.fake import RecordingSinks
from tests.unit.engine.programs import tight
from tests.unit.engine.timed import inject, outputs, run, values

IDS = ".aggregate(ids: collect(i)) .emit(ids)"


def ids_of(window: str, *times: float, flush: bool = True, before: str = "") -> Any:
    """Return the numbers of the events in each window, as they pass."""
    events = [(at, {"i": number}) for number, at in enumerate(times)]
    source = f"stream S = R {before} {window} {IDS}"
    return [output["ids"] for output in run(source, *events, flush=flush)]


# --- forms ------------------------------------------------------------------------------


def test_a_tumbling_window_opens_with_its_first_event() -> None:
    assert ids_of(".window(10s)", 3, 12.9, 13, 40) == [[0, 1], [2], [3]]


def test_the_next_window_starts_at_the_event_that_opens_it() -> None:
    assert ids_of(".window(10s)", 0, 17, 26, 27) == [[0], [1, 2], [3]]


def test_an_aligned_window_lies_on_the_grid_since_1970() -> None:
    assert ids_of(".window(10s, align: true)", 3, 9.999, 10, 25) == [[0, 1], [2], [3]]


def test_align_false_changes_nothing() -> None:
    assert ids_of(".window(10s, align: false)", 3, 12, 13) == [[0, 1], [2]]


def test_an_event_before_1970_has_its_place_on_the_grid() -> None:
    assert ids_of(".window(10s, align: true)", -15, -11, -10, 0) == [[0, 1], [2], [3]]


def test_an_older_event_joins_the_open_window() -> None:
    assert ids_of(".window(10s)", 5, 3, -100, 15) == [[0, 1, 2], [3]]


def test_an_older_event_is_late_on_the_grid_and_counted() -> None:
    pipeline = compile_program(f"stream S = R .window(10s, align: true) {IDS}")
    events = [(at, {"i": i}) for i, at in enumerate((12, 8, 13))]
    assert inject(pipeline, *events, flush=True) == [{"ids": [0, 2]}]
    assert pipeline.metrics().streams["S"].counts == {"late_events": 1}


def test_a_sliding_window_holds_the_inclusive_stretch() -> None:
    assert ids_of(".window(10s, sliding: 1s)", 0, 10, 20.001) == [[0], [0, 1], [2]]


def test_a_sliding_window_passes_when_its_step_is_over() -> None:
    found = ids_of(".window(10s, sliding: 5s)", 0, 4.9, 5, 9, 10)
    assert found == [[0], [0, 1, 2], [0, 1, 2, 3, 4]]


def test_a_late_event_slides_in_without_passing() -> None:
    assert ids_of(".window(5s, sliding: 1s)", 10, 7, 11) == [[0], [0, 1, 2]]


def test_a_count_window_passes_and_clears() -> None:
    assert ids_of(".window(2)", 0, 1, 2, 3, 4) == [[0, 1], [2, 3]]


def test_a_window_of_one_event_passes_at_once() -> None:
    assert ids_of(".window(1)", 0, 1) == [[0], [1]]


def test_a_sliding_count_passes_when_full_and_then_by_steps() -> None:
    assert ids_of(".window(3, sliding: 2)", *range(6)) == [[0, 1, 2], [2, 3, 4]]
    assert ids_of(".window(2, sliding: 3)", *range(6)) == [[0, 1], [3, 4]]


def test_a_session_ends_after_more_than_its_gap() -> None:
    found = ids_of(".window(session: 5s)", 0, 5, 10.000000001, 3, 30)
    assert found == [[0, 1], [2, 3], [4]]


def test_empty_windows_produce_nothing() -> None:
    assert ids_of(".window(1s)", 0, 1000) == [[0], [1]]
    assert ids_of(".window(1s)") == []


def test_a_window_whose_events_are_all_dropped_produces_nothing() -> None:
    source = "stream S = R .window(2) .where(v > 10) .aggregate(n: count()) .emit(n)"
    assert run(source, *values(1, 2, 30, 4)) == [{"n": 1}]


def test_sizes_are_constant_expressions() -> None:
    more = "const n = 1\nlet length = 5s\n"
    source = f"{more}stream S = R .window(n + 1) {IDS}"
    assert len(run(source, *values(1, 2, 3, 4))) == 2
    source = f"{more}stream S = R .window(length * 2) {IDS}"
    assert len(run(source, (0, {}), (9, {}), (10, {}))) == 1


@pytest.mark.parametrize(
    "window",
    ["0", "-1", "0s", "2.5", '"5s"', "true", "5, sliding: 0", "5s, sliding: 3"],
)
def test_a_size_that_makes_no_window_is_refused(window: str) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(f"\nstream S = R .window({window}) .emit(v)")
    assert "line 2" in str(caught.value)


# --- what flows on ----------------------------------------------------------------------


def test_the_events_of_a_window_flow_on_one_by_one() -> None:
    source = "stream S = R as r .window(2) .where(r.v != 1) .emit(v: r.v + v)"
    assert run(source, *values(1, 2, 3, 4)) == [{"v": 4}, {"v": 6}, {"v": 8}]


def test_each_operation_handles_the_whole_batch_before_the_next() -> None:
    source = "stream S = R .window(2) .emit(a: v) .emit(b: a)"
    assert run(source, *values(1, 2)) == [{"a": 1}, {"a": 2}, {"b": 1}, {"b": 2}]


def test_events_of_a_window_keep_their_types() -> None:
    source = "stream S = merge(A, B) .window(2) .emit(t: event_type, v)"
    pipeline = compile_program(source)
    inject(pipeline, (0, {"v": 1}), event_type="A")
    found = inject(pipeline, (1, {"v": 2}), event_type="B")
    assert found == [{"t": "A", "v": 1}, {"t": "B", "v": 2}]


def test_what_flows_out_of_a_window_feeds_consumers() -> None:
    source = "stream S = R .window(2)\nstream D = S .emit(v, t: event_type)"
    assert run(source, *values(1, 2)) == [{"v": 1, "t": "S"}, {"v": 2, "t": "S"}]


def test_made_events_keep_their_type_through_a_window() -> None:
    source = (
        "stream S = R .emit as T(w: v) .window(2)\nstream D = T .emit(w, t: event_type)"
    )
    found = run(source, *values(1, 2))
    assert found == [{"w": 1}, {"w": 2}, {"w": 1, "t": "T"}, {"w": 2, "t": "T"}]


def test_process_after_a_window_makes_outputs() -> None:
    source = (
        "fn f(x): emit P(v: x * 10)\n"
        "stream S = R .window(2) .process(f(v))\nstream D = P .emit(w: v)"
    )
    assert run(source, *values(1, 2)) == [{"v": 10}, {"v": 20}, {"w": 10}, {"w": 20}]


def test_a_function_reads_the_event_of_the_batch() -> None:
    source = "fn f(): v * 2\nstream S = R .window(2) .emit(w: f())"
    assert run(source, *values(1, 2)) == [{"w": 2}, {"w": 4}]


def test_the_aliases_of_a_match_are_readable_after_a_window() -> None:
    source = "stream S = A as a -> B as b .window(2) .emit(x: a.v, y: b.v)"
    pipeline = compile_program(source)
    for at in (0, 2):
        inject(pipeline, (at, {"v": at}), event_type="A")
        found = inject(pipeline, (at + 1, {"v": at + 1}), event_type="B")
    assert found == [{"x": 0, "y": 1}, {"x": 2, "y": 3}]


def test_a_window_over_matches_aggregates_them() -> None:
    source = (
        "stream S = A as a -> B as b .window(1m) .aggregate(d: sum(b.v - a.v)) .emit(d)"
    )
    pipeline = compile_program(source)
    inject(pipeline, (0, {"v": 1}), event_type="A")
    inject(pipeline, (1, {"v": 5}), event_type="B")
    assert outputs(pipeline.flush()) == [{"d": 4.0}]


# --- partitions -------------------------------------------------------------------------


def test_every_key_has_a_window_of_its_own() -> None:
    source = (
        "stream S = R .partition_by(k) .window(10s) .aggregate(n: count()) .emit(k, n)"
    )
    events = [(0, {"k": "a"}), (5, {"k": "b"}), (9, {"k": "a"}), (12, {"k": "c"})]
    assert run(source, *events) == [{"k": "a", "n": 2}]
    assert run(source, *events, (15, {"k": "a"})) == [
        {"k": "a", "n": 2},
        {"k": "b", "n": 1},
    ]


def test_windows_close_by_end_then_by_opening() -> None:
    source = (
        "stream S = R .partition_by(k) .window(10s) .aggregate(n: count()) .emit(k)"
    )
    events = [(5, {"k": "x"}), (3, {"k": "y"}), (3, {"k": "z"}), (20, {"k": "q"})]
    assert [o["k"] for o in run(source, *events)] == ["y", "z", "x"]


def test_keys_compare_by_value() -> None:
    source = "stream S = R .partition_by(k) .window(2) .aggregate(n: count()) .emit(k)"
    keys = [1, True, None, 1.0, [1], True, [1.0], None]
    events = [(at, {"k": key}) for at, key in enumerate(keys)]
    assert run(source, *events) == [{"k": 1}, {"k": True}, {"k": [1]}, {}]


def test_several_keys_are_one_array() -> None:
    source = (
        "stream S = R .partition_by(a, b * 2) .window(2) .aggregate(n: count())"
        " .emit(a, b, p: _partition)"
    )
    events = [(at, {"a": "x", "b": b}) for at, b in enumerate((1, 2, 1.0))]
    assert run(source, *events) == [{"a": "x", "p": ["x", 2]}]


def test_key_fields_come_first_under_their_own_names() -> None:
    source = (
        "stream S = R as r .partition_by(r.site, line, v % 2) .window(1)"
        " .aggregate(line: count(), z: sum(v)) .emit()"
    )
    found = run(source, (0, {"site": "s", "line": 7, "v": 3}))
    assert [list(one.items()) for one in found] == [
        [("site", "s"), ("line", 1), ("z", 3.0)]
    ]


def test_an_alias_reads_the_aggregate_after_it() -> None:
    source = "stream S = R as r .window(1) .aggregate(n: count()) .emit(a: r.n, b: r.v)"
    assert run(source, *values(1)) == [{"a": 1}]


def test_partition_by_after_the_window_groups_by_first_appearance() -> None:
    source = (
        "stream S = R .window(4) .partition_by(k) .aggregate(t: sum(v))"
        " .emit(k, t, p: _partition)"
    )
    keys = ["b", "a", "b", None]
    events = [(at, {"k": key, "v": at}) for at, key in enumerate(keys)]
    assert run(source, *events) == [
        {"k": "b", "t": 2.0, "p": "b"},
        {"k": "a", "t": 1.0, "p": "a"},
        {"t": 3.0},
    ]


def test_a_late_partition_warns_and_a_running_aggregate_too() -> None:
    source = (
        "stream A = R .window(2) .partition_by(k) .aggregate(n: count()) .emit(n)\n"
        "stream B = R .aggregate(n: count()) .emit(n)"
    )
    codes = [found.code for found in compile_program(source).diagnostics]
    assert codes == ["W002", "W001"]


def test_groups_of_a_window_are_a_batch() -> None:
    source = (
        "stream S = R .window(5) .partition_by(k) .aggregate(t: sum(v))"
        " .order_by(t desc) .limit(2) .emit(k, t)"
    )
    events = [(at, {"k": k, "v": at}) for at, k in enumerate("abcab")]
    assert run(source, *events) == [{"k": "b", "t": 5.0}, {"k": "a", "t": 3.0}]


def test_beyond_the_bound_the_least_recently_used_partition_goes() -> None:
    source = "stream S = R .partition_by(k) .window(3) .aggregate(n: count()) .emit(k)"
    pipeline = compile_program(source, limits=tight(partitions=2))
    keys = ["a", "b", "a", "c", "a", "b", "b", "b"]
    events = [(at, {"k": key}) for at, key in enumerate(keys)]
    assert inject(pipeline, *events) == [{"k": "a"}, {"k": "b"}]
    assert pipeline.metrics().streams["S"].state_dropped == {"partitions": 1}


def test_a_dropped_partition_leaves_nothing_to_close() -> None:
    source = "stream S = R .partition_by(k) .window(5s) .aggregate(n: count()) .emit(k)"
    pipeline = compile_program(source, limits=tight(partitions=2))
    events = [(at, {"k": key}) for at, key in enumerate("abcabd")]
    assert inject(pipeline, *events, flush=True) == [{"k": "b"}, {"k": "d"}]
    assert pipeline.metrics().streams["S"].state_dropped == {"partitions": 4}


# --- event time -------------------------------------------------------------------------


def test_any_event_of_the_stream_moves_the_clock() -> None:
    source = "stream S = R .where(v > 0) .window(10s) .aggregate(n: count()) .emit(n)"
    assert run(source, (0, {"v": 1}), (10, {"v": -1})) == [{"n": 1}]


def test_a_due_window_passes_before_the_event_is_handled() -> None:
    source = "stream S = R .emit(v) .window(10s) .aggregate(n: count()) .emit(n)"
    found = run(source, (0, {"v": 1}), (10, {"v": 2}))
    assert found == [{"v": 1}, {"n": 1}, {"v": 2}]


def test_the_aggregate_has_the_timestamp_of_its_latest_event() -> None:
    source = "stream S = R .window(10s) .aggregate(n: count()) .emit(at: timestamp)"
    found = run(source, (3, {}), (5, {}), (4, {}), flush=True)
    assert found == [{"at": "1970-01-01T00:00:05Z"}]


@pytest.mark.parametrize(
    "more",
    [
        "fn f(): timestamp\nstream S = R .window(2) .aggregate(n: count()) .emit(at: f())",
        "stream Q = R .window(2) .aggregate(n: count())\nstream S = Q .emit(at: timestamp)",
        "fn f(): timestamp\nstream S = R .window(2) .aggregate(at: f(), n: count()) .emit(at)",
        "stream S = R .window(2) .partition_by(v) .collect() .emit(at: timestamp)",
        "stream S = R .window(2) .collect() .emit(at: timestamp)",
    ],
)
def test_everybody_who_asks_reads_that_timestamp(more: str) -> None:
    found = run(more, (7, {}), (5, {}))
    assert found == [{"at": "1970-01-01T00:00:07Z"}]


def test_sinks_get_the_timestamp_of_the_latest_event() -> None:
    sinks = RecordingSinks()
    source = (
        "connector C = console()\nstream S = R .window(2) .aggregate(n: count()) .to(C)"
    )
    pipeline = compile_program(source, sinks=sinks)
    inject(pipeline, (7, {}), (5, {}))
    (sent,) = sinks.by_name["C"].sent
    assert sent.json() == {
        "event_type": "S",
        "timestamp": "1970-01-01T00:00:07Z",
        "n": 2,
    }


def test_under_a_watermark_a_grid_begins_with_the_first_event() -> None:
    window = ".watermark(out_of_order: 5s) .window(10s)"
    assert ids_of(window, 3, 2, 12, 13, 9, 18, 40) == [[1], [0, 2, 4], [3, 5], [6]]


def test_an_event_of_a_closed_window_is_left_out_and_counted() -> None:
    source = f"stream S = R .watermark(out_of_order: 1s) .window(10s) {IDS}"
    pipeline = compile_program(source)
    events = [(at, {"i": i}) for i, at in enumerate((0, 11, 9))]
    assert inject(pipeline, *events, flush=True) == [{"ids": [0]}, {"ids": [1]}]
    assert pipeline.metrics().streams["S"].counts == {"late_events": 1}


def test_lateness_keeps_windows_open() -> None:
    late = ".watermark(out_of_order: 0s) .allowed_lateness(3s) .window(10s)"
    assert ids_of(late, 0, 12.9, 9.9, 13, 14) == [[0, 2], [1, 3, 4]]


def test_a_watermarked_session_waits_for_the_clock() -> None:
    window = ".watermark(out_of_order: 10s) .window(session: 2s)"
    assert ids_of(window, 0, 5, 3, 9, 30) == [[0], [1, 2], [3], [4]]


def test_a_late_event_unites_two_sessions() -> None:
    window = ".watermark(out_of_order: 10s) .window(session: 2s)"
    assert ids_of(window, 0, 4, 2, 20) == [[0, 1, 2], [3]]


def test_a_session_that_would_be_closed_is_not_opened() -> None:
    source = f"stream S = R .watermark(out_of_order: 1s) .window(session: 2s) {IDS}"
    pipeline = compile_program(source)
    events = [(at, {"i": i}) for i, at in enumerate((0, 20, 3))]
    assert inject(pipeline, *events, flush=True) == [{"ids": [0]}, {"ids": [1]}]
    assert pipeline.metrics().streams["S"].counts == {"late_events": 1}


def test_a_sliding_window_leaves_out_what_is_older_than_its_stretch() -> None:
    source = f"stream S = R .watermark(out_of_order: 1s) .window(5s, sliding: 1s) {IDS}"
    pipeline = compile_program(source)
    events = [(at, {"i": i}) for i, at in enumerate((10, 4, 3.9, 11))]
    assert inject(pipeline, *events) == [{"ids": [0]}, {"ids": [0, 3]}]
    assert pipeline.metrics().streams["S"].counts == {"late_events": 1}


def test_flush_closes_time_windows_only() -> None:
    assert ids_of(".window(3)", 0, 1) == []
    assert ids_of(".window(10s, sliding: 5s)", 0, 1) == [[0]]
    assert ids_of(".window(session: 1s)", 0, 1) == [[0, 1]]


def test_flush_goes_on_through_consumers() -> None:
    source = (
        "stream S = R .window(10s) .aggregate(n: count())\n"
        "stream D = S .window(10s) .aggregate(t: sum(n)) .emit(t)"
    )
    assert run(source, (0, {}), (11, {}), flush=True) == [{"t": 1.0}, {"t": 1.0}]


def test_windows_work_in_contexts() -> None:
    source = (
        "context side\n"
        "stream S = R .context(side) .window(2) .aggregate(n: count())\n"
        "stream D = S .emit(n)"
    )
    pipeline = compile_program(source)
    try:
        assert inject(pipeline, *values(1, 2, 3, 4)) == [{"n": 2}, {"n": 2}]
    finally:
        pipeline.close()


def test_a_window_in_a_branch_passes_on_its_own() -> None:
    source = (
        "stream S = R .fork(a: .window(2) .aggregate(n: count()) .select(n),"
        " b: .where(v > 2) .select(v)) .emit(n, v)"
    )
    assert run(source, *values(1, 2, 3)) == [{"n": 2}, {"v": 3}]


def test_a_stopped_stream_keeps_its_windows() -> None:
    source = (
        "fn slow(x):\n    while x == 2:\n        x := 2\n    x\n"
        "stream S = R .window(3) .aggregate(t: sum(slow(v))) .emit(t)"
    )
    pipeline = compile_program(source, limits=tight(cpu_s_per_event=0.05))
    assert inject(pipeline, *values(1)) == []
    reply = pipeline.inject(Event("R", {"v": 2}, 0))
    assert [error["code"] for error in reply.errors] == ["R001"]
    assert inject(pipeline, *values(3, 4)) == [{"t": 8.0}]


def test_a_merge_may_have_windows_under_one_watermark() -> None:
    source = (
        "stream S = merge(A, B) .watermark(out_of_order: 0s) .window(10s)"
        " .aggregate(n: count()) .emit(n)"
    )
    pipeline = compile_program(source)
    assert inject(pipeline, (0, {}), (30, {}), event_type="A") == [{"n": 1}]
    assert inject(pipeline, (5, {}), event_type="B") == []
    assert inject(pipeline, (41, {}), event_type="B") == []
    assert inject(pipeline, (42, {}), event_type="A") == [{"n": 1}]


@pytest.mark.parametrize(
    "window",
    [
        ".window(100000d)",
        ".window(session: 100000d)",
        ".watermark(out_of_order: 1s) .window(100000d)",
        ".watermark(out_of_order: 1s) .window(session: 100000d)",
    ],
)
def test_what_would_end_after_all_time_ends_with_it(window: str) -> None:
    assert ids_of(window, 9.0e9, 9.1e9) == [[0, 1]]


@pytest.mark.parametrize(
    "operations",
    [
        ".window(2) .aggregate(ids: collect(i), s: sum(10 / d))",
        ".window(session: 1m) .aggregate(ids: collect(i), s: sum(10 / d))",
        ".window(1m) .aggregate(ids: collect(i), s: sum(10 / d))",
        ".select(i, q: 10 / d) .window(2) .aggregate(ids: collect(i))",
        ".select(i, q: 10 / d) .window(1m, sliding: 2s) .aggregate(ids: collect(i))",
        ".select(i, q: 10 / d) .window(2) .where(i >= 0) .aggregate(ids: collect(i))",
        ".watermark(out_of_order: 1s) .window(1m) .aggregate(ids: collect(i), s: sum(10 / d))",
    ],
)
def test_an_event_dropped_for_an_error_is_in_no_window(operations: str) -> None:
    source = f'stream S = R .on_error("skip") {operations} .emit(ids)'
    events = [(at, {"i": at, "d": d}) for at, d in enumerate((1, 0, 2))]
    assert run(source, *events, flush=True)[-1] == {"ids": [0, 2]}


def test_an_event_dropped_for_an_error_is_not_remembered() -> None:
    events = [(at, {"i": at, "d": d}) for at, d in enumerate((0, 5, 5))]
    for operation in (".distinct(10 / d)", ".select(i, q: 10 / d) .limit(1)"):
        source = f'stream S = R .on_error("skip") {operation} .emit(i)'
        assert run(source, *events) == [{"i": 1}]
