"""Tokens of VPL (vpl.md section 1)."""

from typing import NamedTuple

from vpl.source import TYPED, Origin, Span

RESERVED = frozenset([
    "and",
    "or",
    "not",
    "in",
    "is",
    "as",
    "where",
    "if",
    "then",
    "elif",
    "else",
    "for",
    "while",
    "return",
    "break",
    "continue",
    "fn",
    "let",
    "var",
    "const",
    "true",
    "false",
    "null",
])

DECLARATION_WORDS = frozenset((
    "stream",
    "event",
    "type",
    "pattern",
    "connector",
    "context",
    "config",
    "import",
))

LITERALS = frozenset(("int", "float", "str", "duration", "timestamp"))

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(OPENERS.values())

BINARY = frozenset((
    *("+", "*", "/", "%", "**", "==", "!=", "<", "<=", ">", ">="),
    *("&", "|", "^", "<<", ">>", "??", "..", "..=", "and", "or", "in", "is"),
))

CONTINUES_LINE = BINARY | frozenset((
    ".",
    "?.",
    "->",
    "=>",
    ":=",
    "as",
    "where",
    "then",
))
"""A line that starts with one of these goes on with the statement before it."""

LEAVES_OPEN = BINARY | frozenset(("-", "not", "=", ":=", "->", "=>", ","))
"""A line that ends with one of these is not finished."""


def printable(text: str) -> str:
    """Return `text` with everything escaped that does not belong into a message."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_NAMES = frozenset(("name", "quoted"))
_WORDS = RESERVED | _NAMES


class Token(NamedTuple):
    """One token; tokens never span lines.

    `kind` is the text itself for operators and reserved words, else one of `name`,
    `quoted` (a name in backquotes), `int`, `float`, `str`, `duration`, `timestamp`,
    `newline`, `indent`, `dedent`, `eof` and `error` (already reported). `value` is
    the constant of a literal: durations and timestamps are int nanoseconds.
    `lead` is the indentation of a token that is the first of its line, else None.
    """

    kind: str
    text: str
    value: int | float | str | None
    line: int
    column: int
    end_column: int
    lead: str | None
    index: int  # type: ignore[assignment]  # hides a method that nobody needs
    origin: Origin = TYPED

    @property
    def span(self) -> Span:
        """Return where the token stands."""
        return Span(self.line, self.column, self.line, self.end_column, self.origin)

    @property
    def is_name(self) -> bool:
        """Tell whether the token is an identifier, plain or in backquotes."""
        return self.kind in _NAMES

    @property
    def is_word(self) -> bool:
        """Tell whether the token may stand after a dot or as a label."""
        return self.kind in _WORDS

    def described(self) -> str:
        """Return the token as error messages name it."""
        if self.kind == "newline":
            return "end of line"
        if self.kind == "eof":
            return "end of program"
        if self.kind in {"indent", "dedent"}:
            return "change of indentation"
        text = self.text if len(self.text) <= 40 else self.text[:37] + "..."
        return f"'{printable(text)}'"
