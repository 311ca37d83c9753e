"""Workers behind real HTTP: scripted ones in a thread, and real processes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from cluster.worker_client import WorkerTarget

KEY = "test"


class ScriptedWorker(ThreadingHTTPServer):
    """Answers every call with `status` and `body`, and keeps what it was sent.

    With a `drip` the body goes out byte by byte: it is called before each, and ends
    the answer by returning true.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body: bytes = b"{}"
        self.headers: dict[str, str] = {}
        self.before_answer: Callable[[], None] = lambda: None
        self.drops = False
        self.drip: Callable[[], bool] | None = None
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def target(self) -> WorkerTarget:
        port = self.server_address[1]
        return WorkerTarget("w", f"http://worker.test:{port}", "127.0.0.1", KEY)

    def answer(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedWorker
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        sent = json.loads(raw) if raw else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.calls.append((self.command, self.path, headers, sent))
        self.server.before_answer()
        self.close_connection = True
        if self.server.drops:
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):  # the caller may have given up
            if self.server.drip is None:
                self.wfile.write(self.server.body)
                return
            for byte in self.server.body:
                if self.server.drip():
                    return
                self.wfile.write(bytes([byte]))

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def scripted() -> Iterator[ScriptedWorker]:
    server = ScriptedWorker()
    yield server
    server.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class WorkerProcess:
    """A real worker that knows no coordinator."""

    def __init__(self, log: Path, *options: str) -> None:
        self.port = free_port()
        self._log = log.open("wb")
        program = [sys.executable, "-m", "varpulis_site.cli"]
        script = Path(sys.executable).parent / "varpulis"
        program = [str(script)] if script.exists() else program
        self._process = subprocess.Popen(
            [*program, "server", "--port", str(self.port), "--api-key", KEY, *options],
            stdout=self._log,
            stderr=self._log,
            env={k: v for k, v in os.environ.items() if "VARPULIS" not in k},
        )

    def wait_until_healthy(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/health", timeout=5).ok:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no worker on port {self.port}: {self._log.name}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pipelines(self) -> dict[str, str]:
        found = requests.get(
            f"{self.url}/api/v1/pipelines", headers={"X-API-Key": KEY}, timeout=10
        ).json()
        return {item["name"]: item["id"] for item in found["pipelines"]}

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self._log.close()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Start a worker process; all are ended with the test."""
    running: list[WorkerProcess] = []

    def start(*options: str) -> WorkerProcess:
        worker = WorkerProcess(tmp_path / f"worker-{len(running)}.log", *options)
        running.append(worker)
        worker.wait_until_healthy()
        return worker

    yield start
    for worker in running:
        worker.kill()
