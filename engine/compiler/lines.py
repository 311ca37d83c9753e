"""Lines of generated source with their indentation and their VPL line."""

from collections.abc import Iterator
from contextlib import contextmanager

INDENT = "    "


class Lines:
    """Grows a block of source.

    `vpl_line` is the program line the next lines come from; it is kept beside them.
    """

    def __init__(self, level: int = 0) -> None:
        self.level = level
        self.vpl_line = 0
        self.texts: list[str] = []
        self.vpl_lines: list[int] = []

    def add(self, *texts: str) -> None:
        """Append lines at the present indentation."""
        for text in texts:
            self.texts.append(INDENT * self.level + text)
            self.vpl_lines.append(self.vpl_line)

    def take(self, other: "Lines", shift: int = 0) -> None:
        """Append the lines of `other`, `shift` levels deeper than they stand."""
        blank = INDENT * shift
        self.texts.extend(blank + text for text in other.texts)
        self.vpl_lines.extend(other.vpl_lines)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Append `head` and indent what follows; an empty block gets a `pass`."""
        self.add(head)
        self.level += 1
        before = len(self.texts)
        yield
        if len(self.texts) == before:
            self.add("pass")
        self.level -= 1
