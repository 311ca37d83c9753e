"""The event as callers hand it to a pipeline."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Event:
    """A typed fact with named values.

    `fields` holds JSON-like values; `timestamp` is event time in integer nanoseconds
    since 1970 UTC, or None for "when it arrives".
    """

    event_type: str
    fields: dict[str, Any]
    timestamp: int | None = None
