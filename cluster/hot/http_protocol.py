"""The coordinator's HTTP protocol, with a short way for plain injects."""

import asyncio
import math

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from cluster.bounded_protocol import BODY_TIMEOUT_S, BoundedHttpProtocol
from cluster.hot.answer import Answer
from cluster.hot.app import HotApp
from cluster.hot.inject_head import START, InjectHeads

END_OF_HEAD = b"\r\n\r\n"
CLOSING = b"connection: close\r\n"

_heads = InjectHeads()  # of all connections: their callers send much the same


class HotHttpProtocol(BoundedHttpProtocol):
    """Hands plain injects to the application's `Express`, all else to uvicorn.

    A request goes the short way if it came whole, in one piece or as a head and its
    body, with nothing before it unanswered. What is not taken is fed to uvicorn's
    parser byte for byte as it came, so that no request is read by two rules.
    """

    _hot: HotApp | None = None
    _held = b""  # a head whose body has not come yet
    _early = b""  # what came before the answer to a request on the short way
    _is_on_short_way = False
    _closes = False
    _answered_at_s = -math.inf  # of the last answer on the short way

    def connection_made(  # type: ignore[override]  # as uvicorn's own
        self, transport: asyncio.Transport
    ) -> None:
        """Find the short way of the application, if it has one."""
        super().connection_made(transport)
        hot = getattr(self.app, "hot", None)
        self._hot = hot if isinstance(hot, HotApp) else None

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        if self._is_on_short_way:
            self._early += data
            self.flow.pause_reading()
            return
        if self._held:
            self._stop_clock()
            data, self._held = self._held + data, b""
            if self._goes_short_way(data, may_wait=False):
                return
        elif data.startswith(START) and self._goes_short_way(data, may_wait=True):
            return
        super().data_received(data)

    def shutdown(self) -> None:
        """Close the connection, after the answer if one is due."""
        if self._is_on_short_way:
            self._closes = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle all the time.

        One timer serves many requests on the short way: it is looked at when it ends
        instead of being started again for each of them.
        """
        idle_s = self.loop.time() - self._answered_at_s
        left_s = self.timeout_keep_alive - (0 if self._is_on_short_way else idle_s)
        if left_s > 0:
            self._look_when_idle(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _goes_short_way(self, data: bytes, *, may_wait: bool) -> bool:
        """Take a request, or hold its head until the body comes; False: neither."""
        express = self._hot.express if self._hot is not None else None
        end = data.find(END_OF_HEAD) + len(END_OF_HEAD)
        if express is None or end < len(END_OF_HEAD) or not self._is_between_requests():
            return False
        head = _heads.read(data[:end])
        if head is None:
            return False
        missing = end + head.length - len(data)
        if missing > 0 and may_wait:
            self._held = data
            self._start_clock(BODY_TIMEOUT_S)
            return True
        if missing or not express.begin(head, data[end:], self._answer):
            return False
        self._is_on_short_way = True
        self._stop_clock()
        return True

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
        """Write the answer to the request on the short way; go on with what waits."""
        self._is_on_short_way = False
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
