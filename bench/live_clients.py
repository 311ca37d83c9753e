"""Browsers of the live page: a process of its own, raw WebSockets over asyncio.

`python -m bench.live_clients PORT CLIENTS` reads the key from standard input, connects
all, and writes one JSON line once each has its snapshot: {"connected": n}. From then on
a line for each change that all have received: {"version": v, "first": s, "last": s,
"changes": n}, in seconds of the monotonic clock, which all processes share.
"""

import asyncio
import base64
import json
import os
import struct
import sys
import time
from typing import Any, cast

import uvloop

DELTA = b'{"type":"delta"'
SNAPSHOT = b'{"type":"snapshot"'


class Receipts:
    """What has come to all clients together."""

    def __init__(self, clients: int) -> None:
        self._clients = clients
        self._snapshots = 0
        self._first: dict[int, float] = {}
        self._counts: dict[int, int] = {}
        self.all_connected = asyncio.Event()

    def snapshot(self) -> None:
        self._snapshots += 1
        if self._snapshots == self._clients:
            _tell({"connected": self._clients})
            self.all_connected.set()

    def delta(self, payload: bytes) -> None:
        now = time.monotonic()
        version = _version(payload)
        self._first.setdefault(version, now)
        self._counts[version] = self._counts.get(version, 0) + 1
        if self._counts[version] == self._clients:
            changes = json.loads(payload)["changes"]
            _tell({
                "version": version,
                "first": self._first[version],
                "last": now,
                "changes": len(changes),
            })


class Browser(asyncio.Protocol):
    """One connection; only takes what comes."""

    def __init__(self, head: bytes, receipts: Receipts) -> None:
        self._head = head
        self._receipts = receipts
        self._buffer = bytearray()
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no base
        self._transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open and not self._read_head():
            return
        while (payload := self._next()) is not None:
            if payload.startswith(DELTA):
                self._receipts.delta(payload)
            elif payload.startswith(SNAPSHOT):
                self._receipts.snapshot()

    def connection_lost(self, exc: Exception | None) -> None:
        sys.exit("a connection was closed")

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self._buffer.startswith(b"HTTP/1.1 101"):
            sys.exit(f"refused: {bytes(self._buffer[:200])!r}")
        del self._buffer[: end + 4]
        self._is_open = True
        return True

    def _next(self) -> bytes | None:
        """Return the payload of the next whole frame; a server's has no mask."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            form = ">H" if size == 126 else ">Q"
            (size,) = struct.unpack_from(form, buffer, 2)
        if len(buffer) < start + size:
            return None
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return payload


async def watch(port: int, clients: int, key: str) -> None:
    """Connect all, a few at a time; then wait to be ended."""
    receipts = Receipts(clients)
    loop = asyncio.get_running_loop()
    head = _handshake(port, key)
    for _ in range(clients):
        await loop.create_connection(lambda: Browser(head, receipts), "127.0.0.1", port)
    await asyncio.Event().wait()


def _handshake(port: int, key: str) -> bytes:
    return (
        "GET /ws/topology/ HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        f"X-API-Key: {key}\r\n\r\n"
    ).encode()


def _version(payload: bytes) -> int:
    """Read `{"type":"delta","version":914,..` without the rest."""
    return int(payload[26 : payload.index(b",", 26)])


def _tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    secret = sys.stdin.readline().strip()
    uvloop.run(watch(int(sys.argv[1]), int(sys.argv[2]), secret))
