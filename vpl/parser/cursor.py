"""The parser's place in the token stream, its errors and its recovery."""

from vpl.diagnostics import Diagnostic
from vpl.layout import Layout
from vpl.lexer import LexResult
from vpl.limits import MAX_BRACKETS, MAX_HEIGHT, MAX_NESTING
from vpl.source import Span
from vpl.tokens import (
    CLOSERS,
    CONTINUES_LINE,
    DECLARATION_WORDS,
    OPENERS,
    RESERVED,
    Token,
)

_STATEMENT_ENDS = frozenset(("newline", ";", "eof", "dedent", "indent"))


class SyntaxFaultError(Exception):
    """The declaration being parsed cannot be understood from here on."""


class Cursor:
    """A token stream with one current token, look-ahead and bounded nesting.

    `height` is the height of the expression parsed last; productions set it.
    """

    def __init__(self, lexed: LexResult) -> None:
        self.diagnostics = lexed.diagnostics
        self._layout = Layout(lexed.tokens, self.diagnostics)
        self._tokens = self._layout.batch()
        self._at = 0
        self.token = self._tokens[0]
        self.last = self.token
        self.height = 0
        self.in_filter = False
        self.brackets: list[Token] = []
        self.levels = 0

    # --- moving ----------------------------------------------------------------

    def advance(self) -> Token:
        """Step over the current token and return it."""
        token = self.token
        self.last = token
        self._at += 1
        try:
            self.token = self._tokens[self._at]
        except IndexError:
            self._tokens, self._at = self._layout.batch(), 0
            self.token = self._tokens[0]
        return token

    def peek(self, distance: int = 1) -> Token:
        """Return the token `distance` places after the current one."""
        at = self._at + distance
        while at >= len(self._tokens):
            self._tokens = self._tokens[self._at :] + self._layout.batch()
            at -= self._at
            self._at = 0
        return self._tokens[at]

    def at(self, kind: str) -> bool:
        """Tell whether the current token is this operator or reserved word."""
        return self.token.kind == kind

    def at_word(self, word: str) -> bool:
        """Tell whether the current token is this context word."""
        return self.token.kind == "name" and self.token.text == word

    def take(self, kind: str) -> bool:
        """Step over the current token if it is of this kind."""
        if self.token.kind != kind:
            return False
        self.advance()
        return True

    def take_word(self, word: str) -> bool:
        """Step over the current token if it is this context word."""
        if not self.at_word(word):
            return False
        self.advance()
        return True

    def expect(self, kind: str, what: str | None = None) -> Token:
        """Step over a token of this kind, or give E101."""
        if self.token.kind != kind:
            raise self.unexpected(what or f"'{kind}'")
        return self.advance()

    def expect_name(self, what: str) -> str:
        """Return the identifier here, or give E105 or E101."""
        token = self.token
        if token.is_name:
            return self.advance().text
        if token.kind in RESERVED:
            raise self.fail(
                "E105",
                f"'{token.text}' is a reserved word and cannot be {what}",
                hint=f"choose another name, or write `{token.text}` in backquotes",
            )
        raise self.unexpected(what)

    def expect_label(self, what: str) -> str:
        """Return the name or word here (reserved words included)."""
        if not self.token.is_word:
            raise self.unexpected(what)
        return self.advance().text

    # --- brackets and bounds ----------------------------------------------------

    def open(self, kind: str) -> None:
        """Step over an opening bracket."""
        token = self.expect(kind)
        self.brackets.append(token)
        if len(self.brackets) > MAX_BRACKETS:
            raise self.fail(
                "E107", f"more than {MAX_BRACKETS} open brackets", token.span
            )
        self.descend()

    def close(self, what: str | None = None) -> None:
        """Step over the bracket that closes the one opened last."""
        opener = self.brackets[-1]
        closer = OPENERS[opener.kind]
        if self.token.kind != closer:
            if self.token.kind == "eof" or self.at_declaration():
                raise self.unclosed()
            hint = "write '==' to compare" if self.at("=") else None
            raise self.unexpected(what or f"'{closer}'", hint)
        self.advance()
        self.brackets.pop()
        self.levels -= 1

    def unclosed(self) -> SyntaxFaultError:
        """Return the error for the bracket opened last, where a declaration begins."""
        opener = self.brackets[-1]
        return self.fail("E101", f"'{opener.kind}' is never closed", opener.span)

    def descend(self) -> None:
        """Count one more level of nesting, or give E107."""
        self.levels += 1
        if self.levels > MAX_NESTING:
            raise self.fail("E107", f"nested deeper than {MAX_NESTING} levels")

    def ascend(self) -> None:
        """Leave a level of nesting."""
        self.levels -= 1

    def grow(self, height: int) -> None:
        """Record the height of the expression just built, or give E107."""
        if height > MAX_HEIGHT:
            raise self.fail(
                "E107",
                f"expression is more than {MAX_HEIGHT} operations high",
                hint="name parts of it with 'let'",
            )
        self.height = height

    # --- positions and errors ---------------------------------------------------

    def span_from(self, start: Token) -> Span:
        """Return the span from `start` to the end of the token passed last."""
        last = self.last
        return Span(start.line, start.column, last.line, last.end_column, start.origin)

    def extend(self, start: Span) -> Span:
        """Return the span from the start of `start` to the token passed last."""
        last = self.last
        return Span(start.line, start.column, last.line, last.end_column, start.origin)

    def report(
        self, code: str, message: str, span: Span, hint: str | None = None
    ) -> None:
        """Add a finding."""
        self.diagnostics.append(Diagnostic(code, message, span, hint))

    def fail(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        hint: str | None = None,
    ) -> SyntaxFaultError:
        """Add a finding and return the error to raise: the declaration is given up."""
        self.report(code, message, span or self.token.span, hint)
        return SyntaxFaultError()

    def unexpected(self, wanted: str, hint: str | None = None) -> SyntaxFaultError:
        """Return the error to raise; E101 is added unless the token had a finding."""
        token = self.token
        if token.kind == "error":
            return SyntaxFaultError()
        message = f"expected {wanted}, found {token.described()}"
        return self.fail("E101", message, token.span, hint)

    # --- ends of statements and recovery ----------------------------------------

    def at_statement_end(self) -> bool:
        """Tell whether nothing of the statement is left."""
        kind = self.token.kind
        return kind in _STATEMENT_ENDS or kind == "}" or self.last.kind == "dedent"

    def report_rest(self) -> None:
        """Give E108 for what stands after a complete statement."""
        token = self.token
        if token.kind != "error":
            self.report(
                "E108",
                f"unexpected {token.described()} after the end of the statement",
                token.span,
                _rest_hint(token, self.peek()),
            )

    def resume(self, began: int) -> None:
        """Go to the next place where a declaration may start.

        `began` is the raw index of the declaration that failed; the search always
        moves on. A line that looks like a declaration is taken even before the
        offending token: then a bracket was left open. Other lines must come after.
        """
        raw = self._layout.raw
        offending = self.last if self.token.kind == ":=" else self.token
        index = began + 1
        margin = len(raw[began].lead or "")
        depth = 0
        while raw[index].kind != "eof":
            token = raw[index]
            past = index >= offending.index and depth <= 0
            if self._resumes(token, raw[began], margin, past=past):
                break
            depth += (token.kind in OPENERS) - (token.kind in CLOSERS)
            index += 1
        self._restart(index)

    def _restart(self, index: int) -> None:
        self._layout.restart(index, self.token.index)
        self.brackets.clear()
        self.levels = 0
        self.in_filter = False
        self._tokens, self._at = self._layout.batch(), 0
        self.token = self.last = self._tokens[0]

    def _resumes(self, token: Token, failed: Token, margin: int, *, past: bool) -> bool:
        raw = self._layout.raw
        if token.lead is None:
            if raw[token.index - 1].kind != ";" or not _is_declaration(
                raw, token.index
            ):
                return False
            return failed.kind != "fn" or token.text in DECLARATION_WORDS
        if len(token.lead) > margin:
            return False
        if _is_declaration(raw, token.index):
            return True
        continues = token.kind in CONTINUES_LINE or token.kind in CLOSERS
        return past and not continues and token.kind not in {"else", "elif"}

    def at_declaration(self) -> bool:
        """Tell whether a line that looks like a declaration starts here."""
        token = self.last if self.token.kind == ":=" else self.token
        return token.lead is not None and _is_declaration(self._layout.raw, token.index)


def _is_declaration(raw: list[Token], index: int) -> bool:
    """Tell whether a declaration seems to start here."""
    token = raw[index]
    if token.kind in {"let", "var", "const", "fn", "for"}:
        return True
    if not token.is_name:
        return False
    after = raw[index + 1]
    if token.kind == "name" and token.text in DECLARATION_WORDS:
        return after.is_name or after.kind in {"str", "="} or token.text == "config"
    return after.kind == ":="


def _rest_hint(token: Token, after: Token) -> str | None:
    if token.is_word and after.kind == "(":
        return f"write '.{token.text}(' for an operation"
    if token.kind == "=":
        return "write ':=' to assign, 'let' to declare, '==' to compare"
    return None
