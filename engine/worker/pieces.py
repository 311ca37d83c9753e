"""Cutting a large batch into pieces, so that few of its events exist at the same time."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from engine import BadEventError

Form = Literal["ndjson", "array", "events"]

PIECE_BYTES: Final = 128 * 1024  # their objects are made in memory used before
WHOLE_BYTES: Final = 1024 * 1024  # arrays up to this are decoded at once: quicker


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_events = msgspec.json.Decoder(_Events).decode


def in_pieces(payload: bytes, form: Form) -> Iterator[tuple[bytes, Form]]:
    """Yield a batch in pieces of whole events, at least one, in order.

    Elements of a long array become lines. Raises `BadEventError`, before the first
    piece, for one that is no array.
    """
    if form == "ndjson":
        yield from _lines(payload)
    elif len(payload) <= WHOLE_BYTES:
        yield payload, form
    else:
        yield from _elements(payload, form)


def _lines(payload: bytes) -> Iterator[tuple[bytes, Form]]:
    start = 0
    while len(payload) - start > PIECE_BYTES:
        end = payload.find(b"\n", start + PIECE_BYTES - 1) + 1
        if not end:
            break
        yield payload[start:end], "ndjson"
        start = end
    if start < len(payload) or not start:
        yield payload[start:] if start else payload, "ndjson"


def _elements(payload: bytes, form: Form) -> Iterator[tuple[bytes, Form]]:
    held: list[msgspec.Raw] = []
    size = 0
    for element in _cut(payload, form):
        held.append(element)
        size += len(element)
        if size >= PIECE_BYTES:
            yield _as_lines(held), "ndjson"
            held, size = [], 0
    yield _as_lines(held), "ndjson"


def _as_lines(elements: list[msgspec.Raw]) -> bytes:
    # A line break in JSON is never part of a value.
    return b"\n".join([bytes(element).replace(b"\n", b" ") for element in elements])


def _cut(payload: bytes, form: Form) -> list[msgspec.Raw]:
    try:
        return _array(payload) if form == "array" else _events(payload).events
    except msgspec.ValidationError as error:
        raise BadEventError("a batch must be an array of events") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEventError(f"no valid JSON: {error}") from error
