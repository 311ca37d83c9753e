"""A server on a free port of the loopback interface, which may be killed and started
again; a missing program is a failure of the test, never a skip."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
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
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            # It ends at once while its port serves as another connection's own end.
            if self._process is None or self._process.poll() is not None:
                self._process = self._launch(log)
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.1)
        pytest.fail(f"{self.command()[0]} did not start: {log.read_text()}")

    def kill(self) -> None:
        """End the server and what it started, without a chance to say goodbye."""
        if self._process is None:
            return
        children = self._children(self._process.pid)
        self._process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait(10)
        psutil.wait_procs(children, 10)
        self._process = None

    def _launch(self, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(
                self.command(), stdout=file, stderr=file, **self.settings()
            )

    @staticmethod
    def _children(pid: int) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).children(recursive=True)
        return []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
