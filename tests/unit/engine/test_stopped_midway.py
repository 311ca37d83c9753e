"""Time that runs out in the middle of an event leaves every state whole (R001).

`g` stands for a function that may take too long. It is stopped at each of its calls in
turn. Afterwards the pipeline has to go on exactly as one that is restored from its
checkpoint: a checkpoint holds each thing once, and what is made of it anew (indexes,
deadlines, counts of runs) cannot disagree with it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine import Event, Pipeline, compile_program
from engine.runtime.frame import StreamStopped

G = 'fn g(x):\n    if x == "nobody": return "nothing"\n    return x\n'
MS = 1_000_000

PROGRAMS = {
    "a step": "A as a -> B where g(k) == a.k as b .emit(x: g(a.v), y: b.v)",
    "an indexed step": "A as a -> B where k == a.k and g(v) > 0 as b .emit(y: g(b.v))",
    "the first step": "A where g(v) > 1 as a -> B as b .emit(x: g(a.v), y: b.v)",
    "a bounded step": "A as a -> B where g(v) > a.v as b .within(9ms) -> C as c"
    " .within(9ms) .emit(x: a.v, y: g(b.v))",
    "repeated in the middle": "A as a -> all B where g(v) > b.v as b -> C as c"
    " .within(30ms) .emit(n: len(b), last: g(b.v))",
    "repeated last": "A as a -> all B where g(v) != a.v as b .within(20ms)"
    " .emit(n: g(len(b)))",
    "repeated first": "all A where g(v) >= 0 as a -> B where g(k) == a.k as b"
    " .emit(n: len(a), y: g(b.v))",
    "repeated alone": "all A where g(v) >= a.v as a .within(9ms) .emit(n: g(len(a)))",
    "a negation": "A as a -> B as b -> C as c .not(B where g(v) == a.v) .emit(x: g(a.v))",
    "an indexed negation": "A as a -> C as c .not(B where k == a.k and g(v) > 1)"
    " .emit(x: g(a.v), z: c.v)",
    "an absence": "A as a .not(B where g(k) == a.k).within(7ms) .emit(x: g(a.v))",
    "partitions": "A as a .partition_by(g(k)) -> B where g(v) > 0 as b .within(12ms)"
    " .emit(k: g(a.k), y: b.v)",
    "self": "A as a -> A where g(v) > a.v as b -> A where g(v) > b.v as c"
    " .emit(x: a.v, y: g(b.v), z: c.v)",
    "a window": "A .where(g(v) > 0) .window(6ms) .aggregate(s: sum(g(v)), n: count(),"
    " m: max(g(v))) .having(g(n) > 0) .emit(s: g(s), n)",
    "a keyed window": "A .partition_by(g(k)) .window(6ms) .aggregate(s: sum(g(v)),"
    " c: collect(g(k))) .emit(s: g(s), c)",
    "a sliding window": "A .window(9ms, sliding: 3ms) .aggregate(s: sum(g(v)),"
    " n: count()) .emit(s: g(s), n)",
    "a count window": "A .window(3) .aggregate(s: sum(g(v)), f: first(v)) .emit(s: g(s), f)",
    "a sliding count": "A .window(3, sliding: 1) .aggregate(s: sum(g(v))) .emit(s: g(s))",
    "sessions": "A .partition_by(g(k)) .window(session: 4ms) .aggregate(s: sum(g(v)),"
    " n: count()) .emit(s: g(s), n)",
    "keys after a window": "A .window(6ms) .partition_by(g(k)) .aggregate(s: sum(g(v)))"
    " .emit(s: g(s))",
    "a batch": "A .window(6ms) .order_by(g(v)) .limit(2) .emit(v: g(v))",
    "running": "A .partition_by(g(k)) .aggregate(s: sum(g(v)), m: median(g(v)),"
    " e: ema(g(v), 3), d: count_distinct(g(k)), sd: stddev(g(v))) .emit(s: g(s), m, e, d, sd)",
    "running twice": "A .aggregate(s: sum(g(v)), a: avg(v), x: max(g(v))) .emit(s, a, x)",
    "distinct": "A .distinct(g(k), ttl: 9ms) .emit(k: g(k))",
    "distinct for ever": "A .partition_by(g(v)) .distinct(g(k)) .emit(k: g(k))",
    "limit": "A .where(g(v) > 0) .limit(4) .emit(v: g(v))",
    "limit by key": "A .partition_by(g(k)) .first() .emit(v: g(v))",
    "a join": "join(A, B) .on(g(A.k) == g(B.k)) .window(9ms) .emit(x: g(A.v), y: B.v)",
    "a join of two keys": "join(A, B, C) .on(g(A.k) == B.k and g(B.k) == C.k)"
    " .window(12ms) .emit(x: g(A.v), y: B.v)",
    "a merge with filters": "merge(stream x = A .where(g(v) > 1), stream y = B) .window(2)"
    " .aggregate(s: sum(g(v))) .emit(s: g(s))",
    "a counted join": "join(A, B) .on(g(A.k) == B.k) .window(2) .emit(x: g(A.v), y: B.v)",
    "trends": "A as a -> all A where g(v) > a.v as b .within(20ms)"
    " .trend_aggregate(n: count_trends(), m: count_events(b)) .emit(n: g(n), m)",
    "copies": "A .process(copies(v)) .emit(i: g(i))",
    "counted": "A .where(g(v) > 0) .emit(n: next(), v: g(v))",
}
HEAD = (
    G + "var n = 0\nfn next():\n    n := n + 1\n    return g(n)\n"
    "fn copies(c):\n    for i in 0..(c ?? 0): emit A2(i: g(i))\n"
)
PATTERNS = {
    "steps": "SEQ(A as a, B+ where g(v) > a.v as b, C? as c) within 20ms",
    "a negation within": "SEQ(A as a, NOT C where g(v) == a.v, B where g(k) == a.k as b)"
    " within 20ms",
    "both": "A where g(v) > 0 as a AND B where g(v) > 0 as b within 20ms partition by k",
    "one without": "A where g(v) > 0 as a AND NOT B where g(v) > 0 within 9ms",
    "either": "SEQ(A as a, (B where g(v) > 1 OR C where g(v) > 1)) within 20ms",
    "absent last": "SEQ(A as a, NOT B where g(v) > 1) within 6ms",
}
ALL = {name: f"{HEAD}stream S = {body}\n" for name, body in PROGRAMS.items()} | {
    f"pattern: {name}": f"{HEAD}pattern P = {body}\n"
    "stream S = P .emit(x: g(a.v), d: match_duration_ms)\n"
    for name, body in PATTERNS.items()
}
STOPS = 16
"""At about so many calls of each program."""
FED = "stream T = S .window(2) .collect() .emit(n: len(events))\n"
"""Behind S the other form of generated code runs."""


def _events() -> Iterator[Event]:
    kinds, keys, values = "AABACBABCA", "aabbaab", (1, 2, 3, 1, 4, 2, 5, 3)
    for at in range(36):
        fields = {"k": keys[at % len(keys)], "v": values[at % len(values)]}
        yield Event(kinds[at % len(kinds)], fields, at * 2 * MS)


class _Stop:
    """Takes the place of `g` and is stopped at one of its calls."""

    def __init__(self, pipeline: Pipeline) -> None:
        values = pipeline._machine.compiled.values
        self._g = values["fn0"]
        self.calls = 0
        self.at = -1
        values["fn0"] = self

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        if self.calls == self.at:
            raise StreamStopped("R001", "time is up")
        return self._g(*args)


def _outputs(pipeline: Pipeline, events: list[Event]) -> list[Any]:
    found = [pipeline.inject(event) for event in events]
    found.append(pipeline.flush())
    return [json.loads(reply.to_json_bytes()) for reply in found]


def _until_stopped(pipeline: Pipeline, stop: _Stop, events: list[Event]) -> int:
    """Return how many events a pipeline has had when one of them is stopped."""
    stop.calls = 0
    for taken, event in enumerate(events, start=1):
        reply = pipeline.inject(event)
        if stop.calls >= stop.at:
            assert [error["code"] for error in reply.errors] == ["R001"]
            return taken
    raise AssertionError("the call never came")


@pytest.mark.parametrize("form", ["alone", "fed"])
@pytest.mark.parametrize("name", ALL)
def test_a_pipeline_goes_on_as_one_restored_after_the_stop(
    name: str, form: str
) -> None:
    program = ALL[name] + (FED if form == "fed" else "")
    events = list(_events())
    pipeline, other = compile_program(program), compile_program(program)
    blank = pipeline.checkpoint()
    stop = _Stop(pipeline)
    for event in events:
        pipeline.inject(event)
    calls = stop.calls
    assert calls, "nothing to stop at"
    for call in range(1, calls + 1, 1 + calls // STOPS):
        pipeline.restore(blank)
        stop.at = call
        taken = _until_stopped(pipeline, stop, events)
        other.restore(json.loads(json.dumps(pipeline.checkpoint())))
        got = _outputs(pipeline, events[taken:])
        assert got == _outputs(other, events[taken:]), f"call {call}, event {taken}"
        assert pipeline.metrics().streams == other.metrics().streams
