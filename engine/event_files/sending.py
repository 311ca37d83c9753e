"""The events of a file as JSON lines to be sent on, with where they stand in it."""

from collections.abc import Iterable, Iterator

from engine.event_files.array_cutter import ArrayCutter
from engine.event_files.blocks import Block, EventBlock, PayloadBlock, in_groups
from engine.event_files.errors import EventFileError
from engine.event_files.options import ReadOptions
from engine.event_files.raw import RawFile
from engine.evt import as_payload
from engine.line_cutter import MAX_LINE_BYTES, LineCutter


def lines_to_send(raw: RawFile, options: ReadOptions) -> Iterator[PayloadBlock]:
    """Yield JSON lines as they are; blank ones are left out.

    Those longer than 1 MiB are reported and never held. Of a stream comes what is there.
    """
    cutter = LineCutter(is_eager=raw.is_stream)
    number = 1
    for piece in raw.pieces():
        for block in cutter.feed(piece):
            if block is None:
                options.bad(EventFileError(raw.name, str(number), _too_long()))
                number += 1
            else:
                yield from _numbered(block, number)
                number += block.count(b"\n")
    yield from _numbered(cutter.rest(), number)


def _too_long() -> str:
    return f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB"


def _numbered(block: bytes, number: int) -> Iterator[PayloadBlock]:
    lines = block.split(b"\n")
    places = [at for at, line in enumerate(lines, start=number) if line.strip()]
    if len(places) < len(lines):
        lines = [lines[at - number] for at in places]
    if lines:
        yield PayloadBlock(b"\n".join(lines), places)


def elements_to_send(raw: RawFile) -> Iterator[PayloadBlock]:
    """Yield the elements of an array as lines, by number; raises EventFileError."""
    numbered = enumerate(_elements(raw), start=1)
    for group in in_groups(numbered):
        # A line break in JSON is never part of a value.
        lines = [bytes(element).replace(b"\n", b" ") for _, element in group]
        yield PayloadBlock(b"\n".join(lines), [number for number, _ in group])


def _elements(raw: RawFile) -> Iterator[bytes]:
    cutter = ArrayCutter()
    count = 0
    try:
        for piece in raw.pieces():
            for element in cutter.feed(piece):
                count += 1
                yield bytes(element)
        yield from map(bytes, cutter.rest())
    except ValueError as error:
        reason = f"{error} (after {count} events)"
        raise EventFileError(raw.name, "", reason) from error


def as_lines(blocks: Iterable[Block]) -> Iterator[PayloadBlock]:
    """Yield events that were read; kinds that JSON does not have become texts."""
    for block in blocks:
        if isinstance(block, EventBlock):
            lines = map(as_payload, block.events)
            yield PayloadBlock(b"\n".join(lines), block.places)
        else:
            yield block
