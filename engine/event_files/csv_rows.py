"""CSV with a header -> blocks of dated events."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from engine.errors import BadEventError
from engine.event import Event
from engine.event_files.blocks import PayloadBlock, in_groups
from engine.event_files.dating import Dating
from engine.event_files.errors import BadFileError, EventFileError
from engine.event_files.options import ReadOptions
from engine.evt import as_payload
from engine.runtime.intake import clean_map
from engine.runtime.times import envelope_ns

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_RECORD_CHARS: Final = 1024 * 1024
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_FEW_DIGITS: Final = 400
_NEVER_CLOSED: Final = "a quoted cell of this line is never closed"
_BOOLS: Final = {"true": True, "True": True, "TRUE": True} | {
    "false": False,
    "False": False,
    "FALSE": False,
}


class CsvRows:
    """Reads records; the header names the fields.

    Unquoted cells that look like JSON numbers become numbers and `true` and `false`
    booleans; empty ones are left out; everything in quotes stays text, and so does
    `007`. The delimiter is the first of `,` `;` tab `|` that the header has. The types
    of events come from a column `event_type` or the options, their times from a column
    `timestamp` that holds ISO 8601 with offset or epoch milliseconds.
    """

    def __init__(self, name: str, options: ReadOptions) -> None:
        self._name = name
        self._options = options
        self._dating = Dating(options)
        self._delimiter = ","
        self._header: list[str] = []

    def of_lines(self, lines: Iterable[bytes]) -> Iterator[PayloadBlock]:
        """Yield blocks; raises BadFileError for a header that names no events."""
        records = self._records(lines)
        self._read_header(records)
        for group in in_groups(self._events(records)):
            payload = b"\n".join(payload for _, payload in group)
            yield PayloadBlock(payload, [number for number, _ in group])

    def _read_header(self, records: Iterator[tuple[int, str]]) -> None:
        number, text = next(records, (1, ""))
        found = (sign for sign in DELIMITERS if sign in text)
        self._delimiter = next(found, ",")
        try:
            self._header = [cell for cell, _ in self._cells(text)]
        except ValueError as error:
            raise self._error(number, str(error)) from error
        for at, cell in enumerate(self._header, start=1):
            if not cell:
                raise self._error(number, f"column {at} of the header has no name")
            if self._header.index(cell) != at - 1:
                raise self._error(number, f"the header has '{cell}' twice")
        if self._options.event_type is None and "event_type" not in self._header:
            raise BadFileError(
                f"{self._name} has no column 'event_type': "
                "give the type of its events by --type"
            )

    def _events(
        self, records: Iterable[tuple[int, str]]
    ) -> Iterator[tuple[int, bytes]]:
        for number, text in records:
            try:
                yield number, as_payload(self._event(text))
            except (BadEventError, ValueError) as error:
                self._options.bad(self._error(number, str(error)))

    def _event(self, text: str) -> Event:
        cells = list(self._cells(text))
        if len(cells) != len(self._header):
            raise ValueError(
                f"{len(cells)} cells where the header has {len(self._header)}"
            )
        fields = {
            name: cell if is_quoted else _value(cell)
            for name, (cell, is_quoted) in zip(self._header, cells, strict=True)
        }
        event_type = fields.pop("event_type", None) or self._options.event_type
        if event_type.__class__ is not str or not event_type:
            raise ValueError("the cell of 'event_type' is no name")
        stamp = envelope_ns(fields.get("timestamp"))
        if stamp is not None:
            del fields["timestamp"]
        event = Event(event_type, clean_map(fields), stamp)
        self._dating.date(event)
        return event

    def _cells(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the cells, and whether each stood in quotes."""
        if '"' not in text:
            for cell in text.split(self._delimiter):
                yield cell.strip(), False
            return
        place = 0
        while place <= len(text):
            cell, is_quoted, place = self._cell(text, place)
            yield cell, is_quoted

    def _cell(self, text: str, place: int) -> tuple[str, bool, int]:
        """Return the cell at `place`, and where the next one begins."""
        start = place
        while start < len(text) and text[start] == " ":
            start += 1
        if text[start : start + 1] != '"':
            end = text.find(self._delimiter, place)
            end = len(text) if end < 0 else end
            return text[place:end].strip(), False, end + 1
        at = start + 1
        while True:
            at = text.find('"', at)
            if at < 0:
                raise ValueError(_NEVER_CLOSED)
            if text[at + 1 : at + 2] != '"':
                break
            at += 2
        end = text.find(self._delimiter, at)
        end = len(text) if end < 0 else end
        if text[at + 1 : end].strip():
            raise ValueError("text after the closing quote; write quotes inside twice")
        return text[start + 1 : at].replace('""', '"'), True, end + 1

    def _records(self, lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
        """Yield records with the number of their first line; blank lines are none."""
        first, held = 1, ""
        for number, line in enumerate(lines, start=1):
            text = self._decoded(number, line)
            if held:
                text = held + text
            elif not text.strip():
                continue
            else:
                first = number
            if text.count('"') % 2 == 0:
                yield first, text.rstrip("\r\n")
                held = ""
            elif len(text) > MAX_RECORD_CHARS:
                raise self._error(first, _NEVER_CLOSED)
            else:
                held = text
        if held:
            raise self._error(first, _NEVER_CLOSED)

    def _decoded(self, number: int, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise self._error(number, "not UTF-8 text") from error

    def _error(self, number: int, reason: str) -> EventFileError:
        return EventFileError(self._name, str(number), reason)


def _value(cell: str) -> Any:
    if not cell:
        return None
    found = _NUMBER.fullmatch(cell) if len(cell) <= _FEW_DIGITS else None
    if found is None:
        return _BOOLS.get(cell, cell)
    return int(cell) if found[1] is None and found[2] is None else float(cell)
