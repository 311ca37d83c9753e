"""Reads files of a test and gives their events in plain form."""

import gzip

from engine.event_files import EventBlock, ReadOptions, open_event_file
from engine.wire import parse_event

MS = 1_000_000


def write(folder, name, text, *, packed=False):
    """Write a file and return its path."""
    data = text if isinstance(text, bytes) else text.encode()
    path = folder / name
    path.write_bytes(gzip.compress(data) if packed else data)
    return str(path)


def read(path, **options):
    """Return `(place, type, fields, ms)` of every event."""
    found = []
    with open_event_file(path, ReadOptions(**options)) as events:
        for block in events.blocks():
            found += block_events(block)
    return found


def block_events(block):
    """Return `(place, type, fields, ms)` of every event of a block."""
    if isinstance(block, EventBlock):
        pairs = zip(block.places, block.events, strict=True)
    else:
        pairs = [(place, parse_event(line)) for place, line in block.payloads()]
    return [
        (place, event.event_type, event.fields, event.timestamp / MS)
        for place, event in pairs
    ]
