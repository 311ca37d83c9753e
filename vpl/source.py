"""Positions in a program text."""

from typing import NamedTuple


class Origin(NamedTuple):
    """Where text comes from, besides its place.

    `file` is the path of an import, empty for the program itself. `note` names the
    values of the generator loops that made the text (`i = 3`), empty for all other.
    """

    file: str = ""
    note: str = ""


TYPED = Origin()
"""The text of the program itself, as typed."""


class Span(NamedTuple):
    """A stretch of source text.

    Lines and columns start at 1 and count code points of the text as given;
    the end is exclusive.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    origin: Origin = TYPED

    @property
    def file(self) -> str:
        """Return the path of the import this is in, empty for the program itself."""
        return self.origin.file

    @property
    def note(self) -> str:
        """Return the values of the generator loops that made this, if any."""
        return self.origin.note

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of `other`."""
        return Span(self[0], self[1], other[2], other[3], self[4])


NOWHERE = Span(1, 1, 1, 1)
