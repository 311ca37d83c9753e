"""The words of a text: its tokens as typed, with the comments around them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vpl.catalog import OPERATIONS
from vpl.parser.expressions import KINDS
from vpl.tokens import DECLARATION_WORDS, RESERVED, Token

_GAP = re.compile(
    r"(?P<blank>[ \t\r]+)|(?P<newline>\n)|#[^\n]*|//[^\n]*|/\*[\s\S]*?\*/"
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HOLE = re.compile(r"\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}")

CONTEXT_WORDS = (
    DECLARATION_WORDS
    | KINDS
    | OPERATIONS.keys()
    | frozenset([
        "extends",
        "from",
        "merge",
        "join",
        "sequence",
        "timer",
        "all",
        "SEQ",
        "AND",
        "OR",
        "NOT",
        "within",
        "partition",
        "by",
        "asc",
        "desc",
        "emit",
        "ttl",
        "session",
        "Stream",
        "any",
    ])
)
"""Names with a meaning in some place: in backquotes they are nothing but names."""


@dataclass(slots=True)
class Comment:
    """A comment as typed, without blanks at the ends of its lines.

    `column` (from 0) is where it began, `blank_before` tells of an empty line above.
    """

    text: str
    column: int = 0
    blank_before: bool = False

    @property
    def ends_line(self) -> bool:
        """Tell whether nothing may follow on the line where the comment ends."""
        return not self.text.startswith("/*") or "\n" in self.text


@dataclass(slots=True)
class Word:
    """A token as it will be printed.

    `before` are the comments on lines of their own above it, `after` those behind it
    on its line. `fresh` tells that it was the first of its line. `spaced` and
    `breaks` are filled in by `vpl.formatter.spacing`: whether a blank stands before
    the word on one line, and how willing a line is to break there (0: not at all,
    else the lower the sooner).
    """

    kind: str
    text: str
    column: int
    fresh: bool
    blank_before: bool
    before: list[Comment] = field(default_factory=list)
    after: list[Comment] = field(default_factory=list)
    spaced: bool = True
    breaks: int = 0


class WordReader:
    """Turns tokens, in the order of the text, into words with their comments."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._starts = [0, *(at.end() for at in re.finditer("\n", source))]
        self._position = 0
        self._last: Word | None = None

    def read(self, token: Token, variables: Sequence[str]) -> Word:
        """Return the word of the next token; `variables` are those of the generator
        loops around it."""
        start = self._starts[token.line - 1] + token.column - 1
        end = self._starts[token.line - 1] + token.end_column - 1
        text = _text(token, self._source[start:end], variables)
        word = Word(token.kind, text, token.column - 1, fresh=False, blank_before=False)
        self._read_gap(self._position, start, word)
        self._position = end
        self._last = word
        return word

    def end(self) -> Word:
        """Return an empty word with the comments that are left."""
        word = Word("eof", "", 0, fresh=True, blank_before=False)
        self._read_gap(self._position, len(self._source), word)
        return word

    def _read_gap(self, start: int, end: int, word: Word) -> None:
        """Share the comments between two words out to them."""
        breaks = 0
        word.fresh = self._last is None
        for found in _GAP.finditer(self._source, start, end):
            if found.lastgroup == "newline":
                breaks += 1
                word.fresh = True
            elif found.lastgroup is None:
                comment = self._comment(found, blank_before=breaks > 1)
                if word.fresh or self._last is None:
                    word.before.append(comment)
                else:
                    self._last.after.append(comment)
                breaks = 0
                word.fresh = word.fresh or "\n" in comment.text
        word.blank_before = breaks > 1

    def _comment(self, found: re.Match[str], *, blank_before: bool) -> Comment:
        lines = [line.rstrip() for line in found[0].split("\n")]
        column = found.start() - self._source.rfind("\n", 0, found.start()) - 1
        return Comment("\n".join(lines), column, blank_before)


def _text(token: Token, raw: str, variables: Sequence[str]) -> str:
    """Return how a token is written: as typed, but for needless backquotes and for
    blanks in the holes of a template."""
    if token.kind == "quoted":
        name = raw[1:-1]
        plain = _PLAIN_NAME.match(name) and name not in variables
        needed = not plain or name in RESERVED or name in CONTEXT_WORDS
        return raw if needed else name
    if token.kind != "str" and variables and "{" in raw and len(raw) > 1:
        return _HOLE.sub(r"{\1}", raw)
    return raw
