"""The coordinator's HTTP protocol: uvicorn's, with bounds on size and slowness.

Workers have such a protocol too (`engine.worker.protocol`); neither side may import
the other.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024  # bytes
HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0  # between two pieces of a body
LARGEST_BODY = 16 * 1024 * 1024 + 64 * 1024  # bytes; just above what any call takes

_FAULT = b'{"error":"the request head is larger than 64 KiB","code":"head_too_large"}'
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_FAULT), _FAULT)
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses heads beyond 64 KiB (431), ends stalled requests, cuts endless bodies.

    A body beyond what any call takes is ended for the application, which answers 413;
    the rest is thrown away as it comes, so that nobody fills memory or the disk. Only
    the connection concerned is touched. A request that comes in one piece, as most do,
    costs no timer.
    """

    _head_bytes = 0
    _body_bytes = 0
    _in_head = True
    _in_body = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._start_clock(HEAD_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        """Feed the parser unless the head has become too large."""
        if not self._in_body:
            self._head_bytes += len(data)
            if self._head_is_too_large(data):
                self._stop_clock()
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)
        self._keep_time()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """End the head; a body may follow."""
        self._in_head, self._in_body = False, True
        self._head_bytes = self._body_bytes = 0
        self._stop_clock()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on, as long as any call might take it."""
        self._body_bytes += len(body)
        if self._body_bytes <= LARGEST_BODY:
            super().on_body(body)
        elif self.cycle.more_body:
            super().on_body(body)
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End the request; what comes next is another one."""
        self._in_body = False
        if self._body_bytes <= LARGEST_BODY:  # else it was ended already
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def _head_is_too_large(self, data: bytes) -> bool:
        """Tell whether the head goes on beyond the limit in this piece.

        A body may share the piece with the head: the blank line ends the head.
        """
        if self._head_bytes <= HEAD_LIMIT:
            return False
        end = data.find(b"\r\n\r\n")
        before = self._head_bytes - len(data)
        return end < 0 or before + end > HEAD_LIMIT

    def _keep_time(self) -> None:
        if self.transport.get_protocol() is not self:
            self._stop_clock()  # a WebSocket now
        elif self._in_body:
            self._start_clock(BODY_TIMEOUT_S)
        elif not self._in_head:
            self._stop_clock()
        elif self._timer is None:
            self._start_clock(HEAD_TIMEOUT_S)

    def _start_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._timer = self.loop.call_later(seconds, self._run_out)

    def _run_out(self) -> None:
        self._timer = None
        if self._in_body and self.flow.read_paused:
            self._start_clock(BODY_TIMEOUT_S)  # we are slow, not the caller
        elif not self.transport.is_closing():
            self.transport.close()

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
