"""Bounds of what is kept and made, where other tests leave vpl.md 19 open."""

from collections import Counter
from typing import Any

import pytest

from engine import Event, Limits, compile_program
from engine.encoding import to_plain
from engine.metrics import StreamMetrics
from tests.unit.engine.histories import Happening, feed, flush
from tests.unit.engine.programs import tight

GROWN = "fn f(n):\n    for i in 0..n: emit P(i: i)\nstream S = R .process(f(n))\n"


def counted(source: str, limits: Limits, *events: Happening) -> StreamMetrics:
    pipeline = compile_program(source, limits=limits)
    feed(pipeline, *events)
    flush(pipeline)
    return pipeline.metrics().streams["S"]


def test_bounds_are_those_of_the_language_unless_told_otherwise() -> None:
    assert Limits() == Limits(
        cpu_s_per_event=10,
        recursion_depth=200,
        outputs_per_event=1_000_000,
        text_chars=16 * 2**20,
        array_items=1_000_000,
        partitions=1_000_000,
        distinct_keys=100_000,
        running_values=100_000,
        runs=10_000,
        kleene_events=10_000,
        join_events_per_key=1000,
        idle_grace_s=0.5,
        reply_timeout_s=15,
        context_queue_events=1000,
    )


@pytest.mark.parametrize(
    "operations",
    [
        ".aggregate(n: count())",
        ".window(10) .aggregate(n: count())",
        ".window(10s) .aggregate(n: count())",
        ".window(10s, sliding: 1s) .aggregate(n: count())",
        ".window(10, sliding: 2) .aggregate(n: count())",
        ".window(session: 10s) .aggregate(n: count())",
        ".limit(1)",
    ],
)
def test_partitions_are_bounded_for_everything_kept_per_key(operations: str) -> None:
    source = f"stream S = R .partition_by(k) {operations} .emit(k)"
    events: list[Happening] = [("R", at, {"k": at % 5}) for at in range(10)]
    found = counted(source, tight(partitions=2), *events)
    assert found.state_dropped == {"partitions": 8}


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("median(v)", 4.0),
        ("percentile(v, 50)", 4.0),
        ("count_distinct(v)", 3),
        ("count(distinct(v))", 3),
        ("collect(v)", [3, 4, 5]),
    ],
)
def test_a_running_aggregate_looks_at_its_latest_values(call: str, value: Any) -> None:
    pipeline = compile_program(
        f"stream S = R .aggregate(x: {call}) .emit(x)", limits=tight(running_values=3)
    )
    events: list[Happening] = [("R", at, {"v": at}) for at in range(6)]
    assert feed(pipeline, *events)[-1]["x"] == value
    assert pipeline.metrics().streams["S"].state_dropped == {"running_values": 3}


@pytest.mark.parametrize("call", ["ema(v, 3)", "stddev(v)", "first(v)", "sum(v)"])
def test_a_running_aggregate_without_memory_drops_nothing(call: str) -> None:
    source = f"stream S = R .aggregate(x: {call}) .emit(x)"
    events: list[Happening] = [("R", at, {"v": at}) for at in range(6)]
    assert counted(source, tight(running_values=3), *events).state_dropped == {}


@pytest.mark.parametrize("more", ["", "stream Q = P .emit(i)\n"])
def test_every_event_of_a_batch_has_its_own_bound_of_outputs(more: str) -> None:
    pipeline = compile_program(GROWN + more, limits=tight(outputs_per_event=5))
    lines = b"\n".join(b'{"event_type":"R","n":%d}' % n for n in (2, 2, 9, 1))
    reply = pipeline.inject_batch(lines)
    assert [o["i"] for o in reply.outputs if o["event_type"] == "P"] == [
        *(0, 1, 0, 1, 0, 1, 2, 3, 4, 0),
    ]
    assert {error["code"] for error in reply.errors} == {"R003"}
    assert len(feed(pipeline, ("R", 0, {"n": 1}))) == (2 if more else 1)


@pytest.mark.parametrize("bound", [0, 1, 5, 12, 17, 18, 19])
@pytest.mark.parametrize(
    "streams",
    [
        "stream S = R .context(c) .process(f(n))\nstream Q = P .emit(i)\n",
        "stream S = R .process(f(n))\nstream Q = P .context(c) .emit(i)\n",
        "stream S = R .context(c) .process(f(n))\nstream Q = R .context(d) .process(f(n))\n",
    ],
)
def test_contexts_share_the_bound_of_outputs(streams: str, bound: int) -> None:
    head = "context c\ncontext d\nfn f(n):\n    for i in 0..n: emit P(i: i)\n"
    pipeline = compile_program(head + streams, limits=tight(outputs_per_event=bound))
    try:
        for _ in range(3):
            reply = pipeline.inject(Event("R", {"n": 9}, 0))
            assert len(reply.outputs) == min(bound, 18)
            codes = [error["code"] for error in reply.errors]
            assert codes == (["R003"] if bound < 18 else [])
    finally:
        pipeline.close()


def test_what_a_context_hands_on_and_back_shares_the_bound() -> None:
    source = (
        "context c\nfn f(n):\n    for i in 0..n: emit P(i: i)\n"
        "stream S = R .process(f(n))\nstream Q = P .context(c) .emit(i)\n"
        "stream T = Q .emit(i)\n"
    )
    pipeline = compile_program(source, limits=tight(outputs_per_event=13))
    try:
        reply = pipeline.inject(Event("R", {"n": 5}, 0))
        made = Counter(to_plain(output)["event_type"] for output in reply.outputs)
        assert made == {"P": 5, "Q": 5, "T": 3}
        assert [error["code"] for error in reply.errors] == ["R003"]
    finally:
        pipeline.close()


def test_recursion_goes_exactly_as_deep_as_its_limit() -> None:
    source = (
        "fn depth(n): if n == 1 then 1 else 1 + depth(n - 1)\n"
        "stream S = R .emit(n: depth(n))"
    )
    pipeline = compile_program(source)
    assert feed(pipeline, ("R", 0, {"n": 200})) == [{"event_type": "S", "n": 200}]
    (answer,) = pipeline.inject_batch(b'{"event_type":"R","n":201}').errors
    assert answer["code"] == "R002"


def test_arrays_of_windows_are_bounded_like_others() -> None:
    for operation in (".aggregate(all: collect(v))", ".collect() .select(all: events)"):
        source = f"stream S = R .window(4) {operation} .emit(all)"
        pipeline = compile_program(source, limits=tight(array_items=3))
        lines = b"\n".join(b'{"event_type":"R","v":%d}' % v for v in range(4))
        reply = pipeline.inject_batch(lines)
        assert [error["code"] for error in reply.errors] == ["R004"]
        assert [o.get("all") for o in reply.outputs] == [None]


def test_a_run_that_took_too_much_at_its_last_step_is_dropped() -> None:
    source = "stream S = A -> all B as b .emit(n: len(b))"
    pipeline = compile_program(source, limits=tight(kleene_events=3))
    events: list[Happening] = [("B", at) for at in range(1, 6)]
    assert [o["n"] for o in feed(pipeline, ("A", 0), *events)] == [1, 2, 3]
    found = pipeline.metrics().streams["S"]
    assert found.state_dropped == {"kleene_events": 1}
    assert found.counts["runs_active"] == 0
