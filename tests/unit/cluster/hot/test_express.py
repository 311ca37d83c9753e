"""What the short way takes, and how it ends when a worker does not just answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from cluster.hot.delivery import Delivery
from cluster.hot.express import Express
from cluster.hot.plain_head import PlainHead
from cluster.hot.routing_table import RoutingTable
from cluster.hot.worker_session import Deadline, Letter
from cluster.routing_snapshot import RoutedPlacement
from cluster.state import PlacementStatus
from tests.unit.cluster.hot.test_inject_event import PLACE
from tests.unit.cluster.hot.test_targets import (
    ONE,
    TWO,
    Inline,
    make_group,
    make_snapshot,
    table_of,
)
from tests.unit.cluster.hot.test_worker_session import Wire, talking

if TYPE_CHECKING:
    from cluster.hot.answer import Answer

KEY = "operator-key"
HEAD = PlainHead(
    call="inject",
    target=str(ONE),
    length=0,
    scope={"query_string": b""},
    host="localhost",
    key=KEY,
    media_type="application/json",
    sent_id="r-1",
)
BODY = b'{"event_type":"Scan1","fields":{"a":1.50},"id":"e-1"}'
ACCEPTED = b'{"accepted":true,"output_events":[]}'


def http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Lane:
    """An express with one idle connection to a worker that answers as told."""

    express: Express
    table: RoutingTable
    wire: Wire
    delivery: Delivery

    def begin(self, head: PlainHead = HEAD, body: bytes = BODY) -> Any:
        given: asyncio.Future[tuple[Answer, str]]
        given = asyncio.get_running_loop().create_future()
        taken = self.express.begin(head, body, lambda *reply: given.set_result(reply))
        return given if taken else None

    def place(self, **changes: Any) -> None:
        before = self.table.latest.groups[ONE].placements["intake"]
        self.table._install(
            make_snapshot(make_group(place=replace(before, **changes)), version=2)
        )


@pytest.fixture
async def lane(settings: Any) -> AsyncIterator[Lane]:
    settings.VARPULIS = {**settings.VARPULIS, "API_KEY": KEY}
    settings.ALLOWED_HOSTS = ["localhost"]
    async with talking() as (wire, session, post):
        await post()  # leaves an idle connection behind
        place = _place_of(wire)
        table = table_of(make_snapshot(make_group(place=place)))
        delivery = Delivery(table, session, Inline())  # type: ignore[arg-type]
        express = Express(table, delivery, session)
        yield Lane(express, table, wire, delivery)
        await express.stop()


def _place_of(wire: Wire) -> RoutedPlacement:
    host = wire.requests[0].partition(b"Host: ")[2].split()[0].decode()
    return replace(PLACE, worker_id="w", address=f"http://{host}")


async def test_an_event_goes_to_its_worker_and_the_answer_back(lane: Lane) -> None:
    lane.wire.answers = [http("200 OK", ACCEPTED)]
    answer, request_id = await lane.begin()
    assert (answer.status, request_id) == (200, "r-1")
    assert answer.headers == [(b"x-event-id", b"e-1")]
    assert answer.body == (
        b'{"routed_to":"intake","worker_id":"w","worker_response":' + ACCEPTED + b"}"
    )
    head, _, body = lane.wire.requests[1].partition(b"\r\n\r\n")
    assert body == (
        b'{"event_type":"Scan1","fields":{"a":1.50},"id":"e-1","family":"Scan"}'
    )
    assert b"X-Varpulis-Timeout-Ms: 9750\r\n" in head
    assert lane.wire.connections == 1


async def test_events_one_after_the_other_share_the_connection(lane: Lane) -> None:
    for _ in range(5):
        lane.wire.answers = [http("200 OK", ACCEPTED)]
        await lane.begin()
    assert lane.wire.connections == 1


@pytest.mark.parametrize(
    "head",
    [
        replace(HEAD, key=""),
        replace(HEAD, key="wrong"),
        replace(HEAD, host="evil.example"),
        replace(HEAD, host=""),
        replace(HEAD, target=str(TWO)),
        replace(HEAD, target="-" * 36),
        replace(HEAD, scope={"query_string": b"explain=true"}),
        replace(HEAD, media_type="text/plain"),
    ],
    ids=[
        "no key",
        "wrong key",
        "foreign host",
        "no host",
        "unknown group",
        "no id",
        "options",
        "media type",
    ],
)
async def test_who_would_be_refused_goes_the_long_way(
    lane: Lane, head: PlainHead
) -> None:
    assert lane.begin(head) is None
    assert len(lane.wire.requests) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b'{"event_type":""}'])
async def test_a_body_that_is_no_event_goes_the_long_way(
    lane: Lane, body: bytes
) -> None:
    assert lane.begin(body=body) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"worker_id": None, "address": None},
        {"status": PlacementStatus.DEPLOYING},
        {"status": PlacementStatus.FAILED},
        {"reachable": False},
        {"api_key": "a\r\nb"},
        {"address": "http://127.0.0.1:1"},
    ],
    ids=["no worker", "deploying", "failed", "unreachable", "bad key", "no connection"],
)
async def test_a_placement_that_is_not_ready_goes_the_long_way(
    lane: Lane, changes: dict[str, Any]
) -> None:
    lane.place(**changes)
    assert lane.begin() is None


async def test_routes_that_are_behind_go_the_long_way(lane: Lane) -> None:
    lane.table._wanted_version = 99
    assert lane.begin() is None


async def test_a_new_snapshot_counts_at_once(lane: Lane) -> None:
    await lane.begin()
    lane.place(pipeline_id="moved")
    await lane.begin()
    assert b"/pipelines/moved/events" in lane.wire.requests[-1]


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (http("429 Too Many", b'{"error":"full","code":"queue_full"}'), 429, b"queue"),
        (http("500 Oops", b"oops"), 502, b"worker_error"),
        (http("200 OK", b"[]"), 502, b"worker_error"),
        (Wire.CLOSE, 502, b"worker_unreachable"),
        (b"no http" + Wire.CLOSE, 502, b"worker_unreachable"),
    ],
    ids=["refused", "broken", "no object", "closed", "not http"],
)
async def test_trouble_is_told_as_on_the_long_way(
    lane: Lane, reply: bytes, status: int, code: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane.delivery, "_count", lambda worker_id, failed: None)
    lane.wire.answers = [reply]
    answer, _ = await lane.begin()
    assert answer.status == status
    assert code in answer.body


async def test_a_worker_that_does_not_answer_in_time_is_504(
    lane: Lane, settings: Any
) -> None:
    settings.VARPULIS = {**settings.VARPULIS, "HTTP_TIMEOUT": 0.02}
    lane.wire.answers = [None]
    answer, _ = await lane.begin()
    assert answer.status == 504


async def test_a_failed_call_and_the_next_good_one_are_counted(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[bool] = []
    monkeypatch.setattr(
        lane.delivery, "_count", lambda _, failed: counted.append(failed)
    )
    lane.wire.answers = [Wire.CLOSE]
    await lane.begin()
    place = lane.table.latest.groups[ONE].placements["intake"]
    await lane.express._workers.post(place, _letter())
    await lane.begin()
    await lane.begin()
    assert counted == [True, False]


async def test_a_bug_is_answered_and_logged(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr(lane.delivery, "settle", broken)
    lane.wire.answers = [http("409 Conflict", b"{}")]
    answer, _ = await lane.begin()
    assert answer.status == 500
    assert b"a bug" not in answer.body
    assert "Request r-1 failed" in caplog.text


def _letter() -> Letter:
    return Letter("events", b"{}", "application/json", Deadline.after(10))
