"""The connection behind `/ws/topology/`."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer

from cluster.access import Role
from cluster.metrics import SERIES
from cluster.realtime.client import FeedClient
from cluster.realtime.feed import TopologyFeed, encode
from cluster.realtime.handshake import (
    chosen_subprotocol,
    is_from_here,
    role_of_handshake,
)

SOCKET = "topology"
CLOSE_NO_KEY = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429
ROLE_CHECK_INTERVAL_S = 30.0
LONGEST_MESSAGE = 64 * 1024  # bytes, from a client
MOST_GROUPS = 1000

Subscription = msgspec.json.Decoder(dict[str, Any])


class TopologyConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # channels is untyped
    """Feeds one browser or program; sends nothing to whoever may not read."""

    feed: TopologyFeed

    def __init__(self, feed: TopologyFeed) -> None:
        """Keep where messages come from."""
        super().__init__()
        self.feed = feed
        self._client = FeedClient()
        self._sender: asyncio.Task[None] | None = None
        self._live = SERIES.ws_clients.labels(SOCKET)

    async def connect(self) -> None:
        """Check page and key; then send the snapshot and what follows."""
        if not is_from_here(self.scope):
            await self.close(CLOSE_FORBIDDEN)
            return
        if await self._close_code() is not None:
            await self.close(CLOSE_NO_KEY)
            return
        await self.accept(chosen_subprotocol(self.scope))
        if self.feed.is_full:
            await self.close(CLOSE_TOO_MANY)
            return
        await self.feed.attach(self._client)
        self._live.inc()
        self._sender = asyncio.create_task(self._send_forever())

    async def disconnect(self, code: int) -> None:
        """Stop feeding."""
        self.feed.detach(self._client)
        if self._sender is not None:
            self._live.dec()
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take a message of the client; a bad one is answered with `error`."""
        raw = (text_data or "").encode() or bytes_data or b""
        try:
            message = Subscription.decode(raw[:LONGEST_MESSAGE])
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._refuse("a message is a JSON object with `type`")
            return
        match message.get("type"):
            case "subscribe":
                self._subscribe(message.get("groups", []))
            case "resync":
                self._client.put(self.feed.snapshot(self._client))
            case "pong":
                pass
            case other:
                self._refuse(f"unknown message type {other!r}")

    def _subscribe(self, groups: object) -> None:
        names = _names(groups)
        if names is None:
            self._refuse("`groups` must be a list of names or ids")
            return
        self._client.subscribe(names)
        self._client.put(self.feed.snapshot(self._client))

    def _refuse(self, sentence: str) -> None:
        self._client.put(
            encode({"type": "error", "code": "bad_request", "error": sentence})
        )

    async def _send_forever(self) -> None:
        """Send what the feed queues; look now and then whether the caller still may."""
        checked_s = time.monotonic()
        while True:
            message = await self._client.get()
            if self._client.is_too_slow:
                SERIES.ws_dropped.labels(SOCKET).inc()
                await self.close(CLOSE_TOO_SLOW)
                return
            if time.monotonic() - checked_s > ROLE_CHECK_INTERVAL_S:
                checked_s = time.monotonic()
                code = await self._close_code()
                if code is not None:
                    await self.close(code)
                    return
            await self.send(text_data=message.decode())

    async def _close_code(self) -> int | None:
        role = await role_of_handshake(self.scope)
        if role is None:
            return CLOSE_NO_KEY
        return None if role.allows(Role.VIEWER) else CLOSE_FORBIDDEN


def _names(groups: object) -> list[str] | None:
    if not isinstance(groups, list) or len(groups) > MOST_GROUPS:
        return None
    return groups if all(isinstance(name, str) for name in groups) else None
