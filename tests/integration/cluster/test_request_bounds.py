"""The coordinator's server against heads and bodies that are too large or too slow."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from cluster import bounded_protocol
from cluster.bounded_protocol import HEAD_LIMIT, LARGEST_BODY, BoundedHttpProtocol

PIECE = b"10000\r\n" + b"x" * 65536 + b"\r\n"


async def count_body(scope: Any, receive: Any, send: Any) -> None:
    """Answer how many bytes came; like Django, watch for a disconnect after that."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    watch = asyncio.create_task(receive())
    await asyncio.sleep(0)
    assert not watch.done()
    body = json.dumps({"size": size}).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})
    watch.cancel()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(count_body, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttpProtocol(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


class Caller:
    def __init__(self, streams: Any) -> None:
        self.reader, self.writer = streams

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def status(self) -> int:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.body = json.loads(await self.reader.readexactly(length))
        return int(head.split()[1])


@pytest.fixture
async def caller(port: int) -> AsyncIterator[Caller]:
    found = Caller(await asyncio.open_connection("127.0.0.1", port))
    yield found
    found.writer.close()


async def test_a_head_beyond_64_kib_is_431(caller: Caller) -> None:
    line = b"X-Long: " + b"a" * (HEAD_LIMIT + 1) + b"\r\n"
    await caller.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + line)
    assert await caller.status() == 431
    assert caller.body["code"] == "head_too_large"
    assert await caller.reader.read() == b""


async def test_a_head_below_64_kib_is_served(caller: Caller) -> None:
    line = b"X-Long: " + b"a" * (HEAD_LIMIT - 100) + b"\r\n\r\n"
    await caller.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + line)
    assert await caller.status() == 200


async def test_a_second_head_is_bounded_like_the_first(caller: Caller) -> None:
    await caller.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await caller.status() == 200
    await caller.send(b"GET / HTTP/1.1\r\nX: " + b"a" * (HEAD_LIMIT + 1))
    assert await caller.status() == 431


async def test_a_large_body_behind_a_small_head_is_served(caller: Caller) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    await caller.send(head + b"x" * 200_000)
    assert await caller.status() == 200
    assert caller.body == {"size": 200_000}


async def test_a_body_that_never_ends_is_answered(caller: Caller) -> None:
    await caller.send(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    await caller.send(*[PIECE] * (LARGEST_BODY // 65536 + 40))
    assert await caller.status() == 200
    assert LARGEST_BODY <= caller.body["size"] <= LARGEST_BODY + 65536 * 4
    await caller.send(PIECE, b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await caller.status() == 200
    assert caller.body == {"size": 0}


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_what_stalls_is_closed(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_TIMEOUT_S", 0.05)
    monkeypatch.setattr(bounded_protocol, "BODY_TIMEOUT_S", 0.05)
    caller = Caller(await asyncio.open_connection("127.0.0.1", port))
    await caller.send(begun)
    assert await caller.reader.read() == b""
    caller.writer.close()
