"""/ws/topology/ of a real coordinator, from a program and as a browser would."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import CoordinatorProcess
from tests.integration.hot.test_same_rules import sign_in

Open = Callable[..., ClientConnection]


pytestmark = pytest.mark.process


@pytest.fixture
def open_socket(coordinator: CoordinatorProcess) -> Iterator[Open]:
    opened: list[ClientConnection] = []

    def start(*, query: str = "", subprotocols: Any = None, **headers: str) -> Any:
        found = connect(
            f"ws://127.0.0.1:{coordinator.port}/ws/topology/{query}",
            additional_headers={k.replace("_", "-"): v for k, v in headers.items()},
            subprotocols=subprotocols,
            proxy=None,
        )
        opened.append(found)
        return found

    yield start
    for one in opened:
        one.close()


def until(socket: ClientConnection, is_wanted: Callable[[Any], bool]) -> Any:
    """Return the first message that is wanted."""
    while True:
        message = json.loads(socket.recv(timeout=20))
        if is_wanted(message):
            return message


def test_a_worker_that_joins_is_told(
    open_socket: Open, coordinator: CoordinatorProcess, join: Any
) -> None:
    socket = open_socket(X_API_Key=coordinator.key)
    snapshot = json.loads(socket.recv(timeout=20))
    assert snapshot["type"] == "snapshot"
    worker = join()

    def is_joined(message: Any) -> bool:
        changes = message.get("changes", [])
        return any(change["id"] == worker.id for change in changes)

    delta = until(socket, is_joined)
    assert delta["type"] == "delta"
    assert delta["version"] > snapshot["version"]


def test_the_history_arrives_as_it_happens(
    open_socket: Open, coordinator: CoordinatorProcess, join: Any
) -> None:
    socket = open_socket(X_API_Key=coordinator.key)
    socket.recv(timeout=20)
    worker = join()
    event = until(socket, lambda message: message["type"] == "event")["event"]
    assert event["type"] == "worker.joined"
    assert event["worker_id"] == worker.id


def test_rates_come_from_the_reports(
    open_socket: Open, coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    socket = open_socket(X_API_Key=coordinator.key)
    path = f"workers/{worker.id}/heartbeat"
    body = {"events_processed": 5, "load": {"cpu_percent": 12.5}}
    coordinator.call("POST", path, body, key=worker.key)
    rates = until(socket, lambda m: m["type"] == "rates" and worker.id in m["workers"])
    assert rates["workers"][worker.id]["cpu"] == 12.5


def test_a_browser_that_signed_in_may_watch(
    open_socket: Open, coordinator: CoordinatorProcess
) -> None:
    cookie, _ = sign_in(coordinator)
    socket = open_socket(Cookie=cookie, Origin=coordinator.url)
    assert json.loads(socket.recv(timeout=20))["type"] == "snapshot"


def test_a_key_may_come_in_the_subprotocol(
    open_socket: Open, coordinator: CoordinatorProcess
) -> None:
    text = base64.urlsafe_b64encode(coordinator.key.encode()).decode().rstrip("=")
    socket = open_socket(subprotocols=["varpulis", f"varpulis.key.{text}"])
    assert socket.subprotocol == "varpulis"
    assert json.loads(socket.recv(timeout=20))["type"] == "snapshot"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"X_API_Key": "wrong"},
        {"query": "?key=admin-key"},
        {"X_API_Key": "admin-key", "Origin": "http://evil.example"},
        {"X_API_Key": "admin-key", "Origin": "http://127.0.0.1:1"},
    ],
    ids=["no key", "wrong key", "key in the query", "foreign page", "another port"],
)
def test_anybody_else_is_refused_with_403(open_socket: Open, options: Any) -> None:
    with pytest.raises(InvalidStatus) as caught:
        open_socket(**options)
    assert caught.value.response.status_code == 403
