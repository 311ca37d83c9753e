"""What a workload of the language is, and how its events are written."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

BASE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Event = dict[str, Any]
Outputs = list[dict[str, Any]]
Handle = Callable[[bytes], bytes]
"""Takes NDJSON events, returns NDJSON outputs, and keeps state between calls."""


@dataclass(frozen=True)
class Workload:
    """A program, events for it, and two independent ways to its outputs.

    Attributes:
        lines: as many events as asked for, one JSON object each, in order of time.
        expected: what must come out, in order, of events whose `timestamp` is an aware
            datetime; simple rather than quick.
        by_hand: makes a program for this task alone, with the means of the engine
            (msgspec structs, one loop) and without a language, limits or metrics.
        target: events per second in batches of 1000; None: none.
        is_single: whether one event per call is measured as well.
        least: how many events it takes until something comes out.
        row: the fields that it reads, to decode no more than them.
    """

    name: str
    program: str
    lines: Callable[[int], Sequence[bytes]]
    expected: Callable[[Sequence[Event]], Outputs]
    by_hand: Callable[[], Handle]
    target: float | None
    is_single: bool = False
    least: int = 20_000
    row: type[msgspec.Struct] | None = None


def stamp(milliseconds: int) -> str:
    """Return the time so many ms after `BASE` as events carry it."""
    at = BASE + dt.timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
