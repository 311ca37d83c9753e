"""Calls to workers over real sockets: reuse, refusals, half answers, time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from cluster.exceptions import (
    WorkerAnswerError,
    WorkerTimeoutError,
    WorkerUnreachableError,
)
from cluster.hot import worker_connection, worker_session
from cluster.hot.worker_session import Deadline, Letter, WorkerSession
from tests.unit.cluster.hot.test_inject_event import PLACE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Wire:
    """A worker that answers each request with the next of its bytes.

    None: no answer ever. What ends with `CLOSE` is cut there and the connection closed.
    """

    CLOSE = b"<close>"

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.closed = asyncio.Event()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = int(head.lower().partition(b"content-length:")[2].split()[0])
                self.requests.append(head + await reader.readexactly(size))
                self.asked.set()
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    await reader.read()
                    break
                writer.write(answer.removesuffix(self.CLOSE))
                if answer.endswith(self.CLOSE):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # closed by the session, which is what some tests are about
        finally:
            writer.close()
            self.closed.set()


Post = Callable[..., "asyncio.Future[tuple[int, bytes]]"]


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[Wire, WorkerSession, Post]]:
    wire, session = Wire(), WorkerSession()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    place = replace(PLACE, worker_id="w", address=f"http://worker.test:{port}")

    def post(body: bytes = b"{}", *, seconds: float = 30.0, **changes: Any) -> object:
        letter = Letter("events", body, "application/json", Deadline.after(seconds))
        return session.post(replace(place, **changes), letter)

    await session.start()
    try:
        yield wire, session, post  # type: ignore[misc] # a coroutine is awaitable too
    finally:
        await session.stop()
        server.close()
        await server.wait_closed()


async def test_the_request_names_host_key_type_and_time_left() -> None:
    async with talking() as (wire, _, post):
        assert await post(b'{"a":1}', seconds=10) == (200, b"{}")
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    found = dict(line.split(": ") for line in headers)
    assert first == f"POST /api/v1/pipelines/{PLACE.pipeline_id}/events HTTP/1.1"
    assert found.pop("Host").startswith("worker.test:")
    assert 9000 < int(found.pop("X-Varpulis-Timeout-Ms")) <= 9750
    assert found == {
        "Content-Type": "application/json",
        "X-API-Key": "k",
        "Content-Length": "7",
    }
    assert body == b'{"a":1}'


async def test_calls_one_after_the_other_share_a_connection() -> None:
    async with talking() as (wire, _, post):
        for _ in range(3):
            await post()
        assert wire.connections == 1


async def test_calls_at_the_same_time_do_not_wait_for_each_other() -> None:
    async with talking() as (wire, _, post):
        await asyncio.gather(*(post() for _ in range(5)))
        assert wire.connections == 5


async def test_a_connection_that_is_idle_too_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with talking() as (wire, session, post):
        await post()
        monkeypatch.setattr(worker_session, "IDLE_CONNECTION_S", -1.0)
        await post()
        assert wire.connections == 2
        monkeypatch.setattr(worker_session, "IDLE_CONNECTION_S", -1.0)
        session._prune()
        assert session._idle == {}
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            200,
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200),
        (b"HTTP/1.1 404 \r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 404),
        (b"HTTP/1.0 200 OK\r\n\r\n{}" + Wire.CLOSE, 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\n{}", 302),
    ],
    ids=["chunked", "after 100", "closing", "until the end", "redirect"],
)
async def test_every_form_of_a_whole_answer_is_taken(
    answer: bytes, expected: int
) -> None:
    async with talking() as (wire, _, post):
        wire.answers = [answer]
        assert await post() == (expected, b"{}")
        assert await post() == (200, b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        Wire.CLOSE,
        b"HTTP/1.1 200 OK\r\nContent-" + Wire.CLOSE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}" + Wire.CLOSE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
        + Wire.CLOSE,
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "no last chunk", "not http"],
)
async def test_half_an_answer_is_an_unreachable_worker(answer: bytes) -> None:
    async with talking() as (wire, _, post):
        wire.answers = [answer]
        with pytest.raises(WorkerUnreachableError):
            await post()
        assert await post() == (200, b"{}")
        assert len(wire.requests) == 2  # the event was not sent again


async def test_what_comes_unasked_is_no_answer_to_the_next_call() -> None:
    async with talking() as (wire, _, post):
        wire.answers = [OK + b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"]
        assert await post() == (200, b"{}")
        await wire.closed.wait()
        assert await post() == (200, b"{}")


async def test_a_worker_that_does_not_answer_is_given_up_and_hung_up_on() -> None:
    async with talking() as (wire, _, post):
        wire.answers = [None]
        with pytest.raises(WorkerTimeoutError):
            await post(seconds=0.05)
        await wire.closed.wait()


async def test_a_caller_that_goes_away_leaves_no_connection_behind() -> None:
    async with talking() as (wire, session, post):
        wire.answers = [None]
        task = asyncio.ensure_future(post())
        await wire.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wire.closed.wait()
        assert session._idle == {}


async def test_a_refused_connection_is_an_unreachable_worker(
    unused_tcp_port: int,
) -> None:
    async with talking() as (_, _, post):
        with pytest.raises(WorkerUnreachableError, match="cannot be reached"):
            await post(address=f"http://worker.test:{unused_tcp_port}")


async def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_connection, "LARGEST_ANSWER", 1000)
    async with talking() as (wire, _, post):
        wire.answers = [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000]
        with pytest.raises(WorkerAnswerError, match="more than"):
            await post()


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "a\0"])
async def test_a_key_that_would_end_its_header_is_never_sent(key: str) -> None:
    async with talking() as (wire, _, post):
        with pytest.raises(WorkerAnswerError, match="register it with another key"):
            await post(api_key=key)
        assert wire.requests == []


async def test_stopping_ends_calls_under_way() -> None:
    async with talking() as (wire, session, post):
        wire.answers = [None]
        task = asyncio.ensure_future(post())
        await wire.asked.wait()
        await session.stop()
        with pytest.raises(WorkerUnreachableError):
            await task
