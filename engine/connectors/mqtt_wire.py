"""The part of MQTT 3.1.1 that is needed past the connection, at high rates.

Connecting, authentication and TLS are paho's. Its per-message path, however, costs
50 us of processor time and a system call; here a message costs about 1 us and many
share a call, which is what a million of them need.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 0x30, 0x40, 0x50, 0x62, 0x70
SUBSCRIBE, SUBACK = 0x82, 0x90
PINGREQ = b"\xc0\x00"
REFUSED_SUBSCRIPTION = 0x80
MAX_MESSAGE_ID = 65_535
MAX_TOPIC_BYTES = 65_535
MAX_REMAINING = 268_435_455

_two_bytes = Struct("!H").pack
_frame_with_id = Struct("!BBH").pack


class BadTopicError(ValueError):
    """A topic that no broker takes."""


def encode_topic(topic: str) -> bytes:
    """Return a topic with its length before it; raises BadTopicError."""
    raw = topic.encode("utf-8", "surrogatepass")
    if not raw or len(raw) > MAX_TOPIC_BYTES:
        raise BadTopicError("a topic has 1 to 65535 bytes")
    if any(sign in topic for sign in "+#\0"):
        raise BadTopicError(f"a topic to publish to has no '+', '#' or NUL: {topic!r}")
    return _two_bytes(len(raw)) + raw


def encode_subscribe(topic_filter: str, qos: int, message_id: int) -> bytes:
    """Return a SUBSCRIBE packet for one filter; raises BadTopicError."""
    raw = topic_filter.encode("utf-8", "surrogatepass")
    if not raw or len(raw) > MAX_TOPIC_BYTES or "\0" in topic_filter:
        raise BadTopicError("a topic has 1 to 65535 bytes, none of them NUL")
    body = _two_bytes(message_id) + _two_bytes(len(raw)) + raw + bytes((qos,))
    return bytes((SUBSCRIBE,)) + encode_size(len(body)) + body


def encode_publish(topic: bytes, payload: bytes, qos: int, message_id: int) -> bytes:
    """Return a PUBLISH packet; `topic` comes from `encode_topic`.

    `message_id` is left out at QoS 0. Raises ValueError beyond 256 MiB.
    """
    identifier = _two_bytes(message_id) if qos else b""
    size = len(topic) + len(identifier) + len(payload)
    head = bytes((PUBLISH | qos << 1,)) + encode_size(size)
    return b"".join((head, topic, identifier, payload))


def encode_release(message_id: int) -> bytes:
    """Return a PUBREL packet, the sender's second step at QoS 2."""
    return _frame_with_id(PUBREL, 2, message_id)


def encode_answer(kind: int, message_id: int) -> bytes:
    """Return PUBACK, PUBREC or PUBCOMP: what a receiver says to a message."""
    return _frame_with_id(kind, 2, message_id)


class Published(NamedTuple):
    """A received message; `message_id` is 0 at QoS 0."""

    topic: str
    payload: bytes
    qos: int
    message_id: int


def decode_publish(head: int, body: bytes) -> Published:
    """Return the content of a PUBLISH packet; raises ValueError if it is none."""
    qos = head >> 1 & 3
    start = 2 + int.from_bytes(body[:2])
    end = start + (2 if qos else 0)
    if len(body) < end or qos == 3:
        raise ValueError("the broker sent a broken message")
    topic = body[2:start].decode("utf-8", "replace")
    return Published(topic, body[end:], qos, int.from_bytes(body[start:end]))


def encode_size(size: int) -> bytes:
    """Return a remaining length: seven bits a byte, the lowest first."""
    if size > MAX_REMAINING:
        raise ValueError("an MQTT message has at most 256 MiB")
    encoded = bytearray()
    while size > 127:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)


class FrameReader:
    """Takes bytes from a broker and gives (kind, message id) per packet."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield what is whole; the message id is 0 for packets without one.

        Raises ValueError for bytes that are no packets.
        """
        data = self._held + data
        place = 0
        while (found := _body_of(data, place)) is not None:
            start, end = found
            message_id = int.from_bytes(data[start : start + 2]) if end > start else 0
            yield data[place] & 0xF0, message_id
            place = end
        self._held = data[place:]


class PacketReader:
    """Takes bytes from a broker and gives (first byte, body) per packet."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield what is whole; raises ValueError for bytes that are no packets."""
        held = self._held
        held += data
        place = 0
        try:
            while (found := _body_of(held, place)) is not None:
                start, end = found
                head, place = held[place], end
                yield head, bytes(held[start:end])
        finally:
            del held[:place]


def _body_of(data: bytes | bytearray, place: int) -> tuple[int, int] | None:
    """Return where the body of the packet at `place` starts and ends, if all is here."""
    size = 0
    for count in range(4):
        at = place + 1 + count
        if at >= len(data):
            return None
        size |= (data[at] & 127) << 7 * count
        if data[at] < 128:
            return (at + 1, at + 1 + size) if at + 1 + size <= len(data) else None
    raise ValueError("the broker sent a broken packet")
