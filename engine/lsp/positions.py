"""Positions of editors (lines from 0, UTF-16 units) and ours (from 1, code points)."""

from typing import NamedTuple

from vpl import Span


class Place(NamedTuple):
    """A line and a column, both from 1, in code points."""

    line: int
    column: int


class Point(NamedTuple):
    """A line and a character, both from 0, in UTF-16 units."""

    line: int
    character: int


class Positions:
    """Converts the positions of one text; those beyond it are moved to its end."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        # The first column of ours counts from behind a byte order mark.
        self._mark = int(source.startswith("\ufeff"))

    def place(self, point: Point) -> Place:
        """Return our position."""
        if point.line >= len(self._lines):
            return Place(len(self._lines), len(self._lines[-1]) + 1)
        units = 0
        text = self._lines[point.line]
        for at, char in enumerate(text):
            if units >= point.character:
                return Place(point.line + 1, at + 1 - self._shift(point.line))
            units += 1 + (char > "\uffff")
        return Place(point.line + 1, len(text) + 1 - self._shift(point.line))

    def point(self, place: Place) -> Point:
        """Return the editor's position."""
        line = min(place.line, len(self._lines)) - 1
        before = self._lines[line][: place.column - 1 + self._shift(line)]
        return Point(line, len(before) + sum(char > "\uffff" for char in before))

    def ends(self, span: Span) -> tuple[Point, Point]:
        """Return where a span starts and ends for the editor."""
        start = self.point(Place(span.line, span.column))
        return start, self.point(Place(span.end_line, span.end_column))

    def end(self) -> Point:
        """Return the end of the text."""
        last = len(self._lines)
        return self.point(Place(last, len(self._lines[-1]) + 1))

    def _shift(self, line: int) -> int:
        return self._mark if line == 0 else 0

    def text(self, span: Span) -> str:
        """Return the text of a span on one line, empty for others."""
        if span.line != span.end_line or span.line > len(self._lines):
            return ""
        shift = self._shift(span.line - 1)
        line = self._lines[span.line - 1]
        return line[span.column - 1 + shift : span.end_column - 1 + shift]
