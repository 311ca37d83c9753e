"""The console sink: outputs on standard output."""

import logging
import sys
import threading
from collections.abc import Sequence
from typing import Any, TextIO

import msgspec

from engine.connectors.base import ConnectorSpec
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.connectors.messages import events_of

logger = logging.getLogger("varpulis")

_one_writer = threading.Lock()


class ConsoleSink:
    """Writes one line per event: `text` (the default) or `json`.

    A text line is `Type field=value ..` with values as JSON, so it never starts with
    `{`. Lines of several pipelines never mix.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        dead_letters: DeadLetters,
        stream: TextIO | None = None,
    ) -> None:
        self._spec = spec
        self._dead_letters = dead_letters
        self._stream = stream
        self._as_json = spec.params.get("format") == "json"
        self._sent = 0
        self._error: str | None = None

    @property
    def connected(self) -> bool:
        """Tell whether the last write went well."""
        return self._error is None

    def open(self) -> None:
        """Nothing to connect to."""

    def send(
        self, topic: str, messages: Sequence[bytes], *, stream: str, events: int = 1
    ) -> None:
        """Write and flush, whatever number of events a message holds."""
        written = [event for message in messages for event in events_of(message)]
        lines = [
            event.decode() if self._as_json else as_text(event) for event in written
        ]
        try:
            with _one_writer:
                target = self._stream or sys.stdout
                target.write("".join(f"{line}\n" for line in lines))
                target.flush()
        except (OSError, ValueError) as error:  # ValueError: closed file
            self._error = str(error)
            origin = Origin(self._spec.pipeline, stream, self._spec.name, self._error)
            self._dead_letters.write(origin, written)
            return
        self._error = None
        self._sent += len(written)

    def close(self, timeout_s: float) -> None:
        """Nothing is buffered."""

    def status(self) -> dict[str, Any]:
        """Return state and counters."""
        return {
            "type": self._spec.kind,
            "connected": self.connected,
            "sent": self._sent,
            "error": self._error,
        }


def as_text(event: bytes) -> str:
    """Return `Type field=value ..` for an encoded event."""
    fields = msgspec.json.decode(event)
    event_type = fields.pop("event_type", "event")
    fields.pop("timestamp", None)
    parts = [f"{name}={msgspec.json.encode(v).decode()}" for name, v in fields.items()]
    return " ".join([str(event_type), *parts])
