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
KNOWN_SIZES = 1_000  # of the messages to one topic

encode_number = Struct("!H").pack
"""Returns a number in two bytes: a message id, the length of a text."""
_frame_with_id = Struct("!BBH").pack
_ACK = bytes((PUBACK, 2))
ACK_BYTES = 4
_acknowledged = Struct("!2xH").iter_unpack


class BadTopicError(ValueError):
    """A topic that no broker takes."""


def encode_topic(topic: str) -> bytes:
    """Return a topic with its length before it; raises BadTopicError."""
    raw = topic.encode("utf-8", "surrogatepass")
    if not raw or len(raw) > MAX_TOPIC_BYTES:
        raise BadTopicError("a topic has 1 to 65535 bytes")
    if any(sign in topic for sign in "+#\0"):
        raise BadTopicError(f"a topic to publish to has no '+', '#' or NUL: {topic!r}")
    return encode_number(len(raw)) + raw


def encode_subscribe(topic_filter: str, qos: int, message_id: int) -> bytes:
    """Return a SUBSCRIBE packet for one filter; raises BadTopicError."""
    raw = topic_filter.encode("utf-8", "surrogatepass")
    if not raw or len(raw) > MAX_TOPIC_BYTES or "\0" in topic_filter:
        raise BadTopicError("a topic has 1 to 65535 bytes, none of them NUL")
    body = encode_number(message_id) + encode_number(len(raw)) + raw + bytes((qos,))
    return bytes((SUBSCRIBE,)) + encode_size(len(body)) + body


class PublishHeads(dict[int, bytes]):
    """How PUBLISH packets to one topic begin, by the size of the payload.

    What follows is the message id (`encode_number`), but at QoS 0, and the payload.
    Raises BadTopicError for a topic no broker takes; looking up a size, ValueError beyond 256 MiB.
    """

    def __init__(self, topic: str, qos: int) -> None:
        super().__init__()
        self._topic = encode_topic(topic)
        self._first = bytes((PUBLISH | qos << 1,))
        self._is_numbered = qos > 0
        self._least = len(self._topic) + (2 if qos else 0)

    def __missing__(self, size: int) -> bytes:
        if len(self) >= KNOWN_SIZES:
            self.clear()
        head = b"".join((self._first, encode_size(self._least + size), self._topic))
        self[size] = head
        return head

    def packet(self, payload: bytes, message_id: int) -> bytes:
        """Return a whole packet; `message_id` is left out at QoS 0."""
        number = encode_number(message_id) if self._is_numbered else b""
        return b"".join((self[len(payload)], number, payload))


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
        count, rest = divmod(len(data), ACK_BYTES)
        if (
            not rest
            and data[::4] == _ACK[:1] * count
            and data[1::4] == _ACK[1:] * count
        ):
            self._held = b""
            yield from [(PUBACK, number) for (number,) in _acknowledged(data)]
            return
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
