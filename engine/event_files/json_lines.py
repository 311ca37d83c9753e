"""JSON lines -> blocks of dated events."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from engine.errors import BadEventError
from engine.event import Event
from engine.event_files.blocks import PayloadBlock, in_groups
from engine.event_files.dating import Dating
from engine.event_files.errors import EventFileError
from engine.event_files.options import ReadOptions
from engine.evt import as_payload, typed
from engine.runtime.times import NS_PER_MS, envelope_ns
from engine.runtime.values import INT_MAX, INT_MIN
from engine.wire import decode_json, event_of

_Millis = Annotated[int, msgspec.Meta(ge=INT_MIN // NS_PER_MS, le=INT_MAX // NS_PER_MS)]


class _Complete(msgspec.Struct, gc=False):
    """The envelope of an event that has all it needs."""

    event_type: Annotated[str, msgspec.Meta(min_length=1)]
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | _Millis


_complete_lines = msgspec.json.Decoder(_Complete).decode_lines


class JsonLines:
    """Turns lines into blocks; lines that lack type or time get them.

    `label` is put before places in messages: `event ` for elements of an array.
    """

    def __init__(self, name: str, options: ReadOptions, label: str = "") -> None:
        self._name = name
        self._options = options
        self._label = label
        self._dating = Dating(options)

    def of_chunks(self, chunks: Iterable[bytes]) -> Iterator[PayloadBlock]:
        """Yield one block for each chunk of whole lines, if there is an event in it."""
        number = 1
        for chunk in chunks:
            count = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
            yield from self.blocks(chunk, range(number, number + count))
            number += count

    def blocks(self, payload: bytes, numbers: range) -> Iterator[PayloadBlock]:
        """Yield the events of lines with these numbers; blank lines are none.

        Raises EventFileError after what comes before a bad one.
        """
        complete = self._complete(payload, numbers)
        if complete is not None:
            yield complete
        else:
            events = self._events(payload, numbers)
            for group in in_groups(events, len(numbers)):
                lines = b"\n".join(line for _, line in group)
                yield PayloadBlock(lines, [number for number, _ in group])

    def _complete(self, payload: bytes, numbers: range) -> PayloadBlock | None:
        """Return the lines as they are if none of them lacks anything."""
        try:
            found = _complete_lines(payload)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not found:
            return None
        last = payload.rstrip().rpartition(b"\n")[2]
        stamp = envelope_ns(decode_json(last)["timestamp"])
        if stamp is None:  # a form of ISO 8601 that only the decoder knows
            return None
        self._dating.previous_ns = stamp
        if len(found) == len(numbers):
            return PayloadBlock(payload, numbers)
        return PayloadBlock(payload, [at for at, _ in _numbered(payload, numbers)])

    def _events(self, payload: bytes, numbers: range) -> Iterator[tuple[int, bytes]]:
        """Read each line by itself; what is no event is reported and left out."""
        for number, line in _numbered(payload, numbers):
            try:
                yield number, as_payload(self._event(line))
            except (BadEventError, ValueError) as error:
                place = f"{self._label}{number}"
                bad = EventFileError(self._name, place, _advice(str(error)))
                self._options.bad(bad)

    def _event(self, line: bytes) -> Event:
        body = typed(decode_json(line), self._options.types)
        if body.__class__ is dict and self._options.event_type:
            body = {"event_type": self._options.event_type, **body}
        event = event_of(body)
        self._dating.date(event)
        return event


def _numbered(payload: bytes, numbers: range) -> Iterator[tuple[int, bytes]]:
    for number, line in zip(numbers, payload.split(b"\n"), strict=False):
        if line.strip():
            yield number, line


def _advice(reason: str) -> str:
    if reason.startswith("event_type must"):
        return f"{reason}; give the type of such events by --type"
    return reason
