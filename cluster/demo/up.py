"""`varpulis up`: a whole cluster on this machine, until it is stopped."""

import json
import os
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.demo.child import Child
from cluster.demo.console import Console
from cluster.demo.errors import UsageError
from cluster.demo.group_up import ensure_group
from cluster.demo.local_cluster import ClusterLayout, LocalCluster
from cluster.demo.ports import require_free
from cluster.demo.spec_file import load_events, load_spec

DEFAULT_API_KEY = "admin"
DEFAULT_WORKER_KEY = "test"

_WATCH_INTERVAL_S = 0.5
_LAST_PORT = 65_535
_SAMPLE_EVENTS = "events.ndjson"  # beside a group spec: what to try with it


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command was asked for."""

    workers: int
    port: int
    worker_port: int  # of worker-0; the others follow
    api_key: str
    worker_key: str
    spec_path: Path | None
    open_browser: bool
    ephemeral: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be; raises UsageError."""
        if self.workers < 1:
            raise UsageError("--workers: at least one worker is needed")
        last = self.worker_port + self.workers - 1
        if not 0 < self.worker_port <= last <= _LAST_PORT:
            raise UsageError(
                f"--worker-port {self.worker_port}: {self.workers} workers take the "
                f"ports {self.worker_port} to {last}, beyond 1..{_LAST_PORT}"
            )
        if self.port in self.worker_ports:
            raise UsageError(
                f"--port {self.port} is also one of the workers' ports "
                f"({self.worker_port} to {last}): choose another --port or --worker-port"
            )

    @property
    def worker_ports(self) -> range:
        """The ports of the workers."""
        return range(self.worker_port, self.worker_port + self.workers)


def run(request: Request) -> None:
    """Start everything, tell what to try, and watch until interrupted.

    Raises DemoError if it does not come up, if the coordinator ends or if the last
    worker does. A single worker that ends is told: others take its place, and the
    line to start it again is printed.
    """
    spec = load_spec(request.spec_path) if request.spec_path else None
    _require_ports(request)
    console = Console(width=max(len("coordinator"), len(f"worker-{request.workers}")))
    with _cluster(request, console) as cluster:
        with closing(cluster.client()) as client:
            group = ensure_group(client, spec) if spec else None
        _welcome(request, group, console)
        if request.open_browser:
            webbrowser.open(f"{cluster.layout.url}/topology/")
        Watch(cluster, console).until_over()


class Watch:
    """Sees processes end."""

    def __init__(self, cluster: LocalCluster, console: Console) -> None:
        self._cluster = cluster
        self._console = console
        self._told: set[str] = set()

    def until_over(self) -> None:
        """Look twice a second; returns only by an exception."""
        while True:
            time.sleep(_WATCH_INTERVAL_S)
            self.look()

    def look(self) -> None:
        """Tell of workers that ended; raises ChildDiedError as `run` says."""
        coordinator, *workers = self._cluster.children
        ended = [worker for worker in workers if not worker.alive]
        if not coordinator.alive or len(ended) == len(workers):
            self._cluster.check()
        for worker in ended:
            if worker.name not in self._told:
                self._told.add(worker.name)
                self._tell(worker)

    def _tell(self, worker: Child) -> None:
        layout = self._cluster.layout
        port = dict(zip(layout.worker_names(), layout.worker_ports, strict=True))
        self._console.say(
            f"\n{worker.name} ended with status {worker.exit_status}; the others go on. "
            f"To start it again:\n  varpulis server --port {port[worker.name]} "
            f"--api-key {_shown(layout.worker_key, DEFAULT_WORKER_KEY, 'WORKER')} "
            f"--coordinator {layout.url} --worker-id {worker.name}\n"
        )


@contextmanager
def _cluster(request: Request, console: Console) -> Iterator[LocalCluster]:
    with tempfile.TemporaryDirectory(prefix="varpulis-") as folder:
        layout = ClusterLayout(
            port=request.port,
            worker_ports=tuple(request.worker_ports),
            api_key=request.api_key,
            worker_key=request.worker_key,
            state_dir=Path(folder) if request.ephemeral else None,
        )
        try:
            with LocalCluster(layout, console.relay, _environment()) as cluster:
                yield cluster
        finally:
            console.say("all processes are stopped")


def _environment() -> dict[str, str]:
    """Return our own, with the short log lines of a terminal if we are on one."""
    short = {"VARPULIS_LOG_FORMAT": "text"} if sys.stdout.isatty() else {}
    return {**short, **os.environ}


def _require_ports(request: Request) -> None:
    require_free(request.port, "the coordinator", "--port")
    for index, port in enumerate(request.worker_ports):
        require_free(port, f"worker-{index}", "--worker-port")


def _welcome(request: Request, group: dict[str, Any] | None, console: Console) -> None:
    url = f"http://127.0.0.1:{request.port}"
    key = _shown(request.api_key, DEFAULT_API_KEY, "API")
    lines = [
        "",
        f"Ready: a coordinator and {request.workers} workers. Ctrl+C stops them all.",
        "",
        f"Open   {url}/topology/   (the topology, live; sign in with the key {key})",
        f"       {url}/api/docs/   (the API)",
    ]
    if group is not None:
        lines += _about(group)
        lines += ["", "Try    an event:", *_inject_lines(request, group, url, key)]
    lines += ["", "Look   at the topology:"]
    lines += [f'  curl -s {url}/api/v1/cluster/topology -H "x-api-key: {key}"', ""]
    console.say("\n".join(lines))


def _about(group: dict[str, Any]) -> list[str]:
    lines = ["", f"Group  {group['name']} ({group['id']}) is {group['status']}:"]
    lines += [
        f"       {each['pipeline_name']} on {each['worker_id']}"
        for each in group["placements"]
    ]
    return lines + [f"       note: {note}" for note in group.get("warnings", [])]


def _inject_lines(
    request: Request, group: dict[str, Any], url: str, key: str
) -> list[str]:
    path = f"{url}/api/v1/cluster/pipeline-groups/{group['id']}/inject"
    return [
        f"  curl -s -X POST {path} \\\n"
        f'    -H "x-api-key: {key}" -H "Content-Type: application/json" \\\n'
        f"    -d '{json.dumps(event)}'"
        for event in _samples(request, group)
    ]


def _samples(request: Request, group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return up to two events to try: from the file beside the spec, or bare ones."""
    assert request.spec_path is not None
    beside = request.spec_path.parent / _SAMPLE_EVENTS
    if beside.is_file():
        return load_events(beside)[:2]
    types = [
        str(route["event_types"][0]).rstrip("*")
        for route in group.get("routes", [])
        if route["from_pipeline"] == "_external"
    ]
    return [{"event_type": each or "Event", "fields": {}} for each in types[:2]]


def _shown(key: str, default: str, kind: str) -> str:
    """Return the key if everybody knows it, else the variable that holds it."""
    return key if key == default else f"$VARPULIS_{kind}_KEY"
