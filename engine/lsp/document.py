"""A program as an editor has it open."""

from collections.abc import Callable
from functools import cached_property

from engine.lsp.positions import Place, Positions
from vpl import CheckResult, Span, check
from vpl.lexer import tokenize
from vpl.parser import ParseResult
from vpl.symbols import Symbols
from vpl.tokens import Token

Loader = Callable[[str], str | None]


class Document:
    """One version of a text and what follows from it, worked out when asked for."""

    def __init__(
        self, source: str, loader: Loader | None = None, file: str = ""
    ) -> None:
        self.source = source
        self._loader = loader
        self._file = file

    @cached_property
    def positions(self) -> Positions:
        """Return the converter of positions."""
        return Positions(self.source)

    @cached_property
    def tokens(self) -> list[Token]:
        """Return the tokens as typed, generators not expanded."""
        return tokenize(self.source).tokens

    @cached_property
    def result(self) -> CheckResult:
        """Return the tree, imports included, and all findings."""
        return check(self.source, imports=self._loader, file=self._file)

    @cached_property
    def symbols(self) -> Symbols:
        """Return the declarations by kind and name."""
        return Symbols.of(ParseResult(self.result.program, self.result.diagnostics))

    @cached_property
    def _index(self) -> dict[tuple[int, int], int]:
        return {(token.line, token.column): token.index for token in self.tokens}

    def token_index(self, span: Span) -> int | None:
        """Return the index of the token that begins where a span begins."""
        return self._index.get((span.line, span.column))

    def tokens_of(self, span: Span) -> list[Token]:
        """Return the tokens in a span; none if it does not begin at a token."""
        at = self.token_index(span)
        if at is None or span.file:
            return []
        end = (span.end_line, span.end_column)
        stop = at
        while (self.tokens[stop].line, self.tokens[stop].column) < end:
            stop += 1
            if stop == len(self.tokens):
                break
        return self.tokens[at:stop]

    def token_at(self, place: Place) -> Token | None:
        """Return the token around a place; of two that touch it the word."""
        found = None
        for token in self.tokens:
            if token.line > place.line:
                break
            around = token.column <= place.column <= token.end_column
            if token.line == place.line and around and token.kind != "eof":
                found = token if found is None or token.is_word else found
        return found
