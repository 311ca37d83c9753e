"""Connectors without a far side, for tests and trial runs."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.connectors.base import ConnectorSpec, Deliver, Message, SourceSpec


@dataclass(frozen=True, slots=True)
class SentEvent:
    """One message, mostly an event, as a sink received it."""

    topic: str
    payload: bytes
    stream: str

    def json(self) -> Any:
        """Return the payload decoded: the event, or the events, as flat maps."""
        return msgspec.json.decode(self.payload)


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

    def send(
        self, topic: str, messages: Sequence[bytes], *, stream: str, events: int = 1
    ) -> None:
        """Record messages."""
        with self._lock:
            self.sent.extend(SentEvent(topic, payload, stream) for payload in messages)

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


class FeedableSource:
    """Delivers what it is given; keeps the contract of `Source` in all else."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.connected = False
        self.acknowledged = 0
        self._deliver: Deliver | None = None

    def open(self, deliver: Deliver) -> None:
        """Count as connected from now on."""
        self._deliver = deliver
        self.connected = True

    def feed(self, payloads: Sequence[bytes], topic: str) -> int:
        """Deliver payloads as one batch; returns how many were acknowledged."""
        if self._deliver is None:
            return 0
        before = self.acknowledged
        self._deliver([Message(item, topic, None, self._count) for item in payloads])
        return self.acknowledged - before

    def close(self, timeout_s: float) -> None:
        """Count as disconnected from now on."""
        self.connected = False

    def status(self) -> dict[str, Any]:
        """Return the state."""
        return {"connected": self.connected, "error": None}

    def _count(self) -> None:
        self.acknowledged += 1


class FeedableSources:
    """A source factory that remembers the sources it made, in their order."""

    def __init__(self) -> None:
        self.made: list[FeedableSource] = []

    def __call__(self, spec: SourceSpec) -> FeedableSource:
        """Make the source of one subscription."""
        source = FeedableSource(spec)
        self.made.append(source)
        return source
