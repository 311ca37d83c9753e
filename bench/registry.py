"""What workers cost the coordinator, by how many there are."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import psutil
import requests

from bench.finding import Curve
from bench.http_load import Call, put_load
from bench.ndjson import processor_s
from bench.progress import step
from bench.result import Effort, require
from cluster.demo.local_cluster import ThrowawayCluster

POINTS = (10, 100, 1000)
NOBODY = "http://127.0.0.1:9"  # no pipelines are placed, so nobody is called
MS = 1e3
INTERVAL_S = 5.0
OF = "workers"
IDLE_WAIT_S, IDLE_STEP_S, IDLE_SHARE = 10.0, 0.5, 0.05


def run(effort: Effort) -> list[Curve]:
    """Register more and more workers; ask for the list, and beat."""
    points = POINTS[:-1] if effort.is_quick else POINTS
    registering, topology, listing, beating = [], [], [], []
    repeats = min(5, effort.repeats)
    with ThrowawayCluster(0) as cluster, closing(cluster.client()) as client:
        coordinator = psutil.Process(cluster.children[0].pid)
        done = 0
        for point in points:
            step(f"{point} workers")
            took = _register(client.url, cluster.layout.api_key, range(done, point))
            registering.append((MS * statistics.mean(took),))
            done = point
            found = client.topology()
            require(len(found["workers"]), point, "workers in the topology")
            require(len(client.workers()), point, "workers in the list")
            topology.append(_samples_ms(client.topology, repeats))
            listing.append(_samples_ms(client.workers, repeats))
            beat = _Beating(cluster.layout.port, point)
            beat(INTERVAL_S)  # each worker once before anything is measured
            _wait_idle(coordinator)
            before, began = processor_s(coordinator), time.perf_counter()
            beat(max(effort.seconds, 2.0))
            passed = time.perf_counter() - began
            beating.append((100 * (processor_s(coordinator) - before) / passed,))
    checked = "number of workers in the answers, status of all"
    return [
        Curve("topology, unchanged", OF, points, tuple(topology), "ms", checked),
        Curve("list of workers", OF, points, tuple(listing), "ms", checked),
        Curve("registering one more", OF, points, tuple(registering), "ms", checked),
        Curve("heartbeats every 5 s", OF, points, tuple(beating), "% of a core", checked),
    ]  # fmt: skip


def _samples_ms(ask: Callable[[], object], repeats: int) -> tuple[float, ...]:
    ask()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        ask()
        found.append(MS * (time.perf_counter() - started))
    return tuple(found)


def _register(url: str, key: str, indexes: Sequence[int]) -> list[float]:
    """Register workers one after the other; return the seconds of each."""
    took = []
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-API-Key"] = key
        for index in indexes:
            started = time.perf_counter()
            answer = session.post(
                f"{url}/api/v1/cluster/workers/register",
                json={
                    "worker_id": f"sim-{index}",
                    "address": NOBODY,
                    "api_key": f"key-{index}",
                    "capacity": {"cpu_cores": 4, "max_pipelines": 100},
                },
                timeout=30,
            )
            took.append(time.perf_counter() - started)
            require(answer.status_code, 201, f"registration of sim-{index}")
    return took


class _Beating:
    """Lets all workers beat in turn, each every five seconds."""

    def __init__(self, port: int, workers: int) -> None:
        self._port = port
        self._beats = [_beat(index) for index in range(workers)]

    def __call__(self, seconds: float) -> None:
        """Beat for a while."""
        put_load(
            self._port,
            self._beats,
            clients=min(len(self._beats), 100),
            seconds=seconds,
            rate=len(self._beats) / INTERVAL_S,
        )


def _wait_idle(process: psutil.Process) -> None:
    """Let what registering left to do come to its end, for a while."""
    end = time.monotonic() + IDLE_WAIT_S
    while time.monotonic() < end:
        before = processor_s(process)
        time.sleep(IDLE_STEP_S)
        if processor_s(process) - before < IDLE_SHARE * IDLE_STEP_S:
            return


def _beat(index: int) -> Call:
    path = f"/api/v1/cluster/workers/sim-{index}/heartbeat"
    body = b'{"events_processed": 1, "pipelines_running": 0, "pipelines": []}'
    return Call("POST", path, f"key-{index}", body)
