"""`varpulis server` as a process: start, log lines, membership, signals, exit codes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.integration.mqtt_broker import free_port, wait_until

pytestmark = pytest.mark.process

VARPULIS = Path(sys.executable).with_name("varpulis")
ECHO = 'stream A = EventA .emit(result: "from-a")'
DAY = timedelta(days=1)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Server:
    """A worker process with its log."""

    def __init__(self, folder: Path, *options: str, env=None) -> None:
        self.port = free_port()
        self.log_path = folder / f"worker-{self.port}.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("VARPULIS_")}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [VARPULIS, "server", "--port", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=clean | (env or {}),
                cwd=folder,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def wait_until_up(self) -> None:
        def answers():
            try:
                return self.call("GET", "/health").status_code == 200
            except requests.ConnectionError:
                return self.process.poll() is not None

        assert wait_until(answers), self.log
        assert self.process.poll() is None, self.log

    def call(self, method, path, body=None, key="test"):
        return requests.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            json=body,
            headers={"x-api-key": key} if key else {},
            timeout=20,
        )

    def end(self, number=signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path):
    started = []

    def start_server(*options, env=None) -> Server:
        started.append(Server(tmp_path, *options, env=env))
        return started[-1]

    yield start_server
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


class Coordinator(ThreadingHTTPServer):
    """Records what workers send and answers what a test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recorder)
        self.calls = []
        self.answers = {}
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, kind):
        return [(body, headers) for path, body, headers in self.calls if kind in path]

    def close(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(size))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.calls.append((self.path, body, headers))
        kind = "register" if self.path.endswith("register") else "heartbeat"
        status, answer = self.server.answers.get(kind) or (
            (201, {"worker_id": "w", "heartbeat_interval_seconds": 0.05})
            if kind == "register"
            else (200, {"acknowledged": True})
        )
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_args):
        return


@pytest.fixture
def coordinator():
    server = Coordinator()
    yield server
    server.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(start, number):
    server = start("--api-key", "test")
    server.wait_until_up()
    assert server.end(number) == 0
    assert "Traceback" not in server.log


def test_the_log_lines_of_the_tutorial(start, coordinator):
    server = start(
        "--api-key", "test", "--coordinator", coordinator.url, "--worker-id", "w-0",
        "--log-format", "text",
    )  # fmt: skip
    assert wait_until(lambda: "Registered with" in server.log)
    registering = f"Registering with coordinator at {coordinator.url} as worker 'w-0'"
    assert server.log.splitlines()[:3] == [
        f"INFO varpulis: {registering}",
        f"INFO varpulis: Server listening on 127.0.0.1:{server.port}",
        "INFO varpulis_cluster: Registered with coordinator as 'w-0'",
    ]


def test_it_registers_without_showing_its_key_as_a_credential(start, coordinator):
    server = start("--api-key", "test", "--coordinator", coordinator.url)
    assert wait_until(lambda: coordinator.of("heartbeat"))
    body, headers = coordinator.of("register")[0]
    assert body["address"] == f"http://127.0.0.1:{server.port}"
    assert body["api_key"] == "test"
    assert UUID.fullmatch(body["worker_id"])
    assert not {"x-api-key", "x-join-token", "authorization"} & set(headers)
    beat, headers = coordinator.of("heartbeat")[0]
    assert headers["x-api-key"] == "test"
    assert beat["instance_id"] == body["instance_id"]
    assert beat["load"]["memory_bytes"] > 10_000_000
    path = next(path for path, *_ in coordinator.calls if "heartbeat" in path)
    assert path == f"/api/v1/cluster/workers/{body['worker_id']}/heartbeat"


def test_it_registers_with_the_credentials_it_is_given(start, coordinator):
    start(
        "--coordinator", coordinator.url,
        env={"VARPULIS_JOIN_TOKEN": "jt", "VARPULIS_COORDINATOR_API_KEY": "ck"},
    )  # fmt: skip
    assert wait_until(lambda: coordinator.of("heartbeat"))
    body, headers = coordinator.of("register")[0]
    assert (headers["x-join-token"], headers["x-api-key"]) == ("jt", "ck")
    # Without a key of its own one is made for the coordinator.
    assert len(body["api_key"]) >= 32
    assert coordinator.of("heartbeat")[0][1]["x-api-key"] == body["api_key"]


