"""One HTTP/1.1 connection to a worker: one request at a time, a few bytes of state.

A general client costs eight times as much per call (measured: 160 us against 20), which
is more than everything else that the coordinator does for an event.
"""

import asyncio
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes, head included
SAYS_THE_END = frozenset({b"content-length", b"transfer-encoding"})
NOT_FINAL = frozenset({100, 102, 103})  # statuses after which the answer follows

WorkerReply = tuple[int, bytes]


class AnswerTooLargeError(Exception):
    """The answer goes on beyond LARGEST_ANSWER."""


class WorkerConnection(asyncio.Protocol):
    """Sends a request and hands out status and body of its answer.

    Whatever goes wrong on the way (closed, reset, not HTTP, half an answer) raises
    ConnectionError or OSError; the deadline raises TimeoutError. In all these cases
    the connection is closed; `is_reusable` tells whether it may be asked again.
    """

    __slots__ = (
        "_body",
        "_ends_with_connection",
        "_has_length",
        "_parser",
        "_size",
        "_transport",
        "_waiting",
        "idle_since_s",
        "is_reusable",
    )

    def __init__(self) -> None:
        """Expect nothing yet."""
        self._parser = HttpResponseParser(self)
        self._waiting: asyncio.Future[WorkerReply] | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._has_length = False
        self._ends_with_connection = False
        self.is_reusable = True
        self.idle_since_s = 0.0

    async def ask(self, request: bytes, *, timeout_s: float) -> WorkerReply:
        """Return status and body of the answer.

        Cancelling closes the connection: nobody reads the answer that is under way.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[WorkerReply] = loop.create_future()
        self._waiting = waiting
        timer = loop.call_later(timeout_s, self._fail, TimeoutError())
        self._transport.write(request)
        try:
            return await waiting
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        """Close at once; what is under way is given up."""
        self.is_reusable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no base

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what nobody asked for ends the connection."""
        if self._waiting is None:
            self.close()
            return
        self._size += len(data)
        if self._size > LARGEST_ANSWER:
            self._fail(AnswerTooLargeError())
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(ConnectionError(f"not an HTTP answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: it is whole only if it was to end like this."""
        self.is_reusable = False
        if exc is None and self._ends_with_connection:
            self._succeed()
        self._fail(exc or ConnectionResetError("closed before the whole answer"))

    def on_message_begin(self) -> None:
        """Start an answer."""
        self._body = []
        self._has_length = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note whether the head says where the body ends."""
        if name.lower() in SAYS_THE_END:
            self._has_length = True

    def on_headers_complete(self) -> None:
        """End the head: without a length the body ends with the connection."""
        final = self._parser.get_status_code() not in NOT_FINAL
        self._ends_with_connection = final and not self._has_length

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """End the answer, unless it only announced another one."""
        if self._parser.get_status_code() in NOT_FINAL:
            return
        if not self._parser.should_keep_alive():
            self.is_reusable = False
        self._succeed()

    def _succeed(self) -> None:
        self._ends_with_connection = False
        self._size = 0
        if self._waiting is None or self._waiting.done():
            self.is_reusable = False
            return
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        self._waiting.set_result((self._parser.get_status_code(), whole))

    def _fail(self, error: Exception) -> None:
        self.is_reusable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
