"""How soon a process answers, and what it takes while idle."""

import tempfile
import time
from contextlib import closing
from pathlib import Path

import psutil

from bench.result import Effort, Result, WrongOutputError
from cluster.demo.child import Child
from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import CoordinatorUnreachableError
from cluster.demo.local_cluster import plain_environment
from cluster.demo.ports import free_ports

START_TIMEOUT_S = 30.0
SETTLE_S = 2.0
POLL_S = 0.01
MIB = 1024 * 1024
STARTS = 3


def run(effort: Effort) -> list[Result]:
    """Start a coordinator and a worker, each several times on a new state folder."""
    starts = min(STARTS, effort.repeats)
    coordinators = [_measured("coordinator") for _ in range(starts)]
    workers = [_measured("server") for _ in range(starts)]
    return [
        _start_up("coordinator", [s for s, _ in coordinators], 3.0),
        _start_up("worker", [s for s, _ in workers], 2.0),
        _memory("coordinator", [m for _, m in coordinators], 150),
        _memory("worker", [m for _, m in workers], 90),
    ]


def _start_up(name: str, seconds: list[float], target: float) -> Result:
    return Result(
        f"{name}, from its start to /health",
        "s",
        tuple(seconds),
        better="less",
        target=target,
        checked="status of the answer",
        note="a new database each time" if name == "coordinator" else "",
    )


def _memory(name: str, megabytes: list[float], target: float) -> Result:
    return Result(
        f"{name}, idle, resident memory",
        "MB",
        tuple(megabytes),
        better="less",
        target=target,
        note=f"{SETTLE_S:.0f} s after it answered; children included",
    )


def _measured(command: str) -> tuple[float, float]:
    """Return seconds until /health, and resident megabytes a little later."""
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="varpulis-bench-") as folder:
        environment = {
            **plain_environment(),
            "VARPULIS_API_KEY": "admin",
            "VARPULIS_STATE_DIR": str(Path(folder) / "state"),
        }
        started = time.perf_counter()
        child = Child(
            command,
            [command, "--port", str(port)],
            on_line=lambda name, line: None,
            environment=environment,
        )
        try:
            _wait_healthy(child, port)
            seconds = time.perf_counter() - started
            time.sleep(SETTLE_S)
            return seconds, _resident(child.pid) / MIB
        finally:
            child.stop()


def _wait_healthy(child: Child, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with closing(CoordinatorClient(f"http://127.0.0.1:{port}", "admin")) as client:
        while child.alive and time.monotonic() < deadline:
            try:
                client.health()
            except CoordinatorUnreachableError:
                time.sleep(POLL_S)
            else:
                return
    raise WrongOutputError(f"{child.name} did not start: {child.last_lines()}")


def _resident(pid: int) -> int:
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(int(member.memory_info().rss) for member in family)
