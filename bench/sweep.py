"""The periodic look at a whole cluster, when there is nothing to do.

`python -m bench.sweep REPEATS` measures one on the database that the environment names.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

import django

from bench.filled import SETTINGS, fill_process, filled_environment
from bench.finding import Curve, Finding
from bench.progress import step
from bench.result import Effort, Result, WrongOutputError, require
from cluster.demo.local_cluster import ThrowawayCluster

POINTS = (100, 1000, 10_000)  # workers, each with one placement
TARGET_MS = 20.0
MS = 1e3
CHECKED = "one statement each, nothing done, the lease held"


def run(effort: Effort) -> list[Finding]:
    """Sweep larger and larger clusters in a process of its own; no server runs."""
    points = POINTS[:-1] if effort.is_quick else POINTS
    samples = [_measured(point, effort.repeats) for point in points]
    return [
        Result(
            f"sweep of {points[-1]} workers with nothing to do",
            "ms",
            samples[-1],
            better="less",
            target=TARGET_MS,
            checked=CHECKED,
            note="processor time; SQLite, one placement per worker",
        ),
        Curve("idle sweep", "workers", points, tuple(samples), "ms", CHECKED),
    ]


def _measured(workers: int, repeats: int) -> tuple[float, ...]:
    step(f"{workers} workers")
    cluster = ThrowawayCluster(0)  # for its folder and port; nothing is started
    try:
        environment = filled_environment(cluster)
        fill_process(environment, workers, workers)
        done = subprocess.run(
            [sys.executable, "-m", "bench.sweep", str(repeats)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        cluster.stop()
    if done.returncode:
        raise WrongOutputError(f"the sweep failed: {done.stderr[-600:]}")
    return tuple(json.loads(done.stdout))


def sweeps(repeats: int) -> Sequence[float]:
    """Return the milliseconds of sweeps, five seconds apart on a clock of their own."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from cluster.services.sweep import SweepReport, run_sweep

    now = timezone.now()
    run_sweep(now)  # the first one tidies up
    with CaptureQueriesContext(connection) as seen:
        require(run_sweep(now), SweepReport(), "what an idle sweep did")
    require(len(seen), 1, "statements of an idle sweep")
    took = []
    for repeat in range(repeats):
        now += timedelta(seconds=5)
        started = time.process_time()
        report = run_sweep(now)
        took.append(MS * (time.process_time() - started))
        require(report, SweepReport(), f"what sweep {repeat} did")
    return took


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()
    print(json.dumps(sweeps(int(sys.argv[1]))))
