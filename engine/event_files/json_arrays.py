"""A JSON array, `{"events": [..]}` or one object -> blocks of dated events."""

import re
from collections.abc import Iterator, Sequence
from itertools import count, islice

import msgspec

from engine.event_files.blocks import BLOCK_EVENTS, PayloadBlock
from engine.event_files.errors import EventFileError
from engine.event_files.json_lines import JsonLines
from engine.event_files.options import ReadOptions

_BYTE = re.compile(r"\(byte (\d+)\)")


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_events = msgspec.json.Decoder(_Events).decode


def array_blocks(
    name: str, data: bytes, options: ReadOptions
) -> Iterator[PayloadBlock]:
    """Yield the events of a whole JSON text; raises EventFileError if it is none."""
    lines = JsonLines(name, options, "event ")
    elements = iter(_elements(name, data))
    for first in count(1, BLOCK_EVENTS):
        group = list(islice(elements, BLOCK_EVENTS))
        if not group:
            return
        # A line break in JSON is never part of a value.
        payload = b"\n".join(bytes(raw).replace(b"\n", b" ") for raw in group)
        yield from lines.blocks(payload, range(first, first + len(group)))


def _elements(name: str, data: bytes) -> Sequence[msgspec.Raw | bytes]:
    try:
        if data.lstrip()[:1] == b"[":
            return _array(data)
        try:
            return _events(data).events
        except msgspec.ValidationError:
            msgspec.json.decode(data)
            return [data]
    except (msgspec.DecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        end = int(found[1]) if found else len(data)
        line = str(data.count(b"\n", 0, end) + 1)
        raise EventFileError(name, line, f"no valid JSON: {error}") from error