def test_the_last_heartbeat_says_that_it_stops(start, coordinator):
    server = start("--api-key", "test", "--coordinator", coordinator.url)
    assert wait_until(lambda: coordinator.of("heartbeat"))
    assert server.end(signal.SIGINT) == 0
    *earlier, (last, _) = coordinator.of("heartbeat")
    assert last["stopping"] is True
    assert not any(body["stopping"] for body, _ in earlier)


def test_heartbeats_carry_real_figures(start, coordinator):
    server = start("--api-key", "test", "--coordinator", coordinator.url)
    server.wait_until_up()
    deployed = server.call(
        "POST", "/api/v1/pipelines", {"name": "p", "source": ECHO, "group_id": "g"}
    ).json()
    path = f"/api/v1/pipelines/{deployed['id']}/events"
    server.call("POST", path, {"event_type": "EventA", "fields": {}})

    def reported():
        beats = coordinator.of("heartbeat")
        return beats and beats[-1][0]["events_processed"] == 1

    assert wait_until(reported)
    (pipeline,) = coordinator.of("heartbeat")[-1][0]["pipelines"]
    assert (pipeline["id"], pipeline["events_out"]) == (deployed["id"], 1)


def test_a_forgotten_worker_registers_again_with_its_pipelines(start, coordinator):
    server = start("--api-key", "test", "--coordinator", coordinator.url)
    server.wait_until_up()
    server.call(
        "POST", "/api/v1/pipelines", {"name": "p", "source": ECHO, "group_id": "g"}
    )
    coordinator.answers["heartbeat"] = (404, {"error": "?", "code": "worker_unknown"})
    assert wait_until(lambda: len(coordinator.of("register")) > 1)
    assert [p["name"] for p in coordinator.of("register")[-1][0]["pipelines"]] == ["p"]


def test_a_deregistered_worker_runs_on_and_stays_out(start, coordinator):
    server = start("--api-key", "test", "--coordinator", coordinator.url)
    coordinator.answers["heartbeat"] = (
        404,
        {"error": "gone", "code": "worker_deregistered"},
    )
    assert wait_until(lambda: "staying out" in server.log)
    health = server.call("GET", "/health").json()
    assert health["coordinator"]["registered"] is False
    assert server.end() == 0
    assert len(coordinator.of("heartbeat")) == 1


def test_without_a_coordinator_it_warns_and_keeps_trying(start, coordinator):
    nobody = free_port()
    server = start(
        "--api-key", "test", "--log-format", "text",
        "--coordinator", f"http://127.0.0.1:{nobody},{coordinator.url}",
    )  # fmt: skip
    assert wait_until(lambda: coordinator.of("heartbeat"))
    assert "WARNING varpulis_cluster: Could not register" in server.log


