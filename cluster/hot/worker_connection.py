"""One HTTP/1.1 connection to a worker: one request at a time, a few bytes of state.

A general client costs eight times as much per call (measured: 160 us against 20), which
is more than everything else that the coordinator does for an event.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes, head included
SAYS_THE_END = frozenset({b"content-length", b"transfer-encoding"})
NOT_FINAL = frozenset({100, 102, 103})  # statuses after which the answer follows

# The heads that workers send with nearly all answers. They say nothing that would need
# a parser: the connection stays open and the body has a length.
_HARMLESS = rb"(?:(?:date|content-type|x-request-id): [ -~]*\r\n)*"
_PLAIN_HEAD = re.compile(
    rb"HTTP/1\.1 (20[02]) [A-Za-z]+\r\n"
    + _HARMLESS
    + rb"content-length: (\d{1,8})\r\n"
    + _HARMLESS
    + rb"\r\n"
)

WorkerReply = tuple[int, bytes]
Answered = Callable[[WorkerReply | Exception], None]


class AnswerTooLargeError(Exception):
    """The answer goes on beyond LARGEST_ANSWER."""


class WorkerConnection(asyncio.Protocol):
    """Sends a request and hands out status and body of its answer.

    Whatever goes wrong on the way (closed, reset, not HTTP, half an answer) is a
    ConnectionError or OSError; a passed deadline is a TimeoutError. In all these cases
    the connection is closed; `is_reusable` tells whether it may be asked again.
    """

    __slots__ = (
        "_answered",
        "_body",
        "_ends_with_connection",
        "_give_up_at_s",
        "_has_length",
        "_loop",
        "_parser",
        "_size",
        "_timer",
        "_transport",
        "_whole",
        "idle_since_s",
        "is_reusable",
    )

    def __init__(self) -> None:
        """Expect nothing yet; a loop must be running."""
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._answered: Answered | None = None
        self._whole: WorkerReply | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._has_length = False
        self._ends_with_connection = False
        self._give_up_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.is_reusable = True
        self.idle_since_s = 0.0

    async def ask(self, request: bytes, *, timeout_s: float) -> WorkerReply:
        """Return status and body of the answer.

        Cancelling closes the connection: nobody reads the answer that is under way.
        """
        waiting: asyncio.Future[WorkerReply] = self._loop.create_future()
        self.send(request, timeout_s=timeout_s, answered=partial(_settle, waiting))
        try:
            return await waiting
        except BaseException:
            self.close()
            raise

    def send(self, request: bytes, *, timeout_s: float, answered: Answered) -> None:
        """Send a request; `answered` is called once with its answer or what went wrong.

        It is not called from within.
        """
        self._answered = answered
        self._watch(timeout_s)
        self._transport.write(request)

    def close(self) -> None:
        """Close at once; what is under way has failed then."""
        self.is_reusable = False
        self._stop_watching()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no base

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer; what nobody asked for ends the connection."""
        if self._answered is None:
            self.close()
            return
        if not self._size and (reply := _plain_reply(data)) is not None:
            self._finish(reply)
            return
        self._size += len(data)
        if self._size > LARGEST_ANSWER:
            self._fail(AnswerTooLargeError())
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(ConnectionError(f"not an HTTP answer: {error}"))
            return
        if self._whole is not None:
            self._finish(self._whole)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: it is whole only if it was to end like this."""
        self.is_reusable = False
        self._stop_watching()
        if exc is None and self._ends_with_connection:
            self._finish((self._parser.get_status_code(), b"".join(self._body)))
        else:
            self._fail(exc or ConnectionResetError("closed before the whole answer"))

    def on_message_begin(self) -> None:
        """Start an answer; after a whole one nobody asked for it."""
        if self._whole is not None:
            self.is_reusable = False
            return
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
        if self._whole is None:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """End the answer, unless it only announced another one."""
        status = self._parser.get_status_code()
        if status in NOT_FINAL or self._whole is not None:
            return
        if not self._parser.should_keep_alive():
            self.is_reusable = False
        self._ends_with_connection = False
        self._whole = (status, b"".join(self._body))

    def _finish(self, reply: WorkerReply) -> None:
        """Hand the answer out, last of all: the next request may follow from within."""
        answered, self._answered = self._answered, None
        self._whole = None
        self._size = 0
        if answered is not None:
            answered(reply)

    def _fail(self, error: Exception) -> None:
        answered, self._answered = self._answered, None
        self.close()
        if answered is not None:
            answered(error)

    def _watch(self, timeout_s: float) -> None:
        """Give up after `timeout_s`.

        A timer per request would cost as much as sending it. So a running timer is
        left alone unless it would come too late, and started again if it comes early.
        """
        before_s, self._give_up_at_s = self._give_up_at_s, self._loop.time() + timeout_s
        if self._timer is not None and self._give_up_at_s >= before_s:
            return
        self._stop_watching()
        self._timer = self._loop.call_later(timeout_s, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._answered is None:
            return
        left_s = self._give_up_at_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look_at_clock)
        else:
            self._fail(TimeoutError())

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _plain_reply(data: bytes) -> WorkerReply | None:
    """Return the answer if it is one of the usual form and whole, else None."""
    head = _PLAIN_HEAD.match(data)
    if head is None:
        return None
    start = head.end()
    if len(data) - start != int(head[2]):
        return None
    return int(head[1]), data[start:]


def _settle(
    waiting: "asyncio.Future[WorkerReply]", outcome: WorkerReply | Exception
) -> None:
    if waiting.done():
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)
