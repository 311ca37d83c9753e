"""Contexts: complete replies, order, globals, faults."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine import (
    Event,
    Limits,
    Pipeline,
    PipelineClosedError,
    QueueFullError,
    compile_program,
)
from engine.encoding import to_plain

TWO = "context left (cores: [0])\ncontext right (cores: [900])\n"
SPIN = "fn spin():\n    var k = 0\n    while true: k := k + 1\n    return k\n"


@pytest.fixture
def made() -> list[Pipeline]:
    return []


@pytest.fixture(autouse=True)
def close(made: list[Pipeline]) -> object:
    yield
    for pipeline in made:
        pipeline.close()


def compiled(
    made: list[Pipeline], source: str, limits: Limits | None = None
) -> Pipeline:
    pipeline = compile_program(source, limits=limits)
    made.append(pipeline)
    return pipeline


def test_outputs_of_two_contexts_are_sorted_by_depth(made: list[Pipeline]) -> None:
    source = TWO + (
        "stream Late = Mid .context(left) .emit(n: 3)\n"
        "stream Mid = In .context(right) .emit(n: 2)\n"
        "stream First = In .emit(n: 1)\n"
    )
    pipeline = compiled(made, source)
    for _ in range(20):
        outputs = pipeline.inject(Event("In", {})).outputs
        assert [output["n"] for output in outputs] == [2, 1, 3]


def test_one_context_keeps_the_order_of_production(made: list[Pipeline]) -> None:
    source = TWO + (
        "fn f(n): emit P(n: n)\n"
        "stream B = A .context(left) .emit(n: 2)\n"
        "stream A = In .context(left) .emit(n: 1)\n"
    )
    pipeline = compiled(made, source)
    outputs = pipeline.inject(Event("In", {})).outputs
    assert [output["n"] for output in outputs] == [1, 2]


def test_assignments_of_two_contexts_lose_no_update(made: list[Pipeline]) -> None:
    source = TWO + (
        "var total = 0\n"
        "fn add(n):\n    for i in 0..n: total := total + 1\n    return total\n"
        "stream L = In .context(left) .select(x: add(n))\n"
        "stream R = In .context(right) .select(x: add(n))\n"
        "stream S = Ask .emit(total)\n"
    )
    pipeline = compiled(made, source)
    pipeline.inject(Event("In", {"n": 20_000}))
    assert pipeline.inject(Event("Ask", {})).outputs == [
        {"event_type": "S", "total": 40_000}
    ]


def test_many_threads_inject_at_once(made: list[Pipeline]) -> None:
    source = TWO + (
        "stream L = In .context(left) .emit(n: n)\n"
        "stream R = L .context(right) .emit(n: n)\n"
    )
    pipeline = compiled(made, source)

    def inject(at: int) -> list[int]:
        reply = pipeline.inject(Event("In", {"n": at}))
        assert reply.complete
        return [output["n"] for output in reply.outputs]

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(inject, range(400)))
    assert replies == [[at, at] for at in range(400)]
    assert pipeline.metrics().events_in == 400
    assert pipeline.metrics().streams["R"].events_in == 400


def test_a_batch_keeps_the_order_of_its_events(made: list[Pipeline]) -> None:
    source = TWO + (
        "stream L = In .context(left) .emit(n: n)\n"
        "stream R = In .context(right) .emit(n: n)\n"
    )
    lines = b"\n".join(b'{"event_type":"In","n":%d}' % at for at in range(3000))
    reply = compiled(made, source).inject_batch(lines)
    got = [(output["event_type"], output["n"]) for output in reply.outputs]
    assert got == [(name, at) for at in range(3000) for name in ("L", "R")]


def test_contexts_that_feed_each_other_do_not_lock_up(made: list[Pipeline]) -> None:
    source = TWO + (
        "fn f(n):\n    for i in 0..n: emit P(i: i)\n"
        "stream Many = In .context(left) .process(f(n))\n"
        "stream There = P .context(right) .emit as Q(i: i)\n"
        "stream Back = Q .context(left) .where(i < 1) .emit(i: i)\n"
    )
    pipeline = compiled(made, source, Limits(context_queue_events=10))
    reply = pipeline.inject(Event("In", {"n": 2000}))
    assert len(reply.outputs) == 4001


def held_up(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let `abs` wait until the returned event is set."""
    gate = threading.Event()
    real = pipeline._machine.compiled.values["b_abs"]

    def wait(x: object, n: object) -> object:
        gate.wait(30)
        return real(x, n)

    monkeypatch.setitem(pipeline._machine.compiled.values, "b_abs", wait)
    return gate


