"""Injects on the short and on the long way get the same answers.

A header that means nothing sends a request the long way.
"""

import json
import socket
from typing import Any

import pytest

from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import BASE, CoordinatorProcess, route

pytestmark = pytest.mark.process

PER_REQUEST = frozenset({"date", "x-request-id", "x-event-id"})
LONG = {"X-Long-Way": "yes"}


class Line:
    """One connection, whole requests in one write."""

    def __init__(self, coordinator: CoordinatorProcess, group: Any) -> None:
        self._coordinator = coordinator
        self._path = f"{BASE}pipeline-groups/{group['id']}/inject"
        self._socket = socket.create_connection(("127.0.0.1", coordinator.port), 20)
        self._file = self._socket.makefile("rb")

    def send(self, body: bytes, **changes: str | None) -> None:
        headers = {
            "Host": f"127.0.0.1:{self._coordinator.port}",
            "X-API-Key": self._coordinator.key,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        head = "\r\n".join([f"POST {self._path} HTTP/1.1", *lines, "", ""])
        self._socket.sendall(head.encode() + body)

    def read(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return status, headers, self._file.read(int(headers["content-length"]))

    def ask(self, body: bytes, **changes: str | None) -> tuple[int, Any, bytes]:
        self.send(body, **changes)
        status, headers, raw = self.read()
        names = set(headers)
        kept = {n: v for n, v in headers.items() if n not in PER_REQUEST}
        return status, (kept, names), raw

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def group(coordinator: CoordinatorProcess, worker: RegisteredWorker) -> Any:
    return coordinator.deploy(
        f"short-{worker.id}",
        {"first": worker.id, "scan": worker.id},
        routes=[route("scan", "Scan*")],
    )


@pytest.fixture
def line(coordinator: CoordinatorProcess, group: Any) -> Any:
    made = Line(coordinator, group)
    made.ask(b'{"event_type":"Warm"}')  # opens a connection to the worker
    yield made
    made.close()


EVENT = b'{"event_type":"Scan_dock4","fields":{"delay":250.0}}'


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (EVENT, {}),
        (b'{"event_type":"Weather","data":{"a":[1,{"b":null}]}}', {}),
        (b'{"event_type":"Flat","x":1,"id":"field"}', {}),
        (b'{"event_type":"Scan","id":"e-1","timestamp":1}', {}),
        (EVENT, {"Content_Type": "application/json; charset=utf-8"}),
        (EVENT, {"Content_Type": "text/plain"}),
        (EVENT, {"X_API_Key": "wrong"}),
        (EVENT, {"X_API_Key": None}),
        (EVENT, {"Host": "evil.example"}),
        (b"{nope", {}),
        (b'{"event_type":""}', {}),
        (b'{"event_type":"E","fields":[]}', {}),
        (b'{"event_type":1}', {}),
        (b'{"event_type":"\xff"}', {}),
    ],
)
def test_both_ways_answer_and_forward_alike(
    line: Line, worker: RegisteredWorker, body: bytes, changes: dict[str, Any]
) -> None:
    worker.calls.clear()
    short = line.ask(body, **changes)
    long = line.ask(body, **changes, **LONG)
    assert short == long
    sent = [(call["path"], call["body"]) for call in worker.events()]
    assert len(sent) in {0, 2}
    assert sent[:1] == sent[1:]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, b'{"accepted":true,"output_events":[{"event_type":"L","d":250.0}]}'),
        (200, b"[]"),
        (409, {"error": "paused", "code": "pipeline_paused"}),
        (429, {"error": "full", "code": "queue_full"}),
        (500, b"oops"),
        (404, {"error": "no", "code": "not_found"}),
    ],
)
def test_both_ways_pass_on_what_the_worker_says(
    line: Line, worker: RegisteredWorker, status: int, answer: Any
) -> None:
    worker.script = lambda call: (status, answer)
    short, long = line.ask(EVENT), line.ask(EVENT, **LONG)
    assert short == long
    if status == 200 and isinstance(answer, bytes) and answer.startswith(b"{"):
        assert json.loads(short[2])["worker_response"] == json.loads(answer)


def test_a_pipeline_its_worker_forgot_is_deployed_again(
    line: Line, worker: RegisteredWorker
) -> None:
    worker.pipelines.clear()
    worker.calls.clear()
    assert line.ask(EVENT)[0] == 200
    assert len(worker.events()) == 2
    assert len(worker.pipelines) == 1


def test_many_requests_sent_at_once_are_answered_in_order(
    line: Line, worker: RegisteredWorker
) -> None:
    worker.script = lambda call: (200, {"of": call["body"]["event_type"]})
    names = [f"Scan{number}" for number in range(20)]
    for name in names:
        line.send(b'{"event_type":"%b"}' % name.encode())
    found = [json.loads(line.read()[2])["worker_response"]["of"] for _ in names]
    assert found == names
