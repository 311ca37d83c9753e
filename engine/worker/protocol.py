"""uvicorn's HTTP protocol with bounds on the request head."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.worker.limits import (
    BODY_BUFFER,
    BODY_IS_HERE,
    HEAD_LIMIT,
    HEAD_TIMEOUT_S,
)

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
    """

    _head_bytes = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

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
        if self._in_head and self._head_timer is None:
            self._start_clock()

    def on_message_begin(self) -> None:
        """Start a head; pipelined ones count from here."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """End the head."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body; reading pauses when nobody takes them.

        uvicorn copies every piece into a `bytearray` and pauses at 64 KiB. The first
        piece is kept as it is here, which is the whole body of most requests.
        """
        cycle = self.cycle
        if cycle.response_complete:
            return
        # bytes do as well as the bytearray that is promised
        cycle.body = cycle.body + body if cycle.body else body  # type: ignore[assignment]
        if len(cycle.body) > BODY_BUFFER:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Say that the whole body is there."""
        self.scope[BODY_IS_HERE] = True  # type: ignore[literal-required] # our own member
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_timer()
        super().connection_lost(exc)

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
