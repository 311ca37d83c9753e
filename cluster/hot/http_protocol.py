"""The coordinator's HTTP protocol, with a way around ASGI for plain calls."""

import asyncio
import math

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from cluster.access import is_open_to_all, role_of_key
from cluster.bounded_protocol import BODY_TIMEOUT_S, BoundedHttpProtocol
from cluster.hot.answer import Answer
from cluster.hot.app import HotApp
from cluster.hot.caller import is_our_host
from cluster.hot.plain_head import START, PlainHead, PlainHeads

END_OF_HEAD = b"\r\n\r\n"
CLOSING = b"connection: close\r\n"

_heads = PlainHeads()  # of all connections: their callers send much the same


class HotHttpProtocol(BoundedHttpProtocol):
    """Hands plain calls to the hot path of the application, all else to uvicorn.

    A call is plain if its head is (`cluster.hot.plain_head`), came in one piece, and
    has nothing before it unanswered. All else is fed to uvicorn's parser byte for byte
    as it came, so that no request is read by two rules.
    """

    _hot: HotApp | None = None
    _head: PlainHead | None = None  # of the plain call whose body or answer is due
    _pieces: list[bytes]  # of its body
    _missing = 0  # bytes of its body
    _early = b""  # what came before its answer
    _closes = False
    _answered_at_s = -math.inf  # the last plain call

    def connection_made(  # type: ignore[override]  # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        """Find the hot path of the application, if it has one."""
        super().connection_made(transport)
        hot = getattr(self.app, "hot", None)
        self._hot = hot if isinstance(hot, HotApp) else None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        if self._missing:
            self._collect(data)
        elif self._head is not None or self._early:
            self._early += data
            self.flow.pause_reading()
        elif not data.startswith(START) or not self._begin(data):
            super().data_received(data)

    def shutdown(self) -> None:
        """Close the connection, after the answer if one is due."""
        if self._head is not None:
            self._closes = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle all the time.

        One timer serves many plain calls: it is looked at when it ends
        instead of being started again for each of them.
        """
        idle_s = self.loop.time() - self._answered_at_s
        left_s = self.timeout_keep_alive - (0 if self._head else idle_s)
        if left_s > 0:
            self._look_when_idle(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _begin(self, data: bytes) -> bool:
        """Begin a plain call; False: it is none."""
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if end < len(END_OF_HEAD) or self._hot is None:
            return False
        head = _heads.read(data[:end])
        if head is None or not self._is_between_requests():
            return False
        if len(data) - end < head.length and not _may_keep_us_waiting(head):
            return False
        self._head, self._pieces, self._missing = head, [], head.length
        self._collect(data[end:])
        return True

    def _collect(self, piece: bytes) -> None:
        """Take a piece of the body; hand the call over when it is whole."""
        self._missing -= len(piece)
        if self._missing > 0:
            self._pieces.append(piece)
            self._start_clock(BODY_TIMEOUT_S)
            return
        self._stop_clock()
        if self._missing:
            piece, self._early = piece[: self._missing], piece[self._missing :]
            self._missing = 0
        body = b"".join([*self._pieces, piece]) if self._pieces else piece
        self._pieces = []
        if self._hot is not None and self._head is not None:
            self._hot.take(self._head, body, self._answer)

    def _is_between_requests(self) -> bool:
        """Tell whether nothing is half read, half answered or to be closed."""
        cycle = self.cycle
        return (
            not self._in_body
            and not (self._in_head and self._head_bytes)
            and (cycle is None or (cycle.response_complete and cycle.keep_alive))
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _answer(self, answer: Answer, request_id: str) -> None:
        """Write the answer to the plain call; go on with what came meanwhile."""
        self._head = None
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.transport.write(self._response(answer, request_id))
        if self._closes:
            self.transport.close()
            return
        self._answered_at_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_when_idle(self.timeout_keep_alive)
        if self._early:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            data, self._early = self._early, b""
            self.flow.resume_reading()
            self.data_received(data)

    def _response(self, answer: Answer, request_id: str) -> bytes:
        """Return head and body in one piece: each write is a call of the system."""
        parts = [STATUS_LINE[answer.status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in answer.all_headers(request_id):
            parts += (name, b": ", value, b"\r\n")
        if self._closes:
            parts.append(CLOSING)
        parts += (b"\r\n", answer.body)
        return b"".join(parts)

    def _look_when_idle(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )


def _may_keep_us_waiting(head: PlainHead) -> bool:
    """Tell whether a body may be gathered here; strangers are refused before theirs."""
    is_known = bool(role_of_key(head.key)) if head.key else is_open_to_all()
    return is_known and is_our_host(head.host)
