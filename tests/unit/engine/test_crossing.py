"""Events that cross contexts, where other tests leave vpl.md 13 open."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from engine import Event, Pipeline, compile_program

TWO = "context left\ncontext right\n"
Compile = Callable[[str], Pipeline]


@pytest.fixture
def compiled() -> Iterator[Compile]:
    made: list[Pipeline] = []

    def make(source: str) -> Pipeline:
        made.append(compile_program(TWO + source))
        return made[-1]

    yield make
    for pipeline in made:
        pipeline.close()


def test_the_default_context_counts_and_made_types_keep_their_stream(
    compiled: Compile,
) -> None:
    pipeline = compiled(
        "fn f():\n    emit P(n: 1)\n    emit P(n: 2)\n"
        "stream Z = P .context(left) .emit(z: n)\n"
        "stream Y = A .process(f())\n"
        "stream X = A .context(left) .emit as XX(x: 1)\n"
        "stream W = P .emit(w: n)\n"
        "stream V = XX .emit(v: x)\n"
    )
    for _ in range(10):
        got = pipeline.inject(Event("A", {})).outputs
        types = ["P", "P", "XX", "Z", "Z", "W", "W", "V"]
        assert [output["event_type"] for output in got] == types


def test_outputs_keep_their_order_if_only_one_context_made_some(
    compiled: Compile,
) -> None:
    pipeline = compiled(
        "stream B = A .context(left) .emit(n: 1) .where(n > 0)\n"
        "stream Quiet = A .context(right) .where(false) .emit(n: 0)\n"
        "fn f():\n    emit D(n: 2)\n"
        "stream C = B .context(left) .process(f())\n"
        "stream E = A .context(left) .emit(n: 3)\n"
    )
    got = pipeline.inject(Event("A", {})).outputs
    assert [output["n"] for output in got] == [1, 3, 2]


def test_events_nobody_consumes_are_accepted_and_counted(compiled: Compile) -> None:
    pipeline = compiled("stream S = A .context(left) .emit(n: 1)")
    reply = pipeline.inject(Event("Unknown", {}))
    assert (reply.accepted, reply.complete, reply.outputs) == (True, True, [])
    assert pipeline.metrics().unrouted == pipeline.metrics().events_in == 1


def test_what_one_context_sends_to_another_keeps_its_order(compiled: Compile) -> None:
    pipeline = compiled(
        "fn f(n):\n    for i in 0..n: emit P(i: i)\n"
        "stream M = A .context(left) .process(f(n))\n"
        "stream T = P .context(right) .emit as Q(i: i)\n"
        "stream U = Q .emit(u: i)\n"
    )
    got = pipeline.inject(Event("A", {"n": 2000})).outputs
    assert [o["u"] for o in got if "u" in o] == list(range(2000))


def test_flush_ends_windows_in_every_context(compiled: Compile) -> None:
    pipeline = compiled(
        "stream L = A .context(left) .window(10s) .aggregate(n: count()) .emit(n)\n"
        "stream R = L .context(right) .window(5s) .aggregate(t: sum(n)) .emit(t)\n"
        "stream D = A .window(5s) .aggregate(d: count()) .emit(d)\n"
    )
    pipeline.inject(Event("A", {}, 0))
    got = sorted(o["event_type"] for o in pipeline.flush().outputs)
    assert got == ["D", "L", "R"]
    assert pipeline.flush().outputs == []


PINNED = (
    "context one (cores: [1, 7])\ncontext none (cores: [9])\n"
    "stream S = A .context(one) .emit(n: 1)\n"
    "stream T = A .context(none) .emit(n: 2)\n"
    "stream U = A .emit(n: 3)\n"
)


def test_a_context_asks_for_those_of_its_cores_that_there_are(
    compiled: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, set[int]]] = []

    def bind(_: int, cores: set[int]) -> None:
        asked.append((threading.current_thread().name, cores))

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", bind, raising=False)
    assert len(compiled(PINNED).inject(Event("A", {})).outputs) == 3
    assert asked == [("context one", {1})]


def test_cores_are_ignored_where_the_system_has_none(
    compiled: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    got = compiled(PINNED).inject(Event("A", {})).outputs
    assert [output["n"] for output in got] == [1, 2, 3]
