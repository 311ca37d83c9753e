"""The load generator: a process of its own, raw HTTP/1.1 over asyncio.

Reads one JSON document from standard input, writes one to standard output:

    {"port": 9100, "requests": [text..], "clients": 32, "seconds": 4,
     "answers": [text or null..], "rate": null, "latencies": true}

Each client sends the requests in turn over one connection and waits for each answer
(with `rate`, all clients together start so many per second). An answer must have a
status below 300, and, where an answer is given, be that JSON.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, cast

import uvloop

WARM_UP_SHARE = 0.15  # of the time, not counted


@dataclass
class Tally:
    """What happened so far."""

    latencies: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answered: int = 0


class Client(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.body_end = -1
        self.body_start = 0
        self.answered: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's has no base

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(ConnectionError("connection closed"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.body_end < 0 and not self._read_head():
            return
        if len(self.buffer) < self.body_end or self.answered is None:
            return
        status = int(self.buffer[9:12])
        body = bytes(self.buffer[self.body_start : self.body_end])
        del self.buffer[: self.body_end]
        self.body_end = -1
        if not self.answered.done():
            self.answered.set_result((status, body))

    def _read_head(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        self.body_start = end + 4
        self.body_end = self.body_start + length
        return True


@dataclass(frozen=True)
class Exchange:
    """A request as bytes, and what its answer must be."""

    request: bytes
    answer: Any
    known: set[bytes] = field(default_factory=set)  # bodies found right before

    def wrong(self, status: int, body: bytes) -> str | None:
        if status >= 300:
            return f"{status} {body[:300]!r}"
        if self.answer is None or body in self.known:
            return None
        if json.loads(body) != self.answer:
            return f"answer {body[:300]!r}"
        self.known.add(body)
        return None


async def load(plan: dict[str, Any]) -> dict[str, Any]:
    exchanges = [
        Exchange(base64.b64decode(request), answer)
        for request, answer in zip(plan["requests"], plan["answers"], strict=True)
    ]
    tally = Tally()
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(Client, "127.0.0.1", plan["port"]))[1]
        for _ in range(plan["clients"])
    ]
    start = time.perf_counter()
    warm = start + plan["seconds"] * WARM_UP_SHARE
    end = start + plan["seconds"] * (1 + WARM_UP_SHARE)
    jobs = cycle(exchanges)
    pace = Pace(plan.get("rate"), start)
    await asyncio.gather(*(_drive(c, jobs, pace, (warm, end), tally) for c in clients))
    for client in clients:
        client.transport.close()
    return {
        "count": len(tally.latencies),
        "seconds": end - warm,
        "latencies": sorted(tally.latencies),
        "wrong": tally.wrong[:5],
        "answered": tally.answered,
    }


class Pace:
    """Says when the next request may start."""

    def __init__(self, rate: float | None, start: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = start

    async def wait(self) -> None:
        if self._gap:
            self._next += self._gap
            await asyncio.sleep(max(0.0, self._next - time.perf_counter()))


async def _drive(
    client: Client,
    jobs: Iterator[Exchange],
    pace: Pace,
    span: tuple[float, float],
    tally: Tally,
) -> None:
    warm, end = span
    while not tally.wrong:
        await pace.wait()
        exchange = next(jobs)
        before = time.perf_counter()
        if before >= end:
            return
        status, body = await client.ask(exchange.request)
        after = time.perf_counter()
        tally.answered += 1
        wrong = exchange.wrong(status, body)
        if wrong is not None:
            tally.wrong.append(wrong)
        elif before >= warm and after <= end:
            tally.latencies.append(after - before)


if __name__ == "__main__":
    json.dump(uvloop.run(load(json.load(sys.stdin))), sys.stdout)
