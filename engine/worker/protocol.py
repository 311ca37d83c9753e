"""uvicorn's HTTP protocol with bounds on the request head, and a lane for events."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from engine.worker.errors import ApiError, internal
from engine.worker.fast_lane import FastCall, FastLane
from engine.worker.limits import (
    BODY_BUFFER,
    BODY_IS_HERE,
    BODY_TIMEOUT_S,
    HEAD_LIMIT,
    HEAD_TIMEOUT_S,
    body_stalled,
)

logger = logging.getLogger("varpulis")

_TOO_LARGE_BODY = (
    b'{"error":"the request head is larger than 64 KiB","code":"head_too_large"}'
)
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b"
    % (len(_TOO_LARGE_BODY), _TOO_LARGE_BODY)
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 431 to heads beyond 64 KiB and closes after 10 s without a head.

    Only the connection concerned is touched. uvicorn's httptools protocol has no
    bound on either; a keep-alive connection between requests has its own timeout.
    Requests that `lane` opens are answered as soon as their body is there; their call
    is `cycle` meanwhile, which keeps the order of pipelined requests.
    """

    lane: FastLane | None = None
    cycle: Any  # uvicorn's cycle or a call of the lane
    _head_bytes = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None
    _body_timer: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override] # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Feed the parser unless the head has become too large."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_is_too_large(data):
                self._refuse_head()
                return
        super().data_received(data)
        if self._in_head:
            if self._head_timer is None:
                self._start_clock()
        elif self.cycle.__class__ is FastCall and not self.cycle.response_complete:
            self._wait_for_body()

    def on_message_begin(self) -> None:
        """Start a head; pipelined ones count from here."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """End the head."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        call = self._opened()
        if call is None:
            super().on_headers_complete()
        else:
            self.cycle = call

    def _opened(self) -> FastCall | None:
        """Return the call that the lane makes of this head, if nothing is in its way."""
        parser = self.parser
        if self.lane is None or self.flow.write_paused or parser.should_upgrade():
            return None
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return None
        return self.lane.open(parser.get_method(), self.url, self.headers)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body; reading pauses when nobody takes them.

        uvicorn copies every piece into a `bytearray` and pauses at 64 KiB. The first
        piece is kept as it is here, which is the whole body of most requests.
        """
        cycle = self.cycle
        if cycle.__class__ is FastCall:
            cycle.pieces.append(body)
            return
        if cycle.response_complete:
            return
        # bytes do as well as the bytearray that is promised
        cycle.body = cycle.body + body if cycle.body else body
        if len(cycle.body) > BODY_BUFFER:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Answer, or say that the whole body is there."""
        if self.cycle.__class__ is FastCall:
            self._answer(self.cycle)
            return
        self.scope[BODY_IS_HERE] = True  # type: ignore[literal-required] # our own member
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks, and a call whose body did not come."""
        self._stop_timer()
        self._stop_waiting()
        if self.cycle.__class__ is FastCall:
            self.cycle = None
        super().connection_lost(exc)

    # --- calls of the lane ----------------------------------------------------------

    def _answer(self, call: FastCall) -> None:
        """Answer a call whose body is there."""
        self._stop_waiting()
        assert self.lane is not None  # it has opened the call
        try:
            body = self.lane.answer(call)
        except Exception:  # boundary of a request: it is answered, the worker goes on
            request_id = call.request_id.decode()
            logger.exception("request %s failed", request_id)
            self._refuse(call, internal(request_id))
            return
        if body is None:
            self._take_long_way(call)
            return
        self._write(call, b"HTTP/1.1 200 OK\r\n", body)
        self._end(call)

    def _write(self, call: FastCall, status: bytes, body: bytes) -> None:
        lines = [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
        head = b"%bcontent-length: %d\r\ncontent-type: application/json\r\n" % (
            b"".join(lines),
            len(body),
        )
        close = b"" if call.keep_alive else b"connection: close\r\n"
        self.transport.write(
            b"%b%bx-request-id: %b\r\n%b\r\n%b"
            % (status, head, call.request_id, close, body)
        )

    def _end(self, call: FastCall) -> None:
        call.response_complete = True
        if not call.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _refuse(self, call: FastCall, error: ApiError) -> None:
        """Answer an error and close the connection."""
        call.keep_alive = False
        answer = error.response()
        self._write(call, STATUS_LINE[answer.status_code], bytes(answer.body))
        self._end(call)

    def _take_long_way(self, call: FastCall) -> None:
        """Hand a call with its whole body to the application."""
        call.response_complete = True
        super().on_headers_complete()
        self.cycle.body = call.body()
        self.scope[BODY_IS_HERE] = True  # type: ignore[literal-required] # our own member
        super().on_message_complete()

    def _wait_for_body(self) -> None:
        """Give the next piece of a body its time."""
        self._stop_waiting()
        self._body_timer = self.loop.call_later(BODY_TIMEOUT_S, self._give_body_up)

    def _give_body_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(self.cycle, body_stalled())

    def _stop_waiting(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _start_clock(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._end_slow_head)

    def _head_is_too_large(self, data: bytes) -> bool:
        """Tell whether the head goes on beyond the limit in this piece.

        A body may share the piece with the head: the blank line says where the head
        ends.
        """
        if self._head_bytes <= HEAD_LIMIT:
            return False
        end = data.find(b"\r\n\r\n")
        before = self._head_bytes - len(data)
        return end < 0 or before + end > HEAD_LIMIT

    def _refuse_head(self) -> None:
        self._stop_timer()
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _end_slow_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
