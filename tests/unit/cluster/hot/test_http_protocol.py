"""Plain calls at the server: pieces, order, shutdown, idle connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from cluster.hot import http_protocol
from cluster.hot.answer import Answer, Reply
from cluster.hot.app import HotApp
from cluster.hot.http_protocol import HotHttpProtocol
from cluster.hot.plain_head import PlainHead
from tests.unit.cluster.hot.test_plain_head import head_of

BODY = b'{"event_type":"E"}'
REQUEST = head_of(Content_Length=str(len(BODY))) + BODY
PATIENCE_S = 10


class FakeHot(HotApp):
    """Notes what it takes; a test answers, or it does so at once."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []
        self.replies: list[Reply] = []
        self.is_quick = False
        self.came = asyncio.Event()

    def take(self, head: PlainHead, body: bytes, reply: Reply) -> None:
        self.bodies.append(body)
        self.replies.append(reply)
        self.came.set()
        if self.is_quick:
            self.answer(b"%d" % len(self.bodies))

    def answer(self, text: bytes = b"{}") -> None:
        self.replies.pop(0)(Answer(200, text, [(b"x-event-id", b"e")]), "r-1")


class Site:
    """The coordinator's application with nothing behind it but an echo."""

    def __init__(self) -> None:
        self.hot = FakeHot()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"long:", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something has happened in it."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the protocol tells nobody of it
            await asyncio.sleep(0.001)


