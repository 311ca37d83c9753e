"""The text being written, line by line."""

from vpl.formatter.groups import comment_text
from vpl.formatter.words import Comment, Word

WIDTH = 100


class Page:
    """Lines of text; the last one is still open.

    After a comment that ends its line nothing more is written there: the next word
    goes to a new line, wherever it was meant to stand.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._open: str | None = None
        self._ended = False

    def text(self) -> str:
        """Return the whole text; each line ends with a newline."""
        self._close()
        return "".join(f"{line}\n" for line in self._lines)

    def new_line(self, indent: int) -> None:
        """Begin a line."""
        self._close()
        self._open = " " * indent

    def blank_line(self) -> None:
        """Leave a line empty."""
        self._close()
        self._lines.append("")

    def _close(self) -> None:
        if self._open is not None:
            self._lines.append(self._open.rstrip())
        self._open = None
        self._ended = False

    def settle(self, indent: int) -> None:
        """Begin a line if the open one is at its end."""
        if self._ended:
            self.new_line(indent)

    def fits(self, text: str, *, spaced: bool) -> bool:
        """Tell whether the open line has room for a text."""
        return len(self._open or "") + spaced + len(text) <= WIDTH

    def write(self, text: str, *, spaced: bool = False) -> None:
        """Add to the open line, with a blank before unless the line is empty."""
        line = self._open or ""
        gap = " " if spaced and line.strip() else ""
        self._open = f"{line}{gap}{text}"

    def comment_above(self, comment: Comment, indent: int) -> None:
        """Write a comment on a line of its own."""
        self.new_line(indent)
        self.write(comment.text)
        self._ended = True

    def comments_behind(self, word: Word) -> None:
        """Write the comments that stand on the line of a word, after it."""
        for comment in word.after:
            self.write(comment_text(comment))
            self._ended = self._ended or comment.ends_line
