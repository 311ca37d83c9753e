"""A server on a free port of the loopback interface, which may be killed and started
again; a missing program is a failure of the test, never a skip."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

READY_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServerProcess:
    """Subclasses say which command to run."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        log = self.folder / "server.log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                self.command(), stdout=file, stderr=file, **self.settings()
            )
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        pytest.fail(f"{self.command()[0]} did not start: {log.read_text()}")

    def kill(self) -> None:
        """End the server without a chance to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
