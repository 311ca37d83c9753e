"""What stands before the cursor: enough of the grammar to know what may follow."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from engine.lsp.document import Document
from engine.lsp.positions import Place
from vpl.tokens import CLOSERS, DECLARATION_WORDS, OPENERS, Token

_STARTS = DECLARATION_WORDS | {"let", "var", "const", "fn", "for"}


@dataclass(frozen=True, slots=True)
class Situation:
    """The unfinished statement around a place.

    `words` are the tokens of the declaration before the word at the cursor; `openers`
    the positions in `words` of the brackets that are still open.
    """

    words: list[Token]
    openers: list[int] = field(default_factory=list)

    def text(self, back: int = 1) -> str:
        """Return the token `back` places before the cursor, empty if there is none."""
        return self.words[-back].text if back <= len(self.words) else ""

    @property
    def declares(self) -> str:
        """Return the word that begins the declaration, empty at its start."""
        return self.words[0].text if self.words else ""

    @property
    def operation(self) -> str:
        """Return the operation whose brackets are open around the cursor."""
        for at in reversed(self.openers):
            if at >= 2 and self.words[at - 2].text == ".":
                return self.words[at - 1].text
            if at >= 4 and self.words[at - 2].text == "as":
                return "emit"
        return ""

    @property
    def arguments(self) -> list[Token]:
        """Return the tokens since the innermost open bracket."""
        return self.words[self.openers[-1] + 1 :] if self.openers else []

    @property
    def starts_argument(self) -> bool:
        """Tell whether an argument of the innermost bracket begins here."""
        return bool(self.openers) and self.text() in {"(", ","}

    def aliases(self) -> dict[str, str]:
        """Return the event types by alias as far as the statement tells them."""
        found: dict[str, str] = {}
        source = ""
        steps = any(token.text == "sequence" for token in self.words)
        for before, token in pairwise(self.words):
            if not token.is_name:
                continue
            if before.text in {"=", "->", "all"}:
                source = token.text
                found.setdefault(source, source)
            elif before.text == ":" and steps:
                source = token.text
                found[self.words[before.index - self.words[0].index - 1].text] = source
            elif before.text == "as":
                found[token.text] = source
        return found


def situation(document: Document, place: Place) -> Situation | None:
    """Return the situation at a place, None inside a text or a comment."""
    before = list(_before(document.tokens, place))
    if _in_text_or_comment(document, before, place):
        return None
    if before and before[-1].is_word and _touches(before[-1], place):
        before.pop()
    words = _declaration(before)
    return Situation(words, _open_brackets(words))


def _before(tokens: list[Token], place: Place) -> Iterator[Token]:
    """Yield the tokens that begin before a place."""
    for token in tokens:
        if (token.line, token.column) >= place or token.kind == "eof":
            return
        yield token


def _touches(token: Token, place: Place) -> bool:
    return token.line == place.line and token.end_column >= place.column


def _in_text_or_comment(document: Document, before: list[Token], place: Place) -> bool:
    if before and before[-1].kind == "str" and _touches(before[-1], place):
        last = before[-1]
        return place.column < last.end_column or last.end_column - last.column < 2
    start = (before[-1].line, before[-1].end_column) if before else (1, 1)
    lines = document.source.split("\n")
    first, column = start
    gap = lines[first - 1 : place.line]
    if not gap:
        return False
    gap[-1] = gap[-1][: place.column - 1]
    gap[0] = gap[0][column - 1 :]
    text = "\n".join(gap)
    last_line = text.rpartition("\n")[2]
    open_block = text.rfind("/*") > text.rfind("*/")
    return open_block or "#" in last_line or "//" in last_line


def _declaration(tokens: list[Token]) -> list[Token]:
    """Return the tokens since the last line that began a declaration."""
    for at in range(len(tokens) - 1, -1, -1):
        token = tokens[at]
        if token.lead is not None and token.text in _STARTS and not token.lead:
            return tokens[at:]
    return tokens


def _open_brackets(words: list[Token]) -> list[int]:
    found: list[int] = []
    for at, token in enumerate(words):
        if token.kind in OPENERS:
            found.append(at)
        elif token.kind in CLOSERS and found:
            found.pop()
    return found
