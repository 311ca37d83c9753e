"""A real coordinator process, as a user starts it, on a free port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

VARPULIS = str(Path(sys.executable).with_name("varpulis"))
KEY = "admin-key"
BASE = "/api/v1/cluster/"
START_DEADLINE_S = 60


class Reply(NamedTuple):
    """An answer: status, headers in lower case, and decoded JSON or text."""

    status: int
    headers: dict[str, str]
    body: Any


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class CoordinatorProcess:
    """Starts with the object; `stop` ends it and returns its exit code."""

    def __init__(
        self, folder: Path, *options: str, key: str = KEY, port: int = 0, **more: str
    ) -> None:
        self.port = port or free_port()
        self.key = key
        self.out = folder / f"coordinator-{self.port}.out"
        self.err = folder / f"coordinator-{self.port}.err"
        kept = {k: v for k, v in os.environ.items() if not re.match("VARPULIS_", k)}
        self.state = folder / "state"
        environment = {**kept, "VARPULIS_STATE_DIR": str(self.state), **more}
        keys = ["--api-key", key] if key else []
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [VARPULIS, "coordinator", "--port", str(self.port), *keys, *options],
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        self._wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.err.read_text() + self.out.read_text())

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one call; `key=None` sends none, paths without slash are below BASE."""
        raw = (
            body
            if isinstance(body, bytes) or body is None
            else json.dumps(body).encode()
        )
        sent = {"Content-Type": "application/json"} if raw is not None else {}
        if key is not None and (key or self.key):
            sent["X-API-Key"] = key or self.key
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        full = path if path.startswith("/") else BASE + path
        connection.request(method, full, raw, {**sent, **(headers or {})})
        answer: HTTPResponse = connection.getresponse()
        text = answer.read()
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in found.get("content-type", "")
        return Reply(
            answer.status, found, json.loads(text) if is_json else text.decode()
        )

    def register(self, worker_id: str, address: str, key: str, **more: Any) -> Reply:
        body = {"worker_id": worker_id, "address": address, "api_key": key, **more}
        return self.call("POST", "workers/register", body)

    def deploy(self, name: str, pipelines: Mapping[str, str], **more: Any) -> Any:
        """Deploy pipelines with the workers they want; every one takes its own type."""
        reply = self.call(
            "POST",
            "pipeline-groups",
            {
                "name": name,
                "pipelines": [
                    {
                        "name": pipeline,
                        "source": f"stream S = {pipeline.capitalize()} .emit(x: 1)",
                        "worker_affinity": worker_id,
                    }
                    for pipeline, worker_id in pipelines.items()
                ],
                **more,
            },
        )
        assert reply.status == 201, reply
        return reply.body

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


def route(target: str, *types: str) -> dict[str, Any]:
    """Return a route from outside."""
    return {"from_pipeline": "_external", "to_pipeline": target, "event_types": types}
