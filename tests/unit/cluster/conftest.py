"""What tests of the coordinator share: a clock, fake workers, a held-back dispatcher."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.addresses import WorkerAddress
from cluster.group_spec import GroupSpec, PipelineSpec, RouteSpec
from cluster.models import Worker
from cluster.services.background import PlacementIds, dispatched_to
from cluster.services.deployments import deploy_again
from cluster.services.workers import Registration, register_worker
from cluster.testing import FakeWorkers
from cluster.worker_client import use_client

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that moves only when told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class Background:
    """Holds back what was handed to the background until `run`."""

    clock: Clock
    waiting: list[PlacementIds] = field(default_factory=list)

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for ids in waiting:
            deploy_again(placement_ids=ids, clock=self.clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers() -> Iterator[FakeWorkers]:
    fake = FakeWorkers()
    with use_client(fake):
        yield fake


@pytest.fixture
def background(clock: Clock) -> Iterator[Background]:
    held = Background(clock)
    with dispatched_to(held.waiting.append):
        yield held


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """Run what was to happen on commit at the end of a `with commits():` block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def join(clock: Clock, commits: Any) -> Callable[..., Worker]:
    """Register a worker on this machine."""

    def register(worker_id: str, *, port: int = 9000, **facts: Any) -> Worker:
        address = WorkerAddress(f"http://127.0.0.1:{port}", "127.0.0.1")
        facts = {"api_key": f"k-{worker_id}", "address": address} | facts
        registration = Registration(worker_id=worker_id, **facts)
        with commits():
            joined = register_worker(
                registration=registration, has_credential=True, now=clock.now
            )
        return joined.worker

    return register


def echo(name: str, event_type: str = "E") -> str:
    return f'stream S = {event_type} .emit(at: "{name}")'


def make_spec(
    name: str = "group", pipelines: Any = ("p",), routes: Any = (), **options: Any
) -> GroupSpec:
    """Build a spec; a pipeline is a name or (name, affinity)."""
    pairs = [item if isinstance(item, tuple) else (item, None) for item in pipelines]
    return GroupSpec(
        name=name,
        pipelines=tuple(PipelineSpec(n, echo(n), wanted) for n, wanted in pairs),
        routes=tuple(RouteSpec(*route) for route in routes),
        **options,
    )
