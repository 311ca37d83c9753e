"""A coordinator and its workers as child processes of this one."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.demo.child import Child, LineSink
from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import (
    ChildDiedError,
    CoordinatorUnreachableError,
    NotReadyError,
)
from cluster.demo.ports import LOOPBACK, free_ports

_READY_TIMEOUT_S = 60.0
_POLL_S = 0.1
_ALIVE_STATUSES = frozenset({"ready", "busy"})
_KEPT_SETTINGS = ("VARPULIS_LOG_LEVEL", "VARPULIS_LOG_FORMAT")


def plain_environment() -> dict[str, str]:
    """Return our environment without the settings of the user's own cluster."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VARPULIS_") or name in _KEPT_SETTINGS
    }


def _silent(name: str, line: str) -> None:
    """Drop the line; the child keeps its last ones for error texts."""


@dataclass(frozen=True, kw_only=True)
class ClusterLayout:
    """Who listens where, and with which keys.

    Attributes:
        port: the coordinator's.
        worker_ports: one per worker; worker i is called `worker-i`.
        state_dir: of the coordinator; None leaves it its default.
    """

    port: int
    worker_ports: tuple[int, ...]
    api_key: str = "admin"
    worker_key: str = "test"
    worker_ids: tuple[str, ...] = ()
    state_dir: Path | None = None

    @property
    def url(self) -> str:
        """Base URL of the coordinator."""
        return f"http://{LOOPBACK}:{self.port}"

    def worker_names(self) -> tuple[str, ...]:
        """Return the ids of the workers, in the order of their ports."""
        return self.worker_ids or tuple(
            f"worker-{i}" for i in range(len(self.worker_ports))
        )


def throwaway_layout(workers: int, state_dir: Path) -> ClusterLayout:
    """Return a layout on free ports that keeps nothing."""
    port, *worker_ports = free_ports(workers + 1)
    return ClusterLayout(
        port=port, worker_ports=tuple(worker_ports), state_dir=state_dir
    )


@dataclass
class LocalCluster:
    """Starts, watches and stops the processes of a layout. A context manager."""

    layout: ClusterLayout
    on_line: LineSink = _silent
    environment: Mapping[str, str] = field(default_factory=plain_environment)
    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start all processes and wait until every worker is ready."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all processes."""
        self.stop()

    def client(self) -> CoordinatorClient:
        """Return a new client; the caller closes it."""
        return CoordinatorClient(self.layout.url, self.layout.api_key)

    def check(self) -> None:
        """Raise ChildDiedError if a process has ended."""
        for child in self.children:
            if not child.alive:
                lines = "\n".join(f"  {line}" for line in child.last_lines())
                raise ChildDiedError(
                    f"{child.name} ended with status {child.exit_status}. "
                    f"Its last lines:\n{lines or '  (none)'}"
                )

    def restart(self, position: int) -> None:
        """Start the ended process at that place of `children` again, and no more."""
        again = self._worker(position - 1) if position else self._coordinator()
        self.children[position].stop()
        self.children[position] = again

    def stop(self) -> None:
        """Stop the workers, then the coordinator that they say goodbye to."""
        coordinator, workers = self.children[:1], self.children[1:]
        for worker in workers:
            worker.ask_to_stop()
        for child in [*workers, *coordinator]:
            child.stop()
        self.children.clear()

    def _start(self) -> None:
        self.children.append(self._coordinator())
        with_client = self.client()
        try:
            self._wait(lambda: _answers(with_client), "the coordinator's /health")
            for index in range(len(self.layout.worker_ports)):
                self.children.append(self._worker(index))
            wanted = set(self.layout.worker_names())
            self._wait(lambda: wanted <= _ready(with_client), "all workers")
        finally:
            with_client.close()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise NotReadyError(
                    f"{what} did not become ready within {_READY_TIMEOUT_S:.0f} s"
                )
            time.sleep(_POLL_S)

    def _coordinator(self) -> Child:
        layout = self.layout
        environment = {**self.environment, "VARPULIS_API_KEY": layout.api_key}
        if layout.state_dir is not None:
            environment["VARPULIS_STATE_DIR"] = str(layout.state_dir)
        return Child(
            "coordinator",
            ["coordinator", "--port", str(layout.port)],
            on_line=self.on_line,
            environment=environment,
        )

    def _worker(self, index: int) -> Child:
        layout = self.layout
        worker_id = layout.worker_names()[index]
        environment = {**self.environment, "VARPULIS_WORKER_KEY": layout.worker_key}
        # A folder set for the coordinator is not one for all workers to share.
        environment.pop("VARPULIS_STATE_DIR", None)
        port = str(layout.worker_ports[index])
        return Child(
            worker_id,
            [
                *("server", "--port", port, "--worker-id", worker_id),
                *("--coordinator", layout.url),
            ],
            on_line=self.on_line,
            environment=environment,
        )


class ThrowawayCluster(LocalCluster):
    """A cluster on free ports whose state goes when it stops."""

    def __init__(self, workers: int, on_line: LineSink = _silent) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="varpulis-")
        super().__init__(throwaway_layout(workers, Path(self._folder.name)), on_line)

    def stop(self) -> None:
        """Stop all processes and remove their state."""
        super().stop()
        self._folder.cleanup()


def _answers(client: CoordinatorClient) -> bool:
    try:
        return client.health().get("role") == "coordinator"
    except CoordinatorUnreachableError:
        return False


def _ready(client: CoordinatorClient) -> set[str]:
    return {w["id"] for w in client.workers() if w["status"] in _ALIVE_STATUSES}
