"""Lines of text that remember the template they were made from."""

import re
from bisect import bisect_right
from dataclasses import dataclass

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
        at = bisect_right(self.marks, column, key=lambda mark: mark[0]) - 1
        here, there = self.marks[at]
        return there + column - here

    def cut(self, count: int) -> "Line":
        """Return the line without its first `count` characters."""
        later = [(at - count, to) for at, to in self.marks if at > count]
        marks = ((0, self.column(count)), *later)
        return Line(self.text[count:], self.number, self.note, marks)

    def filled(self, hole: re.Pattern[str], value: str, note: str) -> "Line":
        """Return the line with every `hole` replaced by `value`."""
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
        whole = f"{self.note}, {note}" if self.note else note
        return Line("".join(parts), self.number, whole, tuple(marks))

    def _marks_between(self, start: int, end: int, at: int) -> list[Mark]:
        """Return the marks of a stretch that now begins at column `at`."""
        first = (at, self.column(start))
        rest = [(at + c - start, to) for c, to in self.marks if start < c < end]
        return [first, *rest]
