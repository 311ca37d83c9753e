"""A sink that keeps what it gets, for tests and trial runs."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.connectors.base import ConnectorSpec


@dataclass(frozen=True, slots=True)
class SentEvent:
    """One event as a sink received it."""

    topic: str
    payload: bytes
    stream: str

    def json(self) -> dict[str, Any]:
        """Return the payload decoded."""
        body: dict[str, Any] = msgspec.json.decode(self.payload)
        return body


class RecordingSink:
    """Keeps every event in memory; keeps the contract of `Sink` in all else."""

    def __init__(self, spec: ConnectorSpec) -> None:
        self.spec = spec
        self.sent: list[SentEvent] = []
        self.connected = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Count as connected from now on."""
        self.connected = True

    def send(self, topic: str, events: Sequence[bytes], *, stream: str) -> None:
        """Record `events`."""
        with self._lock:
            self.sent.extend(SentEvent(topic, payload, stream) for payload in events)

    def close(self, timeout_s: float) -> None:
        """Count as disconnected from now on."""
        self.connected = False

    def status(self) -> dict[str, Any]:
        """Return the number of events received."""
        return {"connected": self.connected, "sent": len(self.sent)}


class RecordingSinks:
    """A sink factory that remembers the sinks it made, by connector name."""

    def __init__(self) -> None:
        self.by_name: dict[str, RecordingSink] = {}

    def __call__(self, spec: ConnectorSpec) -> RecordingSink:
        """Make the sink of one connector."""
        sink = RecordingSink(spec)
        self.by_name[spec.name] = sink
        return sink
