"""A change of the cluster until it has reached every open browser."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import requests

from bench.filled import SPARES, FilledCluster, remove_spare
from bench.finding import Curve, Finding
from bench.progress import step
from bench.result import Effort, Result, WrongOutputError, require

POINTS = (5, 50, 500)
WORKERS, PLACEMENTS = 1000, 10_000
SMALL = 100, 1000
TARGET_MS = 150.0
MS = 1e3
QUIET_S = 1.2  # deltas come at most four a second: each change is one of its own
CHECKED = "every browser got one delta, of the one worker that was removed"


def run(effort: Effort) -> list[Finding]:
    """Remove workers while 5, 50 and 500 browsers watch a large cluster."""
    points = POINTS[:-1] if effort.is_quick else POINTS
    workers, placements = SMALL if effort.is_quick else (WORKERS, PLACEMENTS)
    samples = []
    with FilledCluster(workers, placements) as cluster:
        spares = iter(range(SPARES))
        for point in points:
            step(f"{point} browsers, {workers} workers, {placements} placements")
            chosen = list(islice(spares, min(5, effort.repeats)))
            samples.append(_measured(cluster, point, chosen))
    return [
        Result(
            f"live update to {points[-1]} browsers",
            "ms",
            samples[-1],
            better="less",
            target=TARGET_MS,
            checked=CHECKED,
            note=f"from the request that makes the change to the last receipt; "
            f"{workers} workers and {placements} placements are shown",
        ),
        Curve(
            "change to last receipt", "browsers", points, tuple(samples), "ms", CHECKED
        ),
    ]


def _measured(
    cluster: FilledCluster, browsers: int, spares: Sequence[int]
) -> tuple[float, ...]:
    layout, took = cluster.layout, []
    session = requests.Session()
    session.trust_env = False
    session.headers["X-API-Key"] = layout.api_key
    with session, _watching(layout.port, browsers, layout.api_key) as watchers:
        for spare in spares:
            time.sleep(QUIET_S)
            started = time.monotonic()
            remove_spare(session, layout.url, spare)
            received = _line(watchers)
            require(received["changes"], 1, "changes in the delta")
            took.append(MS * (received["last"] - started))
    return tuple(took)


@contextmanager
def _watching(port: int, browsers: int, key: str) -> Iterator["subprocess.Popen[str]"]:
    """Run browsers in a process of their own until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.live_clients", str(port), str(browsers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdin is not None
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
            require(_line(process)["connected"], browsers, "open browsers")
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise WrongOutputError(f"the browsers failed: {process.stderr.read()[-600:]}")
    found: dict[str, Any] = json.loads(line)
    return found
