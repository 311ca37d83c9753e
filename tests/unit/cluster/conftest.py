"""What tests of the coordinator share: a clock, fake workers, a held-back dispatcher."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.addresses import WorkerAddress
from cluster.key_ring import RING
from cluster.models import Worker
from cluster.services.background import PlacementIds, dispatched_to
from cluster.services.first_deploys import deploy_again
from cluster.services.workers import Registration, register_worker
from cluster.testing import FakeWorkers, ManualClock
from cluster.worker_client import use_client

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"


@dataclass
class Background:
    """Holds back what was handed to the background until `run`."""

    clock: ManualClock
    waiting: list[PlacementIds] = field(default_factory=list)

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for ids in waiting:
            deploy_again(placement_ids=ids, clock=self.clock)


@pytest.fixture(autouse=True)
def no_keys() -> Iterator[None]:
    """Keys in memory outlive the rows of a test."""
    RING.replace((), version=-1)
    RING.take_uses()
    yield
    RING.replace((), version=-1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def workers() -> Iterator[FakeWorkers]:
    fake = FakeWorkers()
    with use_client(fake):
        yield fake


@pytest.fixture
def background(clock: ManualClock) -> Iterator[Background]:
    held = Background(clock)
    with dispatched_to(lambda ids: held.waiting.append(ids)):
        yield held


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """Run what was to happen on commit at the end of a `with commits():` block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def join(clock: ManualClock, commits: Any) -> Callable[..., Worker]:
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


@pytest.fixture
def golden() -> Callable[[str], Any]:
    """Read an agreed message between coordinator and worker."""

    def read(name: str) -> Any:
        return json.loads((GOLDEN / name).read_text())

    return read
