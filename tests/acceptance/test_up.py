"""`varpulis up` as a newcomer uses it."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from cluster.demo.client import CoordinatorClient
from cluster.demo.ports import listens
from tests.acceptance.real_commands import (
    EXAMPLES,
    VARPULIS,
    Running,
    finished,
    ports_in_a_row,
    running,
    until,
)

pytestmark = pytest.mark.process
GROUP = EXAMPLES / "iot" / "group.json"
HOT = {
    "event_type": "TemperatureReading",
    "fields": {"sensor_id": "T1", "temperature": 105.5},
}


def up(first: int, *options: str) -> list[str | Path]:
    ports = ["--port", str(first), "--worker-port", str(first + 1)]
    return [VARPULIS, "up", *ports, *options]


def printed_command(process: Running) -> str:
    """Return the first curl command it printed, as one line."""
    process.wait_for("curl -s http")
    text = process.text
    start = text.index("  curl -s -X POST")
    lines = text[start:].split("\n")
    return " ".join(line.strip().rstrip("\\") for line in lines[:3])


def answer(client: CoordinatorClient, group_id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(client.inject(group_id, HOT))
    return found


def test_it_runs_a_group_and_stops_without_a_trace() -> None:
    first = ports_in_a_row(3)
    with running(up(first, "--ephemeral", "-f", str(GROUP))) as process:
        process.wait_for("Ready: a coordinator and 2 workers")
        command = printed_command(process)
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=True
        )
        reply = json.loads(done.stdout)
        assert reply["routed_to"] == "temp-alerts"
        assert reply["worker_response"]["output_events"][0]["alert_type"] == "HIGH_TEMP"
        assert re.search(
            r"^worker-1 +\| .*Registered with coordinator", process.text, re.MULTILINE
        )
        assert process.stop() == 0
    assert process.lines[-1] == "all processes are stopped"
    assert not any(listens("127.0.0.1", port) for port in range(first, first + 3))


def test_a_taken_port_is_named_with_the_option_that_changes_it() -> None:
    first = ports_in_a_row(3)
    with socket.create_server(("127.0.0.1", first + 2)):
        done = finished(up(first, "--ephemeral"))
    assert done.returncode == 2
    assert f"port {first + 2}, wanted by worker-1" in done.stderr
    assert "--worker-port" in done.stderr


def test_a_refused_group_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    spec = json.loads(GROUP.read_text())
    spec["pipelines"][0]["source"] = "stream A = B .wher(x > 1)"
    broken = tmp_path / "group.json"
    broken.write_text(json.dumps(spec))
    first = ports_in_a_row(3)
    done = finished(up(first, "--ephemeral", "-f", str(broken)))
    assert done.returncode == 1
    assert "temp-alerts:1" in done.stderr
    assert not any(listens("127.0.0.1", port) for port in range(first, first + 3))


def test_a_killed_worker_is_told_and_the_others_go_on() -> None:
    first = ports_in_a_row(3)
    with running(up(first, "--ephemeral", "-f", str(GROUP))) as process:
        process.wait_for("Ready:")
        client = CoordinatorClient(f"http://127.0.0.1:{first}", "admin")
        [group] = client.groups_named("iot-monitoring")
        victim = next(
            child
            for child in psutil.Process(process.process.pid).children()
            if "worker-1" in child.cmdline()
        )
        victim.kill()
        process.wait_for("worker-1 ended with status -9; the others go on")
        assert answer(client, group["id"])["worker_id"] == "worker-0"
        client.close()
        assert process.stop(signal.SIGTERM) == 0


def test_without_its_coordinator_it_ends_with_a_failure() -> None:
    first = ports_in_a_row(3)
    with running(up(first, "--ephemeral")) as process:
        process.wait_for("Ready:")
        parent = psutil.Process(process.process.pid)
        next(c for c in parent.children() if "coordinator" in c.cmdline()).kill()
        assert process.process.wait(60) == 1
        process.wait_for("coordinator ended with status -9")


def test_nothing_outlives_it_when_it_is_killed() -> None:
    first = ports_in_a_row(3)
    with running(up(first, "--ephemeral")) as process:
        process.wait_for("Ready:")
        children = psutil.Process(process.process.pid).children()
        assert len(children) == 3
        process.stop(signal.SIGKILL)
        until(
            lambda: (
                not any(c.is_running() and c.status() != "zombie" for c in children)
            ),
            "all ended",
        )


def test_a_group_outlives_the_processes(tmp_path: Path) -> None:
    first = ports_in_a_row(3)
    seen = []
    for _ in range(2):
        command = up(first, "-f", str(GROUP))
        with running(command, VARPULIS_STATE_DIR=str(tmp_path)) as process:
            process.wait_for("Ready:")
            client = CoordinatorClient(f"http://127.0.0.1:{first}", "admin")
            [group] = client.groups_named("iot-monitoring")
            assert answer(client, group["id"])["routed_to"] == "temp-alerts"
            client.close()
            seen.append(group["id"])
            assert process.stop() == 0
    assert seen[0] == seen[1]