def test_a_port_in_use_is_one_clear_line_and_exit_2(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start("--port", str(port))
        assert server.process.wait(20) == 2
    (line,) = server.log.splitlines()
    assert f"port {port}" in line
    assert "in use" in line


def test_pipelines_and_id_survive_a_restart_with_a_state_directory(start, tmp_path):
    port = free_port()
    options = (
        "--api-key",
        "test",
        "--state-dir",
        str(tmp_path / "s"),
        "--port",
        str(port),
    )
    first = start(*options)
    first.port = port
    first.wait_until_up()
    worker_id = first.call("GET", "/health").json()["worker_id"]
    ids = [
        first.call(
            "POST",
            "/api/v1/pipelines",
            {"name": n, "source": ECHO, "limits": {"runs": 500}},
        ).json()["id"]
        for n in ("kept", "dropped")
    ]
    first.call("DELETE", f"/api/v1/pipelines/{ids[1]}")
    second = start(*options[:4], "--port", str(free_port()), "--worker-id", "other")
    first.process.kill()
    first.process.wait()
    second.end()
    again = start(*options, "--limit", "partitions=9", "--max-limit", "runs=400")
    again.port = port
    again.wait_until_up()
    assert again.call("GET", "/health").json()["worker_id"] == worker_id
    listed = again.call("GET", "/api/v1/pipelines").json()["pipelines"]
    assert [(p["id"], p["name"]) for p in listed] == [(ids[0], "kept")]
    limits = again.call("GET", f"/api/v1/pipelines/{ids[0]}").json()["limits"]
    assert (limits["runs"], limits["partitions"]) == (400, 9)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that signs itself; returns certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    signed = (
        x509
        .CertificateBuilder(name, name, key.public_key(), 1, now, now + DAY)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_path.write_bytes(signed.public_bytes(Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return str(cert_path), str(key_path)


def test_a_worker_with_a_certificate_answers_and_advertises_https(
    start, coordinator, certificate
):
    cert, key = certificate
    server = start(
        "--api-key", "test", "--tls-cert", cert, "--tls-key", key,
        "--coordinator", coordinator.url,
    )  # fmt: skip
    assert wait_until(lambda: coordinator.of("heartbeat"))
    address = coordinator.of("register")[0][0]["address"]
    assert address == f"https://127.0.0.1:{server.port}"
    answer = requests.get(f"{address}/health", verify=cert, timeout=10)
    assert answer.json()["coordinator"]["registered"] is True


def test_metrics_have_a_port_of_their_own_if_wanted(start):
    port = free_port()
    server = start("--api-key", "test", "--metrics", "--metrics-port", str(port))
    assert wait_until(lambda: f"Metrics on port {port}" in server.log)
    answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert "varpulis_build_info" in answer.text
    assert server.end() == 0


def test_a_metrics_port_in_use_is_a_warning(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        server = start("--api-key", "test", "--metrics", "--metrics-port", port)
        server.wait_until_up()
        assert wait_until(lambda: "No --metrics-port" in server.log)
        assert server.end() == 0


def test_a_second_signal_ends_it_at_once_with_1(start, coordinator):
    server = start("--api-key", "test", "--shutdown-timeout", "60")
    server.wait_until_up()
    source = (
        "fn spin():\n    var i = 0\n    while i >= 0:\n        i := i + 1\n"
        "    emit T(i: i)\nstream S = X .process(spin())"
    )
    body = server.call("POST", "/api/v1/pipelines", {"name": "p", "source": source})
    path = f"/api/v1/pipelines/{body.json()['id']}/events?ack=accepted"
    server.call("POST", path, {"event_type": "X"})
    server.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: "Stopping" in server.log)
    assert server.end(signal.SIGTERM) == 1


def test_work_that_does_not_end_does_not_keep_it_from_ending(start):
    server = start("--api-key", "test", "--shutdown-timeout", "0.1")
    server.wait_until_up()
    source = (
        "fn spin():\n    var i = 0\n    while i >= 0:\n        i := i + 1\n"
        "    emit T(i: i)\nstream S = X .process(spin())"
    )
    body = server.call("POST", "/api/v1/pipelines", {"name": "p", "source": source})
    path = f"/api/v1/pipelines/{body.json()['id']}/events?ack=accepted"
    server.call("POST", path, {"event_type": "X"})
    assert server.end() == 0
    assert "not finished" in server.log


COUNTING = (
    "var n = 0\n"
    "fn next():\n    n := n + 1\n    return n\n"
    "stream S = In .emit(n: next())\n"
)


def _count(server) -> int:
    body = {"event_type": "In", "fields": {}}
    answer = server.call("POST", "/api/v1/pipelines/count/events", body).json()
    (output,) = answer["output_events"]
    return output["n"]


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.ckpt"))


def _with_state(start, folder: Path, *options: str):
    server = start(
        *("--api-key", "test", "--worker-id", "w1", "--state-dir", str(folder)),
        *options,
    )
    server.wait_until_up()
    return server


def _deploy_count(server) -> None:
    body = {"id": "count", "name": "count", "source": COUNTING}
    assert server.call("POST", "/api/v1/pipelines", body).status_code == 201


def test_state_goes_on_after_an_orderly_stop(start, tmp_path):
    server = _with_state(start, tmp_path)
    _deploy_count(server)
    assert [_count(server) for _ in range(3)] == [1, 2, 3]
    assert server.end() == 0
    assert _count(_with_state(start, tmp_path)) == 4


def test_after_kill_9_pipelines_run_on_from_their_last_good_checkpoint(start, tmp_path):
    server = _with_state(start, tmp_path, "--checkpoint-interval", "0.1")
    _deploy_count(server)
    assert [_count(server) for _ in range(3)] == [1, 2, 3]
    written = len(_checkpoints(tmp_path))
    newest = _checkpoints(tmp_path)[-1].name if written else ""

    def written_since():
        paths = _checkpoints(tmp_path)
        return bool(paths) and int(paths[-1].stem) >= int(newest[:12] or 0) + 2

    assert wait_until(written_since)
    server.end(signal.SIGKILL)
    damaged = _checkpoints(tmp_path)[-1]
    damaged.write_bytes(damaged.read_bytes()[:-5])
    again = _with_state(start, tmp_path)
    assert _count(again) == 4
    assert f"{damaged.name} is passed over" in again.log