class Caller:
    """One connection to the site, and the server's protocol on its other end."""

    def __init__(self, site: Site, protocols: list[HotHttpProtocol]) -> None:
        self.hot = site.hot
        self._protocols = protocols

    async def connect(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        await until(lambda: bool(self._protocols))

    @property
    def protocol(self) -> HotHttpProtocol:
        return self._protocols[-1]

    async def taken(self, bodies: int = 1) -> None:
        while len(self.hot.bodies) < bodies:
            await asyncio.wait_for(self.hot.came.wait(), 10)
            self.hot.came.clear()

    async def read(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.head = head
        size = int(head.lower().partition(b"content-length:")[2].split()[0])
        return await self.reader.readexactly(size)


@pytest.fixture
async def caller(settings: Any) -> AsyncIterator[Caller]:
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": "k"}
    site = Site()
    config = uvicorn.Config(
        site, ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    state = ServerState()
    protocols: list[HotHttpProtocol] = []

    def make() -> HotHttpProtocol:
        made = HotHttpProtocol(config=config, server_state=state, app_state={})
        protocols.append(made)
        return made

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0)
    made = Caller(site, protocols)
    await made.connect(server.sockets[0].getsockname()[1])
    yield made
    made.writer.close()
    server.close()


async def test_a_plain_call_is_answered_in_one_piece(caller: Caller) -> None:
    for _ in range(3):
        caller.writer.write(REQUEST)
        await caller.taken()
        caller.hot.answer(b'{"a":1}')
        assert await caller.read() == b'{"a":1}'
        assert caller.hot.bodies.pop() == BODY
    assert caller.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-request-id: r-1\r\n" in caller.head
    assert b"\r\nx-event-id: e\r\n" in caller.head
    assert b"\r\ncontent-type: application/json\r\n" in caller.head


async def test_the_body_may_come_in_pieces_after_its_head(caller: Caller) -> None:
    caller.writer.write(REQUEST.removesuffix(BODY))
    await until(lambda: caller.protocol._missing == len(BODY))
    caller.writer.write(BODY[:5])
    await until(lambda: caller.protocol._missing == len(BODY) - 5)
    assert caller.hot.bodies == []
    caller.writer.write(BODY[5:])
    await caller.taken()
    assert caller.hot.bodies == [BODY]
    caller.hot.answer()
    assert await caller.read() == b"{}"


async def test_a_strangers_body_is_not_waited_for(caller: Caller) -> None:
    stranger = REQUEST.replace(b" k ", b" no key ")
    caller.writer.write(stranger.removesuffix(BODY))
    await until(lambda: caller.protocol.cycle is not None)
    caller.writer.write(BODY)
    assert await caller.read() == b"long:" + BODY
    assert caller.hot.bodies == []


async def test_other_calls_go_to_uvicorn_as_they_came(caller: Caller) -> None:
    other = REQUEST.replace(b"Host", b"X-Other: 1\r\nHost")
    for _ in range(2):
        caller.writer.write(other)
        assert await caller.read() == b"long:" + BODY
    caller.writer.write(REQUEST)
    await caller.taken()
    caller.hot.answer()
    assert await caller.read() == b"{}"


async def test_a_head_in_two_pieces_goes_to_uvicorn(caller: Caller) -> None:
    caller.writer.write(REQUEST[:30])
    await until(lambda: caller.protocol._head_bytes == 30)
    caller.writer.write(REQUEST[30:])
    assert await caller.read() == b"long:" + BODY


async def test_many_calls_in_one_piece_are_answered_in_order(caller: Caller) -> None:
    caller.hot.is_quick = True
    caller.writer.write(REQUEST * 2000)
    found = [int(await caller.read()) for _ in range(2000)]
    assert found == list(range(1, 2001))
    assert set(caller.hot.bodies) == {BODY}


async def test_requests_sent_at_once_are_answered_in_order(caller: Caller) -> None:
    caller.writer.write(REQUEST)
    await caller.taken()
    other = BODY.replace(b"E", b"F")
    caller.writer.write(REQUEST.replace(BODY, other))
    await until(lambda: bool(caller.protocol._early))
    assert caller.hot.bodies == [BODY]
    caller.hot.answer(b'"one"')
    await caller.taken(2)
    assert caller.hot.bodies == [BODY, other]
    caller.hot.answer(b'"two"')
    assert [await caller.read(), await caller.read()] == [b'"one"', b'"two"']


async def test_a_request_on_the_long_way_is_not_overtaken(caller: Caller) -> None:
    begin = REQUEST.replace(b"Host", b"X-Other: 1\r\nHost")
    caller.writer.write(begin[:-3])
    await until(lambda: bool(caller.protocol._in_body))
    caller.writer.write(begin[-3:] + REQUEST)
    assert await caller.read() == b"long:" + BODY
    assert await caller.read() == b"long:" + BODY
    assert caller.hot.bodies == []


async def test_stopping_waits_for_the_answer_and_closes(caller: Caller) -> None:
    caller.writer.write(REQUEST)
    await caller.taken()
    caller.protocol.shutdown()
    caller.hot.answer()
    assert await caller.read() == b"{}"
    assert b"\r\nconnection: close\r\n" in caller.head
    assert await caller.reader.read() == b""


async def test_stopping_closes_an_idle_connection_at_once(caller: Caller) -> None:
    caller.protocol.shutdown()
    assert await caller.reader.read() == b""


async def test_a_caller_that_is_gone_gets_no_answer(caller: Caller) -> None:
    caller.writer.write(REQUEST)
    await caller.taken()
    caller.writer.close()
    await until(lambda: bool(caller.protocol.transport.is_closing()))
    caller.hot.answer()


async def test_an_idle_connection_is_closed_a_used_one_is_not(caller: Caller) -> None:
    protocol = caller.protocol
    caller.writer.write(REQUEST)
    await caller.taken()
    protocol.timeout_keep_alive_handler()  # while the answer is due
    caller.hot.answer()
    await caller.read()
    protocol.timeout_keep_alive_handler()  # a moment after it
    assert not protocol.transport.is_closing()
    assert protocol.timeout_keep_alive_task is not None
    protocol._answered_at_s -= protocol.timeout_keep_alive + 1
    protocol.timeout_keep_alive_handler()
    assert await caller.reader.read() == b""


async def test_a_body_that_never_comes_ends_the_connection(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "BODY_TIMEOUT_S", 0.01)
    caller.writer.write(REQUEST.removesuffix(BODY))
    assert await caller.reader.read() == b""
