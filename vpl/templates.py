"""Lines of text that remember the template they were made from."""

import re
from dataclasses import dataclass, field

Mark = tuple[int, int]
"""From this column of a line on, columns count from that one of the template."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of expanded text: its template line (from 1), the values it was made
    with (`i = 3`), and where its columns (from 0) stood in the template."""

    text: str
    number: int
    note: str = ""
    marks: tuple[Mark, ...] = ((0, 0),)

    def column(self, column: int) -> int:
        """Return the template column of a column of this line."""
        for here, there in reversed(self.marks):
            if here <= column:
                return there + column - here
        return column

    def cut(self, count: int) -> "Line":
        """Return the line without its first `count` characters."""
        later = [(at - count, to) for at, to in self.marks if at > count]
        marks = ((0, self.column(count)), *later)
        return Line(self.text[count:], self.number, self.note, marks)

    def filled(self, hole: re.Pattern[str], value: str, note: str) -> "Line":
        """Return the line with every `hole` replaced by `value`."""
        whole = f"{self.note}, {note}" if self.note else note
        if "{" not in self.text:
            return Line(self.text, self.number, whole, self.marks)
        parts: list[str] = []
        marks: list[Mark] = []
        position = length = 0
        for found in hole.finditer(self.text):
            start, end = found.span()
            marks += self._marks_between(position, start, length)
            length += start - position
            marks.append((length, self.column(start)))
            length += len(value)
            parts += (self.text[position:start], value)
            position = end
        marks += self._marks_between(position, len(self.text) + 1, length)
        parts.append(self.text[position:])
        return Line("".join(parts), self.number, whole, tuple(marks))

    def mold(self, hole: re.Pattern[str]) -> "Mold":
        """Return what makes many copies of the line quickly."""
        return Mold(self, hole, hole.split(self.text))

    def _marks_between(self, start: int, end: int, at: int) -> list[Mark]:
        """Return the marks of a stretch that now begins at column `at`."""
        first = (at, self.column(start))
        rest = [(at + c - start, to) for c, to in self.marks if start < c < end]
        return [first, *rest]


@dataclass(frozen=True, slots=True)
class Mold:
    """A line with holes (a pattern without groups), cut into the pieces between them.

    Values of equal length leave equal marks, which are computed once.
    """

    line: Line
    hole: re.Pattern[str]
    pieces: list[str]
    marks: dict[int, tuple[Mark, ...]] = field(default_factory=dict)

    def filled(self, value: str, note: str) -> Line:
        """Return the line with every hole replaced by `value`."""
        line = self.line
        marks = self.marks.get(len(value))
        if marks is None:
            first = line.filled(self.hole, value, note)
            self.marks[len(value)] = first.marks
            return first
        whole = f"{line.note}, {note}" if line.note else note
        return Line(value.join(self.pieces), line.number, whole, marks)
