"""The process itself: start, banner, files, signals, restart."""

import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fake_worker import running_worker
from tests.integration.hot.coordinator_process import (
    VARPULIS,
    CoordinatorProcess,
    free_port,
)

pytestmark = pytest.mark.process


def test_it_prints_what_to_call_and_where_its_state_is(tmp_path: Path) -> None:
    running = CoordinatorProcess(tmp_path)
    port = running.port
    assert running.stop() == 0
    assert running.out.read_text().splitlines() == [
        "Varpulis Coordinator",
        "=======================",
        f"API:       http://127.0.0.1:{port}/api/v1/cluster/",
        "Auth:      enabled (API key required)",
        f"UI:        http://127.0.0.1:{port}/",
        f"State:     {tmp_path}/state/coordinator-{port}",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_with_0_when_asked_to(tmp_path: Path, number: int) -> None:
    running = CoordinatorProcess(tmp_path)
    assert running.stop(number) == 0
    assert "Traceback" not in running.err.read_text()


def test_without_a_key_everybody_on_this_machine_may_call(tmp_path: Path) -> None:
    running = CoordinatorProcess(tmp_path, key="")
    assert running.call("GET", "workers", key=None).body["workers"] == []
    running.stop()
    assert "Auth:      disabled" in running.out.read_text()


def test_probes_need_no_key(tmp_path: Path) -> None:
    running = CoordinatorProcess(tmp_path)
    health = running.call("GET", "/health", key=None)
    ready = running.call("GET", "/ready", key=None)
    running.stop()
    assert health.status == 200
    assert list(health.body)[:3] == ["role", "status", "version"]
    assert health.body["workers"]["ready"] == 0
    assert ready.status == 200, ready
    assert ready.body["status"] == "ready"
    assert set(ready.body["checks"]) == {
        "database",
        "migrations",
        "channel_layer",
        "broker",
        "sweep",
    }


def test_only_the_owner_may_read_its_files(tmp_path: Path) -> None:
    running = CoordinatorProcess(tmp_path)
    running.call("GET", "workers")
    folder = tmp_path / "state" / f"coordinator-{running.port}"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    running.stop()
    assert {"coordinator.sqlite3", "secret.key"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_killed_coordinator_comes_back_with_everything(tmp_path: Path) -> None:
    with running_worker() as worker:
        first = CoordinatorProcess(tmp_path)
        first.register("w", worker.address, worker.key)
        group = first.deploy("kept", {"p": "w"})
        cluster_id = first.call("GET", "/health").body["cluster_id"]
        first.stop(signal.SIGKILL)
        second = CoordinatorProcess(tmp_path, port=first.port)
        path = f"pipeline-groups/{group['id']}"
        inject = second.call("POST", f"{path}/inject", {"event_type": "P"})
        again = second.call("GET", path).body
        health = second.call("GET", "/health").body
        second.stop()
    assert inject.status == 200
    assert again["placements"] == group["placements"]
    assert health["cluster_id"] == cluster_id


def test_two_ports_are_two_clusters(tmp_path: Path) -> None:
    both = CoordinatorProcess(tmp_path), CoordinatorProcess(tmp_path)
    ids = {one.call("GET", "/health").body["cluster_id"] for one in both}
    for one in both:
        one.stop()
    assert len(ids) == 2


def test_an_ephemeral_one_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = CoordinatorProcess(tmp_path, "--ephemeral", TMPDIR=str(scratch))
    assert list(scratch.iterdir())
    assert running.stop() == 0
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "state").exists()


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = subprocess.run(
            [VARPULIS, "coordinator", "--port", str(port), "--ephemeral"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in line


def test_a_well_known_key_on_an_open_address_is_warned_of(tmp_path: Path) -> None:
    running = CoordinatorProcess(tmp_path, "--bind", "0.0.0.0", key="admin")
    assert running.stop() == 0
    warnings = [x for x in running.err.read_text().splitlines() if "WARNING" in x]
    assert len(warnings) == 1
    assert "admin" not in warnings[0].replace("VARPULIS", "")


@pytest.mark.parametrize("style", ["text", "full", "json"])
def test_the_log_has_the_form_asked_for(tmp_path: Path, style: str) -> None:
    running = CoordinatorProcess(tmp_path, "--log-format", style)
    running.stop()
    starts = {"text": "INFO varpulis: ", "full": "20", "json": '{"at":'}
    assert running.err.read_text().splitlines()[-1].startswith(starts[style])


def test_a_key_is_in_no_log_and_no_answer(tmp_path: Path) -> None:
    key = "s3cret-k3y"
    running = CoordinatorProcess(tmp_path, "--log-level", "debug", key=key)
    with running_worker("w0rker-k3y") as worker:
        registered = running.register("w", worker.address, worker.key)
        shown = running.call("GET", "workers")
        group = running.deploy("g", {"p": "w"})
        worker.stop()
    path = f"pipeline-groups/{group['id']}/inject"
    failed = running.call("POST", path, {"event_type": "P"})
    refused = running.call("GET", "workers?key=wr0ng", key="wr0ng")
    running.stop()
    log = running.err.read_text() + running.out.read_text()
    answers = f"{registered}{shown}{group}{failed}{refused}"
    for secret in (key, "w0rker-k3y", "wr0ng"):
        assert secret not in log
        assert secret not in answers
