"""Counts rows that come by MQTT: `python subscriber.py PORT TOPIC ROWS FILE`, a process
of its own, so that counting takes nothing from those who send.

Prints "ready" when it is subscribed, then the monotonic time of the last row, and
writes all packets as they came to FILE. MQTT 3.1.1 at QoS 0 (OASIS, section 3).
"""

import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = b'"iterations"'  # once in every row
SILENCE_S = 30.0  # no packet for so long: the rest is lost
PIECE = 1 << 20
PUBLISH = 3


def main() -> None:
    """Count what the command line says."""
    port, topic, rows, path = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port)), SILENCE_S) as link:
        _subscribe(link, topic.encode())
        print("ready", flush=True)
        received = bytearray()
        seen = counted = 0
        while seen < int(rows):
            piece = link.recv(PIECE)
            if not piece:
                sys.exit(f"the broker left after {seen} rows")
            received += piece
            seen += received.count(MARK, max(0, counted - len(MARK) + 1))
            counted = len(received)
        at = time.monotonic()
    Path(path).write_bytes(received)
    print(at, flush=True)


def _subscribe(link: socket.socket, topic: bytes) -> None:
    name = b"bench-counter"
    head = struct.pack("!H4sBBH", 4, b"MQTT", 4, 2, 0)  # clean session, no keep alive
    link.sendall(_packet(0x10, head + struct.pack("!H", len(name)) + name))
    _exactly(link, 4)  # CONNACK
    body = struct.pack("!HH", 1, len(topic)) + topic + b"\x00"
    link.sendall(_packet(0x82, body))
    _exactly(link, 5)  # SUBACK


def _packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128  # one byte tells the length
    return bytes((first, len(body))) + body


def _exactly(link: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = link.recv(count - len(found))
        if not piece:
            sys.exit("the broker refused")
        found += piece
    return found


def payloads(received: bytes) -> Iterator[bytes]:
    """Yield the payload of every complete PUBLISH packet at QoS 0."""
    at = 0
    while at < len(received):
        kind = received[at] >> 4
        at += 1
        length = shift = 0
        while True:
            byte = received[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if kind == PUBLISH and at + length <= len(received):
            topic = int.from_bytes(received[at : at + 2], "big")
            yield received[at + 2 + topic : at + length]
        at += length


if __name__ == "__main__":
    main()