def test_a_timeout_gives_an_incomplete_reply(
    made: list[Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TWO + (
        "stream Slow = In .context(left) .emit(n: abs(1))\n"
        "stream Fast = In .context(right) .emit(n: 2)\n"
    )
    pipeline = compiled(made, source)
    gate = held_up(pipeline, monkeypatch)
    reply = pipeline.inject(Event("In", {}), timeout_s=0.01)
    assert not reply.complete
    assert b'"complete":false' in reply.to_json_bytes()
    gate.set()
    later = pipeline.inject(Event("In", {}))
    assert later.complete
    assert [output["n"] for output in later.outputs] == [1, 2]


def test_a_runaway_context_reports_and_goes_on(made: list[Pipeline]) -> None:
    source = (
        TWO
        + SPIN
        + (
            "stream Slow = In .context(left) .emit(n: spin())\n"
            "stream Fast = In .context(right) .emit(n: 2)\n"
        )
    )
    pipeline = compiled(made, source, Limits(cpu_s_per_event=0.02))
    for _ in range(2):
        reply = pipeline.inject(Event("In", {}))
        assert reply.complete
        assert [output["n"] for output in reply.outputs] == [2]
        assert [fault["code"] for fault in reply.errors] == ["R001"]


def test_closing_stops_the_threads_and_refuses_events() -> None:
    pipeline = compile_program(TWO + "stream L = In .context(left) .emit(n: 1)")
    pipeline.inject(Event("In", {}))
    names = {thread.name for thread in threading.enumerate()}
    assert "context left" in names
    pipeline.close()
    with pytest.raises(PipelineClosedError):
        pipeline.inject(Event("In", {}))


def test_a_crash_inside_a_context_is_reported(
    made: list[Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TWO + "stream L = In .context(left) .emit(n: abs(n))"
    pipeline = compiled(made, source)

    def crash(*args: object) -> None:
        raise RuntimeError("broken builtin")

    monkeypatch.setitem(pipeline._machine.compiled.values, "b_abs", crash)
    reply = pipeline.inject(Event("In", {"n": 1}))
    assert [fault["code"] for fault in reply.errors] == ["R005"]
    assert reply.complete
    monkeypatch.undo()
    assert pipeline.inject(Event("In", {"n": -1})).outputs == [
        {"event_type": "L", "n": 1}
    ]


def test_a_full_queue_refuses_within_the_timeout(
    made: list[Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TWO + "stream Slow = In .context(left) .emit(n: abs(1))"
    pipeline = compiled(made, source, Limits(context_queue_events=2))
    gate = held_up(pipeline, monkeypatch)
    event = b'{"event_type":"In"}'
    payload = b"\n".join([event, b"{", *[event] * 5])
    reply = pipeline.inject_batch(payload, timeout_s=0.05)
    assert not reply.complete
    assert 1 <= reply.accepted <= 3
    assert len(reply.rejected) == 7 - reply.accepted
    assert reply.rejected[0]["index"] == 1
    assert reply.rejected[-1] == {"index": 6, "reason": "queue full"}

    def press() -> None:
        for _ in range(3):
            pipeline.inject(Event("In", {}), timeout_s=0.0)

    with pytest.raises(QueueFullError):
        press()
    gate.set()
    assert pipeline.inject(Event("In", {})).complete


def test_a_busy_pipeline_without_contexts_refuses_within_the_timeout() -> None:
    pipeline = compile_program("stream S = In .emit(n: 1)")
    pipeline.start()
    with pipeline._lock, pytest.raises(QueueFullError):
        pipeline.inject(Event("In", {}), timeout_s=0.01)
    assert pipeline.inject(Event("In", {})).complete


def test_what_comes_after_a_timeout_is_told_to_others(
    made: list[Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TWO + (
        "stream Slow = In .context(left) .emit(n: abs(1))\n"
        "stream Fast = In .context(right) .emit(n: 2)\n"
    )
    pipeline = compiled(made, source)
    gate = held_up(pipeline, monkeypatch)
    later: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    pipeline.on_outputs = later.put
    reply = pipeline.inject(Event("In", {}), timeout_s=0.01)
    assert not reply.complete
    gate.set()
    told = [*reply.outputs, *map(to_plain, later.get(timeout=30))]
    assert sorted(event["n"] for event in told) == [1, 2]
    assert pipeline.inject(Event("In", {})).complete
    assert later.empty()
    assert pipeline.metrics().events_out == 4
