"""Opening an event file: which form it has, and its blocks."""

from collections.abc import Iterator

from engine.errors import BadEventError
from engine.event import Event
from engine.event_files.blocks import (
    BLOCK_EVENTS,
    Block,
    EventBlock,
    PayloadBlock,
    in_groups,
)
from engine.event_files.csv_rows import CsvRows
from engine.event_files.errors import BadFileError, EventFileError
from engine.event_files.json_arrays import array_blocks
from engine.event_files.json_lines import JsonLines
from engine.event_files.options import Form, ReadOptions
from engine.event_files.raw import RawFile
from engine.event_files.sending import as_lines, elements_to_send, lines_to_send
from engine.evt import BadLineError, EvtReader, as_payload
from engine.wire import decode_json

_BY_NAME: dict[str, Form] = {
    ".evt": "evt",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def open_event_file(path: str, options: ReadOptions | None = None) -> "EventFile":
    """Open a file, `-` for standard input; raises BadFileError."""
    return EventFile(RawFile(path), options or ReadOptions())


class EventFile:
    """An open file of events; `blocks` may be called once.

    `size` and `position` are bytes of the file itself, for progress.
    """

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        self._raw = raw
        self._options = options
        self.name = raw.name
        self.size = raw.size
        try:
            self.form = options.form or guess_form(raw.name, raw.head, options)
        except BadFileError:
            raw.close()
            raise

    @property
    def position(self) -> int:
        """Return how far the reading is."""
        return self._raw.position

    @property
    def first_line(self) -> bytes:
        """Return the beginning of the first line without taking it."""
        return self._raw.head.partition(b"\n")[0]

    def place(self, number: int) -> str:
        """Return how messages name the event of a place in a block."""
        return f"event {number}" if self.form == "json" else str(number)

    def blocks(self) -> Iterator[Block]:
        """Yield the events in order, all dated.

        Raises EventFileError for what is no event, unless the options take those, and
        BadFileError if the file cannot be read to its end.
        """
        match self.form:
            case "evt":
                yield from self._evt_blocks()
            case "csv":
                yield from CsvRows(self.name, self._options).of_lines(self._raw.lines())
            case "json":
                data = self._raw.read_all()
                yield from array_blocks(self.name, data, self._options)
            case _:
                lines = JsonLines(self.name, self._options)
                yield from lines.of_chunks(self._raw.chunks())

    def to_send(self) -> Iterator[PayloadBlock]:
        """Yield the events in order as JSON lines for another process.

        JSON stays as it is: bad events are its affair. Others are dated and raise like
        `blocks`. May be called once, instead of `blocks`.
        """
        match self.form:
            case "jsonl":
                yield from lines_to_send(self._raw, self._options)
            case "json":
                yield from elements_to_send(self._raw)
            case _:
                yield from as_lines(self.blocks())

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def __enter__(self) -> "EventFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _evt_blocks(self) -> Iterator[Block]:
        options = self._options
        reader = EvtReader(
            options.declared,
            options.start_ns,
            lambda bad: options.bad(self._located(bad)),
            options.types,
        )
        found = reader.read_numbered(self._texts())
        most = 1 if self._raw.is_stream else BLOCK_EVENTS
        for group in in_groups(found, most):
            events = [event for _, event in group]
            yield _block(events, [number for number, _ in group])

    def _texts(self) -> Iterator[str]:
        for number, line in enumerate(self._raw.lines(), start=1):
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise EventFileError(
                    self.name, str(number), "not UTF-8 text"
                ) from error

    def _located(self, bad: BadLineError) -> EventFileError:
        return EventFileError(self.name, str(bad.number), bad.reason)


def _block(events: list[Event], places: list[int]) -> Block:
    """Return events as JSON lines, which run faster together, if JSON has them all."""
    try:
        lines = [as_payload(event, is_exact=True) for event in events]
    except TypeError:
        return EventBlock(events, places)
    return PayloadBlock(b"\n".join(lines), places)


def guess_form(name: str, head: bytes, options: ReadOptions) -> Form:
    """Return the form of a file by its name, else by its first bytes."""
    plain = name.lower().removesuffix(".gz")
    for suffix, form in _BY_NAME.items():
        if plain.endswith(suffix):
            return form
    text = head.lstrip()
    if text[:1] == b"[":
        return "json"
    if text[:1] == b"{":
        return "jsonl" if _is_line(text) else "json"
    return "csv" if options.event_type is not None else "evt"


def _is_line(text: bytes) -> bool:
    """Tell whether a text begins with an event on a line of its own."""
    line, newline, _ = text.partition(b"\n")
    if not newline:
        return not text[1:].lstrip().startswith(b'"events"')
    try:
        body = decode_json(line)
    except BadEventError:
        return False
    return body.__class__ is dict and "events" not in body
