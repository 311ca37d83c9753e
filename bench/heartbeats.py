"""1 000 simulated workers that register and beat every 5 seconds."""

import json
import time
from collections.abc import Callable
from contextlib import closing

import psutil
import requests

from bench.http_load import Call, Loaded, put_load
from bench.result import Effort, Result, require
from cluster.demo.local_cluster import ThrowawayCluster

WORKERS = 1000
INTERVAL_S = 5
CONNECTIONS = 200
MIN_SECONDS = 10.0  # two intervals: every worker beats twice
NOBODY = "http://127.0.0.1:9"  # no pipelines are placed, so nobody is called


def run(effort: Effort) -> list[Result]:
    """Measure the coordinator's share of a core while they beat, and while idle."""
    with ThrowawayCluster(0) as cluster, closing(cluster.client()) as client:
        started = time.perf_counter()
        _register(client.url, cluster.layout.api_key)
        took = time.perf_counter() - started
        coordinator = psutil.Process(cluster.children[0].pid)
        beating = _Beating(cluster.layout.port, max(MIN_SECONDS, effort.seconds * 3))
        beating()  # every worker beats once before anything is measured
        idle = _share_of_core(coordinator, lambda: time.sleep(3.0))
        busy = _share_of_core(coordinator, beating)
        workers = client.workers()
        require(len(workers), WORKERS, "workers in the list")
        lost = [w["id"] for w in workers if w["status"] != "ready"]
        require(lost, [], "workers that the coordinator lost")
    return [
        Result(
            "1 000 workers beating every 5 s",
            "% of a core",
            (busy,),
            better="less",
            target=5,
            checked="every beat acknowledged, every worker ready at the end",
            note=f"{beating.last.rate:.0f} beats/s, "
            f"p99 {beating.last.percentile_ms(0.99):.1f} ms; idle the coordinator "
            f"takes {idle:.1f} %",
        ),
        Result(
            "registering 1 000 workers, one after the other",
            "workers/s",
            (WORKERS / took,),
            checked="status of every answer",
        ),
    ]


class _Beating:
    """Sends 200 beats per second, each worker in its turn."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._beats = [_beat(i) for i in range(WORKERS)]
        self.last: Loaded

    def __call__(self) -> None:
        self.last = put_load(
            self._port,
            self._beats,
            clients=CONNECTIONS,
            seconds=self._seconds,
            rate=WORKERS / INTERVAL_S,
        )


def _share_of_core(process: psutil.Process, work: Callable[[], None]) -> float:
    before, started = process.cpu_times(), time.perf_counter()
    work()
    after, seconds = process.cpu_times(), time.perf_counter() - started
    used = after.user + after.system - before.user - before.system
    return 100 * float(used) / seconds


def _register(url: str, key: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-API-Key"] = key
        for index in range(WORKERS):
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
            require(answer.status_code, 201, f"registration of sim-{index}")


def _beat(index: int) -> Call:
    body = {
        "events_processed": 90_412 + index,
        "pipelines_running": 0,
        "uptime_seconds": 812.4,
        "load": {"cpu_percent": 37.5, "memory_bytes": 193_986_560, "load_1m": 1.9},
        "pipelines": [],
    }
    path = f"/api/v1/cluster/workers/sim-{index}/heartbeat"
    return Call("POST", path, f"key-{index}", json.dumps(body).encode())
