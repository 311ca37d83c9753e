"""Deploying groups on real workers, each a process."""

import time
from collections.abc import Iterator
from contextlib import closing

from bench.finding import Curve, Finding
from bench.progress import step
from bench.result import Effort, Result, require
from cluster.demo.client import CoordinatorClient
from cluster.demo.local_cluster import ThrowawayCluster

WORKERS = 10
PIPELINES = 100
POINTS = (1, 10, 100)
TARGET_S = 2.0
MS = 1e3
PROGRAM = """stream Hot{number} = TemperatureReading
    .where(temperature > {number}.0)
    .emit(alert_type: "HIGH_TEMP", sensor_id: sensor_id, temperature: temperature)
"""
CHECKED = "status of the group, number of placements on each worker"


def run(effort: Effort) -> list[Finding]:
    """Deploy groups of 1, 10 and 100 pipelines, and take them down again."""
    repeats = min(5, effort.repeats)
    with ThrowawayCluster(WORKERS) as cluster, closing(cluster.client()) as client:
        deploys, teardowns = [], []
        for point in POINTS:
            step(f"{point} pipelines on {WORKERS} workers")
            samples = list(_samples(client, point, repeats))
            deploys.append(tuple(MS * deployed for deployed, _ in samples))
            teardowns.append(tuple(MS * gone for _, gone in samples))
    return [
        Result(
            f"deploy of {PIPELINES} pipelines on {WORKERS} workers",
            "s",
            tuple(sample / MS for sample in deploys[-1]),
            better="less",
            target=TARGET_S,
            checked=CHECKED,
            note="from the request to its answer; all processes on this machine",
        ),
        Curve("deploy of a group", "pipelines", POINTS, tuple(deploys), "ms", CHECKED),
        Curve(
            "teardown of a group", "pipelines", POINTS, tuple(teardowns), "ms", CHECKED
        ),
    ]


def _samples(
    client: CoordinatorClient, pipelines: int, repeats: int
) -> Iterator[tuple[float, float]]:
    """Give the seconds of a deploy and of its teardown; the first are not counted."""
    for repeat in range(repeats + 1):
        started = time.perf_counter()
        group = client.deploy(_spec(pipelines, repeat))
        deployed = time.perf_counter()
        require(group["status"], "running", "status of the group")
        homes = [place["worker_id"] for place in group["placements"]]
        shares = {homes.count(worker) for worker in set(homes)}
        require(shares, {max(1, pipelines // WORKERS)}, "placements per worker")
        began = time.perf_counter()
        client.tear_down(group["id"])
        if repeat:
            yield deployed - started, time.perf_counter() - began
    require(client.topology()["groups"], [], "groups left")


def _spec(pipelines: int, repeat: int) -> dict[str, object]:
    """Return a group of programs that differ, each with a route of its own."""
    return {
        "name": f"bench-{pipelines}-{repeat}",
        "pipelines": [
            {"name": f"p{number}", "source": PROGRAM.format(number=number)}
            for number in range(pipelines)
        ],
        "routes": [
            {
                "from_pipeline": "_external",
                "to_pipeline": f"p{number}",
                "event_types": [f"T{number}*"],
            }
            for number in range(pipelines)
        ],
    }
