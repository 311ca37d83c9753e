"""What an event costs with more and more keys or runs in the state."""

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.finding import Curve
from bench.language import sequences as logins_then_transfers
from bench.language import windows as averages
from bench.language.populations import logins, readings, renewals
from bench.progress import step
from bench.result import Effort, require
from bench.workload import batches
from engine import Limits, compile_program

BATCH = 1000
KEYS = (100, 1000, 10_000, 100_000)
RUNS = (10, 100, 1000, 10_000, 100_000)
EVENTS = 50_000  # per sample
LATER_MS = 1000  # after the state was filled; nothing is due then
AFTER_ALL_MS = 3_600_000
Feed = Callable[[bytes], int]
"""Takes a payload and returns how many outputs it gave."""


@dataclass(frozen=True)
class _Point:
    """Costs with one number of states, in ns."""

    opening: tuple[float, ...]
    using: tuple[float, ...]
    closing: tuple[float, ...]


def windows(effort: Effort) -> list[Curve]:
    """Return the cost of events on 100 to 100 000 open windows."""
    points = _some(KEYS, effort)
    engine = [_window_point(_engine(averages.PROGRAM, n), n, effort) for n in points]
    hand = [_window_point(_hand(averages.by_hand()), n, effort) for n in points]
    return _curves("window", points, engine, hand)


def sequences(effort: Effort) -> list[Curve]:
    """Return the cost of events with 10 to 100 000 active runs."""
    points = _some(RUNS, effort)
    module = logins_then_transfers
    engine = [_run_point(_engine(module.PROGRAM, n), n, effort) for n in points]
    hand = [_run_point(_hand(module.by_hand()), n, effort) for n in points]
    return _curves("run", points, engine, hand)


def _some(points: tuple[int, ...], effort: Effort) -> tuple[int, ...]:
    return points[:-1] if effort.is_quick else points


def _curves(
    state: str, points: tuple[int, ...], engine: list[_Point], hand: list[_Point]
) -> list[Curve]:
    of = "windows open" if state == "window" else "runs active"
    named = (
        (f"{state}: event on an open one", [p.using for p in engine]),
        (f"{state}: the same, hand-written Python", [p.using for p in hand]),
        (f"{state}: opening one", [p.opening for p in engine]),
        (f"{state}: ending one by its time", [p.closing for p in engine]),
    )
    return [
        Curve(name, of, points, tuple(samples), checked="number of outputs")
        for name, samples in named
    ]


def _window_point(feed: Feed, keys: int, effort: Effort) -> _Point:
    step(f"{keys} windows")
    source = random.Random(keys)
    used = [source.randrange(keys) for _ in range(EVENTS)]
    fill = batches(readings(range(keys)), BATCH)
    use = batches(readings(used, LATER_MS, value=22.5), BATCH)
    last = readings([0], AFTER_ALL_MS)[0]
    opening = _cost(feed, fill, keys, 0)
    using = [_cost(feed, use, EVENTS, 0) for _ in range(effort.repeats + 1)]
    return _Point((opening,), tuple(using[1:]), (_cost(feed, [last], keys, keys),))


def _run_point(feed: Feed, runs: int, effort: Effort) -> _Point:
    step(f"{runs} runs")
    source = random.Random(runs)
    used = [source.randrange(runs) for _ in range(EVENTS // 2)]
    fill = batches(logins(range(runs)), BATCH)
    use = batches(renewals(used, LATER_MS), BATCH)
    last = logins([runs], AFTER_ALL_MS)[0]
    opening = _cost(feed, fill, runs, 0)
    using = [_cost(feed, use, EVENTS, len(used)) for _ in range(effort.repeats + 1)]
    return _Point((opening,), tuple(using[1:]), (_cost(feed, [last], runs, 0),))


def _cost(feed: Feed, payloads: Sequence[bytes], units: int, outputs: int) -> float:
    """Return ns of CPU time per unit; the number of outputs must be right."""
    gc.collect()
    started = time.process_time_ns()
    found = sum(map(feed, payloads))
    took = time.process_time_ns() - started
    require(found, outputs, f"number of outputs with {units} units")
    return took / units


def _engine(program: str, states: int) -> Feed:
    pipeline = compile_program(program, limits=Limits(runs=states + 1))

    def feed(payload: bytes) -> int:
        reply = pipeline.inject_batch(payload, form="ndjson")
        reply.to_json_bytes()
        return len(reply.outputs)

    return feed


def _hand(handle: Callable[[bytes], bytes]) -> Feed:
    return lambda payload: handle(payload).count(b"\n")
