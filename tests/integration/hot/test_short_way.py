"""Calls get the same answers on the short way and on the long one.

A header that means nothing sends a request the long way.
"""

import json
import socket
from typing import Any

import pytest

from tests.integration.connectors.probes import wait_until
from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import BASE, CoordinatorProcess, route

pytestmark = pytest.mark.process

PER_REQUEST = frozenset({"date", "x-request-id", "x-event-id"})
LONG = {"X-Long-Way": "yes"}


class Line:
    """One connection, whole requests in one write."""

    def __init__(self, coordinator: CoordinatorProcess, path: str) -> None:
        self._coordinator = coordinator
        self.path = BASE + path
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
        head = "\r\n".join([f"POST {self.path} HTTP/1.1", *lines, "", ""])
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
    made = Line(coordinator, f"pipeline-groups/{group['id']}/inject")
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


def test_batches_are_answered_and_forwarded_alike(
    line: Line, worker: RegisteredWorker
) -> None:
    line.path += "-batch?outputs=count"
    body = b"\n".join([EVENT, b"{nope", b'{"event_type":"Weather"}', EVENT])
    changes = {"Content_Type": "application/x-ndjson"}
    worker.calls.clear()
    short, long = line.ask(body, **changes), line.ask(body, **changes, **LONG)
    for _, (headers, _), _ in (short, long):
        del headers["content-length"]  # the time taken has more digits or fewer
    assert short[:2] == long[:2]
    answers = [json.loads(raw) for *_, raw in (short, long)]
    for answer in answers:
        del answer["processing_time_us"]
    assert answers[0] == answers[1]
    assert (answers[0]["events_sent"], answers[0]["output_count"]) == (3, 3)
    sent = [call["body"] for call in worker.events("events-batch")]
    # lanes are sent side by side, so which comes first is chance
    assert sorted(sent[:2], key=repr) == sorted(sent[2:], key=repr)


@pytest.mark.parametrize("size", [100_000, 900_000])
def test_a_large_batch_may_come_in_many_pieces(line: Line, size: int) -> None:
    line.path += "-batch?outputs=none"
    event = b'{"event_type":"Scan1","fields":{"text":"%b"}}\n' % (b"x" * 1000)
    count = size // len(event)
    status, _, raw = line.ask(event * count, Content_Type="application/x-ndjson")
    assert status == 200
    assert json.loads(raw)["events_sent"] == count


BEAT = {"events_processed": 7, "pipelines_running": 0, "pipelines": []}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (json.dumps(BEAT).encode(), {}),
        (b"{}", {}),
        (json.dumps(BEAT | {"instance_id": "other"}).encode(), {}),
        (b"{nope", {}),
        (b'{"events_processed":"x"}', {}),
        (b"{}", {"Content_Type": "text/plain"}),
        (b"{}", {"X_API_Key": "wrong"}),
        (b"{}", {"X_API_Key": None}),
        (b"{}", {"Host": "evil.example"}),
    ],
)
def test_heartbeats_are_answered_alike(
    coordinator: CoordinatorProcess,
    worker: RegisteredWorker,
    body: bytes,
    changes: dict[str, Any],
) -> None:
    beat = Line(coordinator, f"workers/{worker.id}/heartbeat")
    sent = {"X_API_Key": worker.key} | changes
    for _ in range(2):  # the first says something new, the next does not
        assert beat.ask(body, **sent) == beat.ask(body, **sent, **LONG)
    beat.path = beat.path.replace(worker.id, "nobody")
    assert beat.ask(body, **sent) == beat.ask(body, **sent, **LONG)
    beat.close()


def test_a_report_that_says_nothing_new_is_stored(
    coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    beat = Line(coordinator, f"workers/{worker.id}/heartbeat")
    for count in range(1, 4):
        body = json.dumps(BEAT | {"events_processed": count}).encode()
        status, _, raw = beat.ask(body, X_API_Key=worker.key)
        assert (status, raw) == (200, b'{"acknowledged":true}')
    assert wait_until(lambda: _events_of(coordinator, worker) == 3)
    beat.close()


def _events_of(coordinator: CoordinatorProcess, worker: RegisteredWorker) -> Any:
    return coordinator.call("GET", f"workers/{worker.id}").body["events_processed"]


@pytest.mark.parametrize(
    "changes", [{"X_API_Key": "wrong"}, {"X_API_Key": None}, {"Host": "evil.example"}]
)
def test_strangers_are_refused_before_their_bodies_come(
    line: Line, changes: dict[str, str | None]
) -> None:
    line.path += "-batch"
    line.send(b"", **changes, Content_Length=str(16 * 1024 * 1024))
    status, *_ = line.read()
    assert status in {400, 401}
