"""What a source received -> events (vpl.md section 14, "Payload in")."""

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.compiler.sourceports import SourcePort, TimeField
from engine.connectors.base import Message
from engine.errors import BadEventError
from engine.event import Event
from engine.limits import MAX_EVENT_DEPTH
from engine.runtime.times import envelope_ns, in_range, parse_instant
from engine.wire import decode_json

MAX_PAYLOAD_BYTES: Final = 1024 * 1024
SMALL_BYTES: Final = 4096  # too few for 1024 fields, or for 10 000 elements
_SEGMENT_ENDS: Final = re.compile(r"[/.:]")


class PayloadReader:
    """Reads the messages of one source; `ports` are the `.from` that share it.

    `taken` are the event names the program takes through the connector, by whatever
    topic. Bounds inside an event are checked where it becomes a row.
    """

    def __init__(self, ports: Collection[SourcePort], taken: Collection[str]) -> None:
        self._names = tuple(dict.fromkeys(port.event for port in ports))
        self._taken = frozenset(taken)
        self._times = {port.event: port.time for port in ports if port.time}
        self._any_time = next(iter(self._times.values()), None)

    def lines(self, messages: Sequence[Message]) -> bytes | None:
        """Return messages as JSON lines, if nothing but their events matters.

        That is: no field holds the time, and none is so large that it could be beyond
        a bound. Types and forms are for others to check.
        """
        if self._times:
            return None
        payloads = [message.payload for message in messages]
        return b"\n".join(payloads) if all(map(_is_small, payloads)) else None

    def read(
        self, payload: bytes, topic: str, reject: Callable[[Any, str], None]
    ) -> Iterator[tuple[Event, Any]]:
        """Yield the events of a message in order, each with the value it was read from.

        Calls `reject` with what is none, a part of an array or the whole payload, and
        the reason. A part without a type is one event per name before `.from`.
        """
        try:
            body = self._decode(payload)
        except BadEventError as error:
            reject(payload, str(error))
            return
        for part in body if body.__class__ is list else (body,):
            try:
                events = self._events(part, topic)
            except BadEventError as error:
                reject(part, str(error))
            else:
                yield from ((event, part) for event in events)

    def _decode(self, payload: bytes) -> Any:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise BadEventError(f"a message is longer than {MAX_PAYLOAD_BYTES} bytes")
        return decode_json(payload)

    def _events(self, body: Any, topic: str) -> list[Event]:
        if body.__class__ is not dict:
            raise BadEventError("a message must be a JSON object or an array of them")
        types, envelope = self._types(body, topic)
        stamp = envelope_ns(body.get("timestamp"))
        if stamp is not None:
            envelope |= {"timestamp"}
        fields = _fields(body, envelope)
        return [
            Event(
                name,
                dict(fields),
                self._stamp(name, fields) if stamp is None else stamp,
            )
            for name in types
        ]

    def _types(
        self, body: dict[str, Any], topic: str
    ) -> tuple[tuple[str, ...], set[str]]:
        """Return the types of an event and the members that are no fields of it."""
        event_type = body.get("event_type")
        if event_type is not None:
            if event_type.__class__ is not str or not event_type:
                raise BadEventError("event_type must be a non-empty string")
            return (event_type,), {"event_type"}
        kind = body.get("type")
        if kind.__class__ is str and kind in self._taken:
            return (kind,), {"event_type", "type"}
        last = _SEGMENT_ENDS.split(topic)[-1]
        if last in self._taken:
            return (last,), {"event_type"}
        return self._names, {"event_type"}

    def _stamp(self, event_type: str, fields: Mapping[str, Any]) -> int | None:
        time = self._times.get(event_type, self._any_time)
        return None if time is None else field_ns(fields.get(time.name), time)


def _is_small(payload: bytes) -> bool:
    """Tell whether a payload cannot be beyond a bound, and is one line."""
    if len(payload) > SMALL_BYTES or b"\n" in payload:
        return False
    return payload.count(b"{") + payload.count(b"[") <= MAX_EVENT_DEPTH


def _fields(body: dict[str, Any], envelope: Collection[str]) -> dict[str, Any]:
    for name in ("fields", "data"):
        nested: Any = body.get(name)
        if nested.__class__ is dict:
            return dict(nested)
    return {name: value for name, value in body.items() if name not in envelope}


def field_ns(value: Any, time: TimeField) -> int | None:
    """Return the instant in a field: a number of units since 1970, or ISO 8601 text."""
    if value.__class__ is int:
        return in_range(value * time.unit_ns)
    if value.__class__ is float and math.isfinite(value):
        whole = math.floor(value)  # apart, so that nanoseconds survive
        fraction = round((value - whole) * time.unit_ns)
        return in_range(whole * time.unit_ns + fraction)
    return parse_instant(value) if value.__class__ is str else None


def dead_letter_of(rejected: Any) -> bytes:
    """Return what was rejected as one line of JSON: its value, else its text."""
    try:
        if rejected.__class__ is bytes and len(rejected) <= MAX_PAYLOAD_BYTES:
            rejected = decode_json(rejected)
        if rejected.__class__ is not bytes:
            return msgspec.json.encode(rejected)
    except (BadEventError, RecursionError, ValueError):
        if rejected.__class__ is not bytes:
            rejected = repr(rejected).encode()
    text = rejected[:MAX_PAYLOAD_BYTES].decode("utf-8", "replace")
    return msgspec.json.encode(text)
