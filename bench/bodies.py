"""What a worker's memory grows by while one large body streams through it."""

import threading
from collections.abc import Iterator

import psutil
import requests

from bench import workload
from bench.finding import Curve, Finding
from bench.ndjson import HTTP_TARGET, NDJSON, NS, WorkerPipeline, processor_s
from bench.progress import step
from bench.result import Effort, Result, require
from cluster.demo.local_cluster import ThrowawayCluster

MEGABYTES = (1, 10, 100, 1000)
MB = 1_000_000
TARGET_MB = 100
PIECE_EVENTS = 2000  # sent at a time
LEAST_MB = 0.1  # less is shown as that
SAMPLE_S = 0.02
TIMEOUT_S = 300.0
CHECKED = "numbers of events and of outputs in the answer"


def run(effort: Effort) -> list[Finding]:
    """Send bodies of 1 MB to 1 GB, each to the same worker; the least comes first."""
    sizes = MEGABYTES[:2] if effort.is_quick else MEGABYTES
    grown, cost = [], 0.0
    with ThrowawayCluster(1) as cluster:
        pipeline = WorkerPipeline(cluster)
        _send(pipeline, 1)
        before = pipeline.process.memory_info().rss
        for size in sizes:
            step(f"a body of {size} MB")
            used = processor_s(pipeline.process)
            with _Peak(pipeline.process) as peak:
                events = _send(pipeline, size)
            cost = NS * (processor_s(pipeline.process) - used) / events
            grown.append((max((peak.seen - before) / MB, LEAST_MB),))
    curve = Curve(
        "growth of the worker, at most",
        "size of one body, MB",
        sizes,
        tuple(grown),
        "MB",
        CHECKED,
    )
    if effort.is_quick:
        return [curve]
    largest = Result(
        "memory of a worker grown by 1 GB of NDJSON in one body",
        "MB",
        grown[-1],
        better="less",
        target=TARGET_MB,
        checked=CHECKED,
        note="resident memory, sampled every 20 ms, against before the first body",
    )
    streamed = Result(
        "events of 1 GB of NDJSON in one body, processor time of the worker",
        "ns/event",
        (cost,),
        better="less",
        target=NS / HTTP_TARGET,
        checked=CHECKED,
    )
    return [largest, streamed, curve]


class _Peak:
    """Watches the resident memory of a process while open."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.seen = 0

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self.seen = max(self.seen, self._process.memory_info().rss)


def _send(pipeline: WorkerPipeline, megabytes: int) -> int:
    """Send so much in one request; return how many events that was.

    Raises WrongOutputError on a wrong count.
    """
    lines = workload.lines(PIECE_EVENTS)
    piece = workload.batches(lines, PIECE_EVENTS)[0]
    pieces = max(1, megabytes * MB // len(piece))
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"http://127.0.0.1:{pipeline.port}{pipeline.stream_path}",
            data=_pieces(piece, pieces),
            headers={"X-API-Key": pipeline.key, "Content-Type": NDJSON},
            timeout=TIMEOUT_S,
        )
    require(answer.status_code, 200, f"status of {answer.text[:200]}")
    found = answer.json()
    require(found["accepted"], pieces * len(lines), "events accepted")
    wanted = pieces * len(workload.expected_outputs(lines))
    require(found["output_count"], wanted, "outputs counted")
    return pieces * len(lines)


def _pieces(piece: bytes, count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield piece
