"""Fakes of the coordinator's ports, for tests of this package and of its users."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.exceptions import WorkerCallError, WorkerFullError, WorkerUnreachableError
from cluster.group_spec import GroupSpec, PipelineSpec, RouteSpec
from cluster.worker_client import DeployAnswer, DeployRequest, WorkerTarget

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told; call it to read it."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move on and return the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now


def make_spec(
    name: str = "group", pipelines: Any = ("p",), routes: Any = (), **options: Any
) -> GroupSpec:
    """Build a spec; a pipeline is a name or (name, wanted worker)."""
    pairs = [item if isinstance(item, tuple) else (item, None) for item in pipelines]
    return GroupSpec(
        name=name,
        pipelines=tuple(
            PipelineSpec(item, f'stream S = E .emit(at: "{item}")', wanted)
            for item, wanted in pairs
        ),
        routes=tuple(RouteSpec(*route) for route in routes),
        **options,
    )


@dataclass(slots=True)
class FakeWorkerProcess:
    """What one worker process runs: pipeline id to the request that started it."""

    pipelines: dict[str, DeployRequest] = field(default_factory=dict)
    is_dead: bool = False
    max_pipelines: int = 100
    refusal: WorkerCallError | None = None

    def names(self) -> list[str]:
        """Return the names of the running pipelines, sorted."""
        return sorted(request.name for request in self.pipelines.values())

    def report(self) -> list[dict[str, Any]]:
        """Return the pipelines in the form of a heartbeat."""
        return [
            {
                "id": pipeline_id,
                "name": request.name,
                "group_id": str(request.group_id),
                "replica": request.replica,
                "generation": request.generation,
                "cluster_id": request.cluster_id,
                "status": "running",
            }
            for pipeline_id, request in self.pipelines.items()
        ]


class FakeWorkers:
    """A `WorkerClient` whose workers live in memory; unknown ones start empty.

    `before_deploy` is called with each deploy before it takes effect, so that a test
    can change the world in between.
    """

    def __init__(self) -> None:
        """Start with no worker."""
        self.processes: dict[str, FakeWorkerProcess] = {}
        self.calls: list[tuple[str, str]] = []
        self.before_deploy: Callable[[WorkerTarget, DeployRequest], None] | None = None

    def __getitem__(self, worker_id: str) -> FakeWorkerProcess:
        """Return the process behind a worker id."""
        return self.processes.setdefault(worker_id, FakeWorkerProcess())

    def deploy_pipeline(
        self, target: WorkerTarget, request: DeployRequest
    ) -> DeployAnswer:
        """Start a pipeline and return how the worker knows it."""
        if self.before_deploy is not None:
            self.before_deploy(target, request)
        process = self._reach(target, "deploy")
        if process.refusal is not None:
            raise process.refusal
        if len(process.pipelines) >= process.max_pipelines:
            raise WorkerFullError("full", details={"worker_id": target.worker_id})
        process.pipelines[request.pipeline_id] = request
        return DeployAnswer(id=request.pipeline_id, name=request.name)

    def remove_pipeline(self, target: WorkerTarget, pipeline_id: str) -> None:
        """Stop and drop a pipeline; one that is not there counts as removed."""
        self._reach(target, "remove").pipelines.pop(pipeline_id, None)

    def check_health(self, target: WorkerTarget) -> None:
        """Return if the worker answers its liveness probe."""
        self._reach(target, "health")

    def _reach(self, target: WorkerTarget, call: str) -> FakeWorkerProcess:
        self.calls.append((call, target.worker_id))
        process = self[target.worker_id]
        if process.is_dead:
            raise WorkerUnreachableError(
                "refused", details={"worker_id": target.worker_id}
            )
        return process
