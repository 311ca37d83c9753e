"""The bodies of inject-batch, cut into events without decoding more than the type."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from cluster.exceptions import BadJsonError, BadRequestError

NDJSON_TYPES = frozenset({"application/x-ndjson", "application/ndjson"})
JSON_TYPE = "application/json"


class EventHead(msgspec.Struct, gc=False):
    """The one member that routing needs; the rest of an event is passed over."""

    event_type: str


class EventsBody(msgspec.Struct):
    """The form `{"events": [..]}`."""

    events: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class ItemFault:
    """Why one item of the input was not taken; `index` counts from 0."""

    index: int
    code: str
    error: str
    status: int = 400


@dataclass(slots=True)
class BatchInput:
    """Events in their order. `types[i]` is None for an item that is not an event."""

    items: Sequence[bytes | msgspec.Raw]
    types: list[str | None]
    is_lines: bool
    faults: list[ItemFault] = field(default_factory=list)

    def body_of(self, indexes: Sequence[int]) -> bytes:
        """Return the body for a worker that holds these items."""
        if self.is_lines:
            return b"\n".join([self.items[i] for i in indexes])
        return b"[" + b",".join([self.items[i] for i in indexes]) + b"]"

    @property
    def media_type(self) -> str:
        """Return the media type of `body_of`."""
        return "application/x-ndjson" if self.is_lines else JSON_TYPE


_head = msgspec.json.Decoder(EventHead)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_events = msgspec.json.Decoder(EventsBody)


def read_batch(raw: bytes, media_type: str) -> BatchInput:
    """Cut a body into events; an item that is none becomes a fault, not an error.

    Raises 400 for a body that is not of any of the forms (api.md 5.8).
    """
    if media_type in NDJSON_TYPES:
        return _read_lines(raw)
    first = raw.lstrip()[:1]
    try:
        if first == b"[":
            return _read_items(_array.decode(raw))
        return _read_items(_events.decode(raw).events)
    except msgspec.ValidationError as error:
        raise BadRequestError(
            f'a batch is a JSON array, {{"events": [..]}} or NDJSON: {error}'
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJsonError(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadJsonError("the body is nested too deeply") from error


def _read_lines(raw: bytes) -> BatchInput:
    """Read NDJSON; blank lines do not count."""
    lines = raw.split(b"\n")
    try:
        heads = _head.decode_lines(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        heads = []
    if len(heads) != len(lines):
        lines = [line for line in lines if line.strip()]
    if len(heads) != len(lines) or not all(head.event_type for head in heads):
        return _one_by_one(lines, is_lines=True)
    return BatchInput(lines, [head.event_type for head in heads], is_lines=True)


def _read_items(items: list[msgspec.Raw]) -> BatchInput:
    return _one_by_one(items, is_lines=False)


def _one_by_one(items: Sequence[bytes | msgspec.Raw], *, is_lines: bool) -> BatchInput:
    found = BatchInput(items, [], is_lines)
    for index, item in enumerate(items):
        try:
            event_type = _head.decode(item).event_type
        except msgspec.ValidationError as error:
            fault = ItemFault(index, "bad_request", str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = ItemFault(index, "bad_json", str(error))
        except RecursionError:
            fault = ItemFault(index, "bad_json", "the event is nested too deeply")
        else:
            if event_type:
                found.types.append(event_type)
                continue
            fault = ItemFault(index, "bad_request", "event_type must not be empty")
        found.types.append(None)
        found.faults.append(fault)
    return found
