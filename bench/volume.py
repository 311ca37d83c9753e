"""Cost of an event by how many came before it: a stream that runs on must not slow."""

import functools
import gc
import time
from collections.abc import Iterator

from bench import workload
from bench.finding import Curve
from bench.language import sequences, windows
from bench.language.workload import Workload
from bench.progress import step
from bench.result import Effort, require
from engine import compile_program

WORKLOADS = (
    ("windows of 1000 keys", windows.KEYED),
    ("sequences of 20 000 keys", sequences.TWO_STEPS),
)
POINTS = (10_000, 100_000, 1_000_000)
BATCH = 1000
NS = 1e9
CHECKED = "number of events accepted; outputs of these workloads are compared elsewhere"


def run(effort: Effort) -> list[Curve]:
    """Measure the cost of each event up to a point, in one pipeline each."""
    points = POINTS[:-1] if effort.is_quick else POINTS
    return [
        Curve(
            name,
            "events so far",
            points,
            tuple((cost,) for cost in _costs(each, points)),
            "ns per event",
            CHECKED,
        )
        for name, each in WORKLOADS
    ]


def _costs(each: Workload, points: tuple[int, ...]) -> Iterator[float]:
    """Yield ns of CPU time per event between each point and the one before."""
    payloads = _payloads(each, points[-1])
    pipeline = compile_program(each.program)
    pipeline.inject_batch(payloads[0], form="ndjson")  # what is made at first use
    gc.collect()
    done = BATCH
    for point in points:
        step(f"{each.name}, {point:,} events")
        began, accepted = time.process_time(), 0
        for payload in payloads[done // BATCH : point // BATCH]:
            reply = pipeline.inject_batch(payload, form="ndjson")
            reply.to_json_bytes()
            accepted += reply.accepted
        took = time.process_time() - began
        require(accepted, point - done, "events accepted")
        yield NS * took / (point - done)
        done = point
    pipeline.close(5.0)


@functools.cache
def _payloads(each: Workload, count: int) -> list[bytes]:
    return workload.batches(tuple(each.lines(count)), BATCH)
