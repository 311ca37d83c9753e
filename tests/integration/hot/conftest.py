"""One coordinator for all tests of this folder, and workers of their own for each."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.fake_worker import FakeWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess

_numbers = count(1)


@pytest.fixture(scope="session")
def coordinator(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CoordinatorProcess]:
    """Run a coordinator that waits one second for a worker's answer."""
    folder = tmp_path_factory.mktemp("coordinator")
    running = CoordinatorProcess(folder, VARPULIS_HTTP_TIMEOUT="1")
    yield running
    running.stop()


class RegisteredWorker(FakeWorker):
    """A fake worker with the id it is registered under."""

    def __init__(self, worker_id: str) -> None:
        super().__init__(f"k-{worker_id}")
        self.id = worker_id

    def events(self, call: str = "events") -> list[dict[str, object]]:
        """Return the calls with events, oldest first."""
        return [item for item in self.calls if item["path"].endswith(f"/{call}")]


@pytest.fixture
def join(coordinator: CoordinatorProcess) -> Iterator[Callable[[], RegisteredWorker]]:
    """Start and register a worker; it is deregistered with the test."""
    running: list[RegisteredWorker] = []

    def start() -> RegisteredWorker:
        worker = RegisteredWorker(f"fake-{next(_numbers)}")
        running.append(worker)
        reply = coordinator.register(worker.id, worker.address, worker.key)
        assert reply.status == 201, reply
        return worker

    yield start
    for worker in running:
        coordinator.call("DELETE", f"workers/{worker.id}?pipelines=leave")
        worker.stop()


@pytest.fixture
def worker(join: Callable[[], RegisteredWorker]) -> RegisteredWorker:
    return join()
