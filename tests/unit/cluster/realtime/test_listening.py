"""Hearing of changes through a layer that goes away and comes back."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import RedisError

from cluster.realtime import relay
from cluster.services.notify import Change, TopologyChanged

CHANGE = TopologyChanged(3, frozenset({"w"}), frozenset())


class Layer:
    """Gives what it is told to, in order; exceptions are raised."""

    def __init__(self, *given: Any) -> None:
        self.given = list(given)
        self.joined = 0
        self.joined_thrice = asyncio.Event()

    async def new_channel(self) -> str:
        return "c"

    async def group_add(self, group: str, name: str) -> None:
        self.joined += 1
        if self.joined == 3:
            self.joined_thrice.set()

    async def group_send(self, group: str, message: Any) -> None:
        raise RedisError("away")

    async def receive(self, name: str) -> Any:
        if not self.given:
            await asyncio.Event().wait()
        found = self.given.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    def install(layer: Layer) -> Layer:
        settings.CHANNEL_LAYERS = {"default": {"BACKEND": "of Redis"}}
        monkeypatch.setattr(relay, "get_channel_layer", lambda: layer)
        monkeypatch.setattr(relay, "PAUSE_S", 0.0)
        return layer

    return install


async def heard(count: int) -> list[Change]:
    found: list[Change] = []
    enough = asyncio.Event()

    def take(change: Change) -> None:
        found.append(change)
        if len(found) == count:
            enough.set()

    listening = asyncio.create_task(relay.listen(take))
    try:
        async with asyncio.timeout(10):
            await enough.wait()
    finally:
        listening.cancel()
    return found


async def test_it_listens_again_after_a_fault(use: Any) -> None:
    message = relay.to_message(CHANGE)
    layer = use(Layer(message, RedisError("reset"), OSError("reset"), message))
    assert await heard(2) == [CHANGE, CHANGE]
    assert layer.joined == 3


async def test_it_says_that_it_is_there_before_that_is_forgotten(
    use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "RENEWAL_S", 0.001)
    layer = use(Layer())
    listening = asyncio.create_task(relay.listen(lambda change: None))
    async with asyncio.timeout(10):
        await layer.joined_thrice.wait()
    listening.cancel()


def test_a_change_that_cannot_be_announced_fails_nobody(
    use: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use(Layer())
    relay.announce(CHANGE)
    assert "was not announced" in caplog.text
