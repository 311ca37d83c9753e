"""How soon commands are done or ready, each as a cold process."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import psutil

from bench.progress import step
from bench.result import Effort, Result, WrongOutputError, require
from cluster.demo.child import Child
from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import CoordinatorUnreachableError
from cluster.demo.local_cluster import plain_environment
from cluster.demo.ports import free_ports

PROGRAM = """stream HotReading = TemperatureReading
    .where(temperature > 100.0)
    .emit(alert_type: "HIGH_TEMP", sensor_id: sensor_id, temperature: temperature)
"""
CHECK_S, COORDINATOR_S, WORKER_S = 0.4, 2.0, 1.0
VARPULIS = str(Path(sys.executable).with_name("varpulis"))
TIMEOUT_S, POLL_S = 30.0, 0.01


def run(effort: Effort) -> list[Result]:
    """Check a small program, and start coordinator and worker, again and again."""
    repeats = min(5, effort.repeats)
    with tempfile.TemporaryDirectory(prefix="varpulis-bench-") as folder:
        program = Path(folder) / "small.vpl"
        program.write_text(PROGRAM)
        step("varpulis check")
        checks = [_checked(program) for _ in range(repeats + 1)][1:]
        state = Path(folder) / "state"
        step("coordinator")
        coordinators = [_started("coordinator", state) for _ in range(repeats + 1)][1:]
        step("worker")
        workers = [_started("server", state) for _ in range(repeats)]
    return [
        _result("varpulis check of a small program", checks, CHECK_S, "its answer"),
        _result(
            "coordinator on an existing database, to /health",
            coordinators,
            COORDINATOR_S,
        ),
        _result("worker, to /health", workers, WORKER_S),
    ]


def _result(
    name: str,
    samples: Sequence[tuple[float, float]],
    target: float,
    checked: str = "status of the answer",
) -> Result:
    used = sorted(cpu for _, cpu in samples)[len(samples) // 2]
    return Result(
        name,
        "s",
        tuple(seconds for seconds, _ in samples),
        better="less",
        target=target,
        checked=checked,
        note=f"{used:.2f} s of processor time",
    )


def _checked(program: Path) -> tuple[float, float]:
    """Return the seconds of a check, and the processor time it took."""
    before, started = _children_s(), time.perf_counter()
    done = subprocess.run(
        [VARPULIS, "check", str(program)],
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    require(done.stdout, f"{program}: ok\n", "answer of varpulis check")
    return took, _children_s() - before


def _started(command: str, state: Path) -> tuple[float, float]:
    """Return the seconds until /health answers, and the processor time of the start."""
    [port] = free_ports(1)
    environment = {**plain_environment(), **_settings(command, state)}
    started = time.perf_counter()
    child = Child(
        command,
        [command, "--port", str(port)],
        on_line=lambda name, line: None,
        environment=environment,
    )
    try:
        _wait_healthy(child, port)
        took = time.perf_counter() - started
        used = psutil.Process(child.pid).cpu_times()
        return took, float(used.user + used.system)
    finally:
        child.stop()


def _wait_healthy(child: Child, port: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    with closing(CoordinatorClient(f"http://127.0.0.1:{port}", "admin")) as client:
        while child.alive and time.monotonic() < deadline:
            try:
                client.health()
            except CoordinatorUnreachableError:
                time.sleep(POLL_S)
            else:
                return
    raise WrongOutputError(f"{child.name} did not start: {child.last_lines()}")


def _settings(command: str, state: Path) -> Mapping[str, str]:
    keys = {"VARPULIS_API_KEY": "admin", "VARPULIS_STATE_DIR": str(state)}
    if command == "coordinator":  # its folder is named after its port, the file not
        state.mkdir(exist_ok=True)
        keys["VARPULIS_DATABASE_URL"] = f"sqlite:///{state / 'bench.sqlite3'}"
    return keys


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
