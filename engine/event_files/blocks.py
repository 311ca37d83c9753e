"""Pieces of an event file that a pipeline takes in one call."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from engine.event import Event
from engine.event_files.errors import EventFileError

T = TypeVar("T")

BLOCK_EVENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class PayloadBlock:
    """Events as JSON lines, all dated.

    `places` are the lines or numbers of the events in their file; a range wherever
    they follow each other.
    """

    payload: bytes
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.places)

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        """Yield each event with its place."""
        lines = (line for line in self.payload.split(b"\n") if line.strip())
        yield from zip(self.places, lines, strict=True)


@dataclass(frozen=True, slots=True)
class EventBlock:
    """Events that JSON cannot carry, or that were decoded for another reason."""

    events: list[Event]
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.events)


Block = PayloadBlock | EventBlock


def in_groups(items: Iterable[T], most: int = BLOCK_EVENTS) -> Iterator[list[T]]:
    """Yield `most` items together; those before an EventFileError come before it."""
    group: list[T] = []
    try:
        for item in items:
            group.append(item)
            if len(group) >= most:
                yield group
                group = []
    except EventFileError:
        if group:
            yield group
        raise
    if group:
        yield group
