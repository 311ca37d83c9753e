"""An open connection to an MQTT broker: bytes out in blocks, packets in."""

import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

from engine.connectors.mqtt_wire import ACK_BYTES, PINGREQ, FrameReader, PacketReader

MAX_READ_BYTES = 64 * 1024
# A broker sends each acknowledgement by itself. Waking up for so many at once costs a
# tenth of waking up for every one.
ACKS_AT_ONCE = 250
# Bytes waiting for the network, beyond which nothing more is encoded.
HIGH_WATER_BYTES = 256 * 1024

# A TLS socket may have to read in order to write, and the other way round.
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLostError(OSError):
    """The broker has gone, or says nothing any more."""


class MqttConnection:
    """Belongs to one thread; `socket` is non-blocking and already past CONNACK."""

    def __init__(self, opened: Any, keep_alive_s: float) -> None:
        self.socket = opened
        self._keep_alive_s = keep_alive_s
        self._out = bytearray()
        self._reads_at_once = False
        self._frames = FrameReader()
        self._packets = PacketReader()
        self._pinged_at = self._heard_at = time.monotonic()

    @property
    def has_output(self) -> bool:
        """Tell whether bytes wait for the network."""
        return bool(self._out)

    @property
    def is_congested(self) -> bool:
        """Tell whether more output would only pile up."""
        return len(self._out) >= HIGH_WATER_BYTES

    def expect(self, acks: int) -> bool:
        """Count as readable only with many acknowledgements, if `acks` are to come.

        Returns whether that is so; then read at times without being told to.
        """
        at_once = acks >= 2 * ACKS_AT_ONCE
        if at_once is not self._reads_at_once:
            self._reads_at_once = at_once
            least = ACKS_AT_ONCE * ACK_BYTES if at_once else 1
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
        return at_once

    def write(self, data: bytes) -> None:
        """Send as much as the network takes and keep the rest for `flush`."""
        if self._out:
            self._out += data
            self.flush()
        else:  # mostly: nothing has to be kept that the network takes at once
            with memoryview(data) as left:
                self._out += left[self._send(left) :]

    def flush(self) -> None:
        """Send what waits; raises ConnectionLostError."""
        while self._out:
            count = self._send(self._out)
            if not count:
                return
            del self._out[:count]

    def _send(self, data: bytearray | memoryview) -> int:
        """Return how many bytes the network takes; raises ConnectionLostError."""
        try:
            count: int = self.socket.send(data)
        except WOULD_BLOCK:
            return 0
        except OSError as error:
            raise ConnectionLostError(str(error)) from error
        return count

    def read(self) -> Iterator[tuple[int, int]]:
        """Yield (kind, message id) of what has come; raises ConnectionLostError."""
        while data := self._receive():
            try:
                yield from self._frames.feed(data)
            except ValueError as error:
                raise ConnectionLostError(str(error)) from error

    def read_packets(self, blocks: int) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, body) of what has come in at most `blocks` reads.

        Raises ConnectionLostError. Do not mix with `read`.
        """
        while blocks and (data := self._receive()):
            blocks -= 1
            try:
                yield from self._packets.feed(data)
            except ValueError as error:
                raise ConnectionLostError(str(error)) from error

    def keep_alive(self) -> None:
        """Ping now and then; raises ConnectionLostError when a ping stays unanswered.

        Call it after reading: what waits unread counts as no answer.
        """
        now = time.monotonic()
        since_ping_s = now - self._pinged_at
        if self._pinged_at > self._heard_at:
            if since_ping_s > self._keep_alive_s + 1:
                raise ConnectionLostError("the broker does not answer")
        elif since_ping_s >= self._keep_alive_s / 2:
            self._pinged_at = now
            self.write(PINGREQ)

    def _receive(self) -> bytes | None:
        """Return bytes that have come, None if there are none at present."""
        try:
            data: bytes = self.socket.recv(MAX_READ_BYTES)
        except WOULD_BLOCK:
            return None
        except OSError as error:
            raise ConnectionLostError(str(error)) from error
        if not data:
            raise ConnectionLostError("closed by the broker")
        self._heard_at = time.monotonic()
        return data
