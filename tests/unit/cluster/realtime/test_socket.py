"""The conversation on /ws/topology/, over the consumer itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from cluster.notices import Touched
from cluster.realtime import TopologyFeed, websocket_app
from cluster.realtime.view import TopologyView
from cluster.services.notify import EventRecorded, TopologyChanged

NOW = datetime(2026, 3, 2, 8, 24, 41, 600_000, tzinfo=UTC)
HEADERS = [(b"host", b"localhost:9100"), (b"x-api-key", b"admin-key")]


class World:
    """The topology as the feed reads it."""

    def __init__(self) -> None:
        self.workers: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}

    def load(self, touched: Touched | None) -> TopologyView:
        return TopologyView(
            worker={key: {"id": key, **node} for key, node in self.workers.items()},  # type: ignore[misc, arg-type] # as little as the feed needs
            group={key: dict(node) for key, node in self.groups.items()},  # type: ignore[misc, arg-type]
            last_heartbeats=dict.fromkeys(self.workers, NOW),
        )


@pytest.fixture(autouse=True)
def with_key(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": "admin-key"}


@pytest.fixture
def world() -> World:
    return World()


Connect = Callable[..., Any]


@pytest.fixture
def connect(world: World, transactional_db: None) -> Connect:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[tuple[Any, TopologyFeed]]:
        feed = TopologyFeed(now=lambda: NOW, load=world.load)
        await feed.start()
        socket = WebsocketCommunicator(
            websocket_app(feed), "/ws/topology/", HEADERS, **options
        )
        accepted, _ = await socket.connect()
        assert accepted
        yield socket, feed
        await socket.disconnect()
        await feed.stop()

    return opened


def topology_changed() -> TopologyChanged:
    return TopologyChanged(1, frozenset(), frozenset())


async def test_the_first_message_is_a_snapshot(world: World, connect: Connect) -> None:
    world.workers["w"] = {"status": "ready"}
    async with connect() as (socket, _):
        first = await socket.receive_json_from()
    assert first["type"] == "snapshot"
    assert first["at"] == "2026-03-02T08:24:41.600Z"
    assert first["topology"]["workers"] == [
        {"id": "w", "status": "ready", "heartbeat_age_seconds": 0.0}
    ]
    assert first["summary"]["workers_ready"] == 1


async def test_a_change_is_told_as_the_next_version(
    world: World, connect: Connect
) -> None:
    world.workers["w"] = {"status": "ready"}
    async with connect() as (socket, feed):
        first = await socket.receive_json_from()
        world.workers["w"] = {"status": "unhealthy"}
        feed.hear(topology_changed())
        delta = await socket.receive_json_from()
        world.workers.clear()
        feed.hear(topology_changed())
        removed = await socket.receive_json_from()
    assert delta["version"] == first["version"] + 1
    value = {"status": "unhealthy", "heartbeat_age_seconds": 0.0}
    assert delta["changes"] == [
        {"op": "set", "kind": "worker", "id": "w", "value": value}
    ]
    assert removed["version"] == first["version"] + 2
    assert removed["changes"] == [{"op": "remove", "kind": "worker", "id": "w"}]


async def test_changes_close_together_come_as_one(
    world: World, connect: Connect
) -> None:
    async with connect() as (socket, feed):
        await socket.receive_json_from()
        for number in range(20):
            world.workers[f"w{number}"] = {"status": "ready"}
            feed.hear(topology_changed())
        delta = await socket.receive_json_from()
        assert len(delta["changes"]) == 20
        assert await socket.receive_nothing(0.1)


async def test_a_change_that_changes_nothing_is_not_told(connect: Connect) -> None:
    async with connect() as (socket, feed):
        await socket.receive_json_from()
        feed.hear(topology_changed())
        assert await socket.receive_nothing(0.1)


async def test_the_history_is_told_as_it_is_written(connect: Connect) -> None:
    async with connect() as (socket, feed):
        await socket.receive_json_from()
        feed.hear(EventRecorded({"seq": 7, "type": "worker.joined"}))
        message = await socket.receive_json_from()
    assert message == {"type": "event", "event": {"seq": 7, "type": "worker.joined"}}


async def test_resync_is_answered_with_a_snapshot(connect: Connect) -> None:
    async with connect() as (socket, _):
        first = await socket.receive_json_from()
        await socket.send_json_to({"type": "resync"})
        assert await socket.receive_json_from() == first


@pytest.mark.parametrize(
    "sent", ['{"type":"subscibe"}', "nonsense", "[]", '{"type":"subscribe","groups":5}']
)
async def test_a_message_that_cannot_be_meant_is_answered_with_an_error(
    sent: str, connect: Connect
) -> None:
    async with connect() as (socket, _):
        await socket.receive_json_from()
        await socket.send_to(text_data=sent)
        message = await socket.receive_json_from()
    assert (message["type"], message["code"]) == ("error", "bad_request")


async def test_only_the_groups_asked_for_are_told(
    world: World, connect: Connect
) -> None:
    for name in ("parcels", "ovens"):
        world.groups[name] = {"group_id": name, "group_name": name, "status": "running"}
    async with connect() as (socket, feed):
        await socket.receive_json_from()
        await socket.send_json_to({"type": "subscribe", "groups": ["ovens"]})
        snapshot = await socket.receive_json_from()
        for node in world.groups.values():
            node["status"] = "degraded"
        feed.hear(topology_changed())
        delta = await socket.receive_json_from()
    shown = [node["group_id"] for node in snapshot["topology"]["groups"]]
    assert shown == ["ovens"]
    assert [change["id"] for change in delta["changes"]] == ["ovens"]
    assert delta["version"] == snapshot["version"] + 1


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"localhost")],
        [(b"host", b"localhost"), (b"x-api-key", b"wrong")],
        [*HEADERS, (b"origin", b"http://evil.example")],
        [(b"host", b"evil.example"), (b"x-api-key", b"admin-key")],
    ],
    ids=["no key", "wrong key", "foreign page", "foreign host"],
)
async def test_whoever_may_not_read_is_refused_at_the_door(
    headers: list[tuple[bytes, bytes]], world: World, transactional_db: None
) -> None:
    feed = TopologyFeed(load=world.load)
    await feed.start()
    socket = WebsocketCommunicator(websocket_app(feed), "/ws/topology/", headers)
    accepted, _ = await socket.connect()
    await feed.stop()
    assert not accepted


async def test_another_path_is_refused(world: World) -> None:
    feed = TopologyFeed(load=world.load)
    socket = WebsocketCommunicator(websocket_app(feed), "/ws/other/", HEADERS)
    accepted, _ = await socket.connect()
    assert not accepted
