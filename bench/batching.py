"""Cost of an event by the size of its batch: in process and over HTTP."""

import functools
from collections.abc import Sequence

import psutil

from bench import workload
from bench.finding import Curve
from bench.http_load import Call, put_load
from bench.language import filters
from bench.language.checking import check
from bench.language.contest import engine_work, hand_work
from bench.ndjson import NDJSON, WorkerPipeline, processor_s
from bench.progress import step
from bench.result import Effort
from bench.timing import side_by_side
from cluster.demo.local_cluster import ThrowawayCluster

SIZES = (1, 10, 100, 1000, 10_000)
EVENTS = 50_000
CHECKED = "outputs of every size compared; status of every answer over HTTP"
OF = "events in a batch"
NS = 1e9


def run(effort: Effort) -> list[Curve]:
    """Measure every size; raises `WrongOutputError`."""
    lines = workload.lines(EVENTS)
    engine, hand = [], []
    for size in SIZES:
        step(f"batches of {size} in process")
        check(filters.ONE, lines[: max(2000, size)], size)
        pair = _in_process(lines, size, effort.repeats)
        engine.append(pair[0])
        hand.append(pair[1])
    return [
        _curve("filter + emit, in process", engine),
        _curve("the same, hand-written Python", hand),
        _curve("over HTTP, processor time of the worker", _over_http(lines, effort)),
    ]


def _curve(name: str, samples: Sequence[tuple[float, ...]]) -> Curve:
    unit = "ns per event"
    return Curve(name, OF, SIZES, tuple(samples), unit, checked=CHECKED)


def _in_process(
    lines: tuple[bytes, ...], size: int, repeats: int
) -> list[tuple[float, ...]]:
    payloads = workload.batches(lines, size)
    makers = [
        functools.partial(engine_work, filters.ONE, payloads),
        functools.partial(hand_work, filters.ONE, payloads),
    ]
    found = side_by_side(makers, len(lines), min(5, repeats))
    return [tuple(NS / rate for rate in rates) for rates in found]


def _over_http(lines: tuple[bytes, ...], effort: Effort) -> list[tuple[float, ...]]:
    found = []
    with ThrowawayCluster(1) as cluster:
        pipeline = WorkerPipeline(cluster)
        worker = psutil.Process(cluster.children[1].pid)
        for size in SIZES:
            step(f"batches of {size} over HTTP")
            batches = workload.batches(lines, size)[:50]
            pipeline.check(batches[0], lines[:size])
            calls = [
                Call("POST", pipeline.path, pipeline.key, batch, NDJSON)
                for batch in batches
            ]
            seconds = effort.seconds / 4
            samples = []
            for _ in range(min(3, effort.repeats)):
                before = processor_s(worker)
                answered = put_load(
                    pipeline.port, calls, clients=1, seconds=seconds
                ).answered
                samples.append(NS * (processor_s(worker) - before) / answered / size)
            found.append(tuple(samples))
    return found
