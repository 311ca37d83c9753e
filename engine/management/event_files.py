"""Event files as blocks that a pipeline takes in one call."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.evt import EvtReader, as_payload

BLOCK_EVENTS = 1000
BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Block:
    """Some events; `first` is the number of the first one in its file, from 1."""

    payload: bytes
    form: Literal["ndjson", "array"]
    first: int = 1


def evt_blocks(text: str, reader: EvtReader) -> Iterator[Block]:
    """Yield the events of `.evt` text; raises BadLineError at a bad line."""
    return _joined(map(as_payload, reader.read(text.split("\n"))), BLOCK_EVENTS)


def json_blocks(text: str) -> Iterator[Block]:
    """Yield the one block of a JSON array."""
    yield Block(text.encode(), "array")


def line_blocks(path: str) -> Iterator[Block]:
    """Yield the events of a file of JSON lines, `-` for standard input, as it is read."""
    if path == "-":
        yield from _joined(_lines(sys.stdin.buffer), 1)
        return
    with Path(path).open("rb") as file:
        yield from _joined(_lines(file), BLOCK_EVENTS)


def _lines(file: Iterable[bytes]) -> Iterator[bytes]:
    for line in file:
        if stripped := line.strip():
            yield stripped


def _joined(payloads: Iterable[bytes], count: int) -> Iterator[Block]:
    held: list[bytes] = []
    first, size = 1, 0
    for payload in payloads:
        held.append(payload)
        size += len(payload)
        if len(held) >= count or size >= BLOCK_BYTES:
            yield Block(b"\n".join(held), "ndjson", first)
            first += len(held)
            held, size = [], 0
    if held:
        yield Block(b"\n".join(held), "ndjson", first)
