"""Starts the load generator and reads what it found."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.result import WrongOutputError


@dataclass(frozen=True)
class Call:
    """One HTTP request, and the JSON that must answer it (None: any)."""

    method: str
    path: str
    key: str
    body: bytes
    content_type: str = "application/json"
    answer: Any = None

    def encoded(self, port: int) -> bytes:
        """Return the request as it goes over the wire."""
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\n"
            f"X-API-Key: {self.key}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


@dataclass(frozen=True)
class Loaded:
    """What the generator counted."""

    count: int
    seconds: float
    latencies: tuple[float, ...]  # seconds, sorted
    answered: int  # with those of the warm-up, which are in none of the other figures

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return a latency in milliseconds: 0.99 is the p99."""
        at = min(int(share * len(self.latencies)), len(self.latencies) - 1)
        return self.latencies[at] * 1000


def put_load(
    port: int,
    calls: Sequence[Call],
    *,
    clients: int,
    seconds: float,
    rate: float | None = None,
) -> Loaded:
    """Load a server on this machine; raises WrongOutputError on any wrong answer."""
    plan = {
        "port": port,
        "requests": [base64.b64encode(c.encoded(port)).decode() for c in calls],
        "answers": [call.answer for call in calls],
        "clients": clients,
        "seconds": seconds,
        "rate": rate,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WrongOutputError(f"the load generator failed: {done.stderr[-600:]}")
    found = json.loads(done.stdout)
    if found["wrong"] or not found["count"]:
        raise WrongOutputError(f"wrong answers: {found['wrong']}")
    return Loaded(
        found["count"],
        found["seconds"],
        tuple(found["latencies"]),
        found["answered"],
    )
