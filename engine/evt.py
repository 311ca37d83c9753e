"""Event files in the form `.evt` (vpl.md 17.1): one event per line, dated by offsets."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.errors import BadEventError
from engine.event import Event
from engine.event_text import EventText
from engine.runtime.intake import clean_map
from engine.runtime.times import (
    NS_PER_MS,
    duration_text,
    in_range,
    parse_duration,
    parse_instant,
)
from engine.runtime.values import Duration, Timestamp, iso_text
from engine.wire import decode_json, event_of
from vpl import Program, nodes

_MOST_DIGITS: Final = 30
_BATCH = re.compile(r"BATCH\s+(\d+)\s*;?\s*(?:(?:#|//).*)?", re.ASCII)


class BadLineError(ValueError):
    """A line is no event; `number` counts from 1, `reason` says what is wrong."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number
        self.reason = reason


OnBad = Callable[[BadLineError], None]


class EvtReader:
    """Reads an event file line by line.

    `declared` gives the field names of declared events, for `Type(v1, v2)`;
    `start_ns` is the instant offsets count from. A bad line ends the reading, or is
    handed to `on_bad` and left out. JSON lines without `event_type` may name one of
    `types` as `type`.
    """

    def __init__(
        self,
        declared: Mapping[str, Sequence[str]] | None = None,
        start_ns: int = 0,
        on_bad: OnBad | None = None,
        types: frozenset[str] = frozenset(),
    ) -> None:
        self._declared = declared or {}
        self._on_bad = on_bad
        self._start_ns = start_ns
        self._previous_ns = start_ns - NS_PER_MS
        self._batch_ns: int | None = None
        self._types = types

    def read(self, lines: Iterable[str]) -> Iterator[Event]:
        """Yield events in order; raises BadLineError unless `on_bad` takes those."""
        for _, event in self.read_numbered(lines):
            yield event

    def read_numbered(self, lines: Iterable[str]) -> Iterator[tuple[int, Event]]:
        """Yield events in order, each with the number of its line from 1."""
        for number, line in enumerate(lines, start=1):
            text = line.strip("\ufeff \t\r\n") if number == 1 else line.strip()
            if not text or text.startswith(("#", "//")):
                continue
            try:
                found = self._line(text)
            except (ValueError, BadEventError) as error:
                bad = BadLineError(number, str(error))
                if self._on_bad is None:
                    raise bad from error
                self._on_bad(bad)
                continue
            if found is not None:
                yield number, found

    def _line(self, text: str) -> Event | None:
        if text.startswith("{"):
            event = event_of(typed(decode_json(text.encode()), self._types))
            event.timestamp = self._date(event.timestamp)
            return event
        if text.startswith("BATCH") and (batch := _BATCH.fullmatch(text)):
            self._batch_ns = self._start_ns + int(batch[1]) * NS_PER_MS
            return None
        moment = None
        if text.startswith("@"):
            dated, *rest = text.split(None, 1)
            moment = self._moment(dated[1:])
            text = rest[0] if rest else ""
        event = EventText(text, self._declared).event()
        # bounds and sound texts, as for events of any way in
        event.fields = clean_map(event.fields)
        event.timestamp = self._date(moment)
        return event

    def _date(self, moment: int | None) -> int:
        if moment is None:
            moment = self._batch_ns
        if moment is None:
            moment = self._previous_ns + NS_PER_MS
        if in_range(moment) is None:
            raise ValueError("the time of the event is too far away")
        self._previous_ns = moment
        return moment

    def _moment(self, text: str) -> int:
        offset = _offset_ns(text)
        if offset is None:
            return instant_ns(text)
        moment = in_range(self._start_ns + offset)
        if moment is None:
            raise ValueError(f"'{text}' is too far away")
        return moment


def _offset_ns(text: str) -> int | None:
    """Return an offset in nanoseconds: a duration, or digits for milliseconds."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text) * NS_PER_MS
    return parse_duration(text)


def typed(body: Any, types: frozenset[str]) -> Any:
    """Return a decoded payload with its type where the envelope has it.

    A payload without `event_type` may name one of `types` in its member `type`,
    which then is no field (vpl.md section 14).
    """
    if body.__class__ is not dict or "event_type" in body:
        return body
    named = body.get("type")
    if named.__class__ is not str or named not in types:
        return body
    rest = {name: value for name, value in body.items() if name != "type"}
    return {"event_type": named, **rest}


def instant_ns(text: str) -> int:
    """Return an ISO 8601 instant (UTC unless it says otherwise) in nanoseconds."""
    moment = parse_instant(text)
    if moment is None:
        raise ValueError(
            f"'{text}' is neither an offset nor a time; "
            "write 10s, 250 (ms) or 2026-03-01T08:30:00Z"
        )
    return moment


def declared_fields(program: Program) -> dict[str, list[str]]:
    """Return the fields of each declared event in order, those of its bases first."""
    events = {d.name: d for d in program.body if isinstance(d, nodes.EventDecl)}
    return {name: list(_fields(name, events)) for name in events}


def _fields(name: str, events: Mapping[str, nodes.EventDecl]) -> dict[str, None]:
    chain: list[nodes.EventDecl] = []
    decl = events.get(name)
    while decl is not None and decl not in chain:
        chain.append(decl)
        decl = events.get(decl.base or "")
    return {field.name: None for decl in reversed(chain) for field in decl.fields}


def as_payload(event: Event, *, is_exact: bool = False) -> bytes:
    """Return an event as one JSON line for `Pipeline.inject_batch`.

    JSON has neither timestamps nor durations: they become texts that declared fields
    read again, or raise TypeError where the line has to be exact.
    """
    body: dict[str, Any] = {"event_type": event.event_type, "fields": event.fields}
    if event.timestamp is not None:
        whole_ms, rest = divmod(event.timestamp, NS_PER_MS)
        body["timestamp"] = iso_text(event.timestamp) if rest else whole_ms
    return msgspec.json.encode(body, enc_hook=None if is_exact else _as_text)


def _as_text(value: Any) -> str:
    if value.__class__ is Timestamp:
        return iso_text(value.ns)
    if value.__class__ is Duration:
        return duration_text(value.ns)
    raise TypeError(f"a value of class {value.__class__.__name__} is in an event")
