"""Positions in a program text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source text.

    Lines and columns start at 1 and count code points of the text as given;
    the end is exclusive. `note` names the values of the generator loops that made
    this stretch (`i = 3`), and is empty for all other text.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    note: str = ""

    def to(self, other: "Span") -> "Span":
        """Return the span from the start of this one to the end of `other`."""
        return Span(self.line, self.column, other.end_line, other.end_column, self.note)


NOWHERE = Span(1, 1, 1, 1)
