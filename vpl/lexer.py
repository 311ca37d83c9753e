"""From text to tokens, in one pass over one regular expression (linear time).

The lexer knows nothing of layout: `vpl.layout` adds the ends of statements and
blocks. What is wrong with a token is a diagnostic; a stand-in token keeps the
parser going.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vpl import literals
from vpl.diagnostics import Diagnostic
from vpl.limits import MAX_FINDINGS, MAX_TOKENS
from vpl.source import TYPED, Origin, Span
from vpl.tokens import RESERVED, Token, printable

_MASTER = re.compile(
    r"""[ \t]*+(?:
     ([A-Za-z_][A-Za-z0-9_]*+)                                              # name
    |(\.\.=|\*\*|==|!=|<=|>=|<<|>>|\?\?|\?\.|\.\.|->|=>|:=
      |\.(?![0-9])|/(?![/*])|[-+*%=<>&|^~,:;()\[\]{}?])                     # operator
    |((?:\r?\n[ \t]*+)++)                                                   # newlines
    |(0[xX][A-Za-z0-9_]*+
      |\.?[0-9][A-Za-z0-9_]*+(?:\.[0-9][A-Za-z0-9_]*+)*+
       (?:(?<=[eE])[+-][0-9][A-Za-z0-9_]*+)?)                               # number
    |("[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+')      # string
    |(\#[^\n]*+|//[^\n]*+)                                                  # comment
    |(/\*[\s\S]*?\*/)                                                       # block
    |(`[^`\n]*+`)                                                           # quoted
    |(@[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?
       (?:Z|[+-][0-9]{2}:[0-9]{2})?)?(?![A-Za-z0-9_])|@[A-Za-z0-9_:.+-]*+)  # time
    |(/\*[\s\S]*+|["'`][^\n]*+)                                             # unclosed
    |((?:[^\s\x00-\x7f]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f$!\\])++|[^\n])       # unknown
    |\Z)""",
    re.VERBOSE,
)
_NAME, _OPERATOR, _NEWLINE, _NUMBER, _STRING, _COMMENT, _BLOCK = range(1, 8)
_make = partial(tuple.__new__, Token)
_SHORT = 19  # digits; fewer always fit 64 bits
_QUOTED, _TIME, _UNCLOSED, _UNKNOWN = range(8, 12)


@dataclass(frozen=True, slots=True)
class LexResult:
    """The tokens of a text, an `eof` token last, and what was wrong with them."""

    tokens: list[Token]
    diagnostics: list[Diagnostic]


def tokenize(source: str, origin: Origin = TYPED, most: int = MAX_TOKENS) -> LexResult:
    """Return the tokens of `source`, none if they are more than `most`.

    Never raises.
    """
    lexer = _Lexer(source, origin, most)
    lexer.run()
    return LexResult(lexer.tokens, lexer.diagnostics)


class _Lexer:
    def __init__(self, source: str, origin: Origin, most: int) -> None:
        self.most = most
        self.source = source
        self.origin = origin
        self.tokens: list[Token] = []
        self.diagnostics: list[Diagnostic] = []
        self.line = 1
        self.line_start = 1 if source.startswith("\ufeff") else 0
        self.lead: str | None = None
        self.fresh = True

    def run(self) -> None:
        """Fill `tokens`; names and operators, most of any text, take the short way."""
        rare: dict[int, Callable[[int, int], None]] = {
            _NEWLINE: self._newline,
            _NUMBER: self._number,
            _STRING: self._string,
            _COMMENT: self._comment,
            _BLOCK: self._block_comment,
            _QUOTED: self._quoted,
            _TIME: self._timestamp,
            _UNCLOSED: self._unclosed,
            _UNKNOWN: self._unknown,
        }
        add, make, origin, tokens = self.tokens.append, _make, self.origin, self.tokens
        most = self.most
        for match in _MASTER.finditer(self.source, self.line_start):
            group = match.lastindex
            if group is None:
                continue
            if group > _OPERATOR:
                rare[group](*match.span(group))
                if len(tokens) > most:
                    break
                continue
            text = match[group]
            end = match.end() - self.line_start + 1
            kind = "name" if group == _NAME and text not in RESERVED else text
            lead = self._lead(match.start(group)) if self.fresh else None
            column = end - len(text)
            at = len(tokens)
            add(make((kind, text, None, self.line, column, end, lead, at, origin)))
            if at >= most:
                break
        if len(tokens) > most:
            self._too_many()
        else:
            self._add("eof", "", len(self.source), len(self.source))

    def _too_many(self) -> None:
        """Refuse the text; nothing of it is looked at."""
        last = self.tokens[-1]
        self.tokens[:] = [Token("eof", "", None, 1, 1, 1, "", 0, self.origin)]
        message = f"program has more than {self.most} tokens"
        advice = "divide it into several programs"
        self.diagnostics[:] = [Diagnostic("E107", message, last.span, advice)]

    def _lead(self, start: int) -> str:
        """Return the indentation of the first token of a line."""
        self.fresh = False
        lead, self.lead = self.lead, None
        return self.source[self.line_start : start] if lead is None else lead

    def _add(
        self,
        kind: str,
        text: str,
        start: int,
        end: int,
        value: int | float | str | None = None,
    ) -> None:
        lead = self._lead(start) if self.fresh else None
        before = self.line_start - 1
        self.tokens.append(
            Token(
                kind,
                text,
                value,
                self.line,
                start - before,
                end - before,
                lead,
                len(self.tokens),
                self.origin,
            )
        )

    def _newline(self, start: int, end: int) -> None:
        self.line += self.source.count("\n", start, end)
        self.line_start = self.source.rindex("\n", start, end) + 1
        self.fresh = True
        self.lead = None

    def _number(self, start: int, end: int) -> None:
        text = self.source[start:end]
        if text.isdigit() and end - start < _SHORT:
            self._add("int", text, start, end, int(text))
            return
        try:
            kind, value = literals.number(text)
        except literals.LiteralError as error:
            self._report("E103", error, start, end)
            kind, value = "int", 0
        self._add(kind, text, start, end, value)

    def _timestamp(self, start: int, end: int) -> None:
        text = self.source[start:end]
        try:
            value = literals.timestamp(text[1:])
        except literals.LiteralError as error:
            self._report("E103", error, start, end)
            value = 0
        self._add("timestamp", text, start, end, value)

    def _string(self, start: int, end: int) -> None:
        text = self.source[start:end]
        try:
            value = literals.string(text)
        except literals.LiteralError as error:
            self._report("E102", error, start, end)
            value = ""
        self._add("str", text, start, end, value)

    def _quoted(self, start: int, end: int) -> None:
        text = self.source[start:end]
        try:
            name = literals.name(text)
        except literals.LiteralError as error:
            self._report("E102", error, start, end)
            name = "_"
        self._add("quoted", name, start, end)

    def _comment(self, start: int, end: int) -> None:
        """Skip a comment to the end of its line."""

    def _block_comment(self, start: int, end: int) -> None:
        lead = self.source[self.line_start : start] if self.fresh else None
        breaks = self.source.count("\n", start, end)
        if breaks:
            self.line += breaks
            self.line_start = self.source.rindex("\n", start, end) + 1
        elif self.lead is None:
            self.lead = lead

    def _unclosed(self, start: int, end: int) -> None:
        text = self.source[start:end]
        what = {"/": "comment", "`": "name in backquotes"}.get(text[0], "string")
        stop = end if what != "comment" else start + 2
        error = literals.LiteralError(f"{what} is never closed")
        self._report("E102", error, start, stop)
        if what == "string":
            self._add("str", text, start, end, "")
        elif what != "comment":
            self._add("quoted", "_", start, end)
        else:
            self.line += text.count("\n")

    def _unknown(self, start: int, end: int) -> None:
        text = self.source[start:end]
        if text == "\r":
            return
        hint = "write 'not'" if text == "!" else None
        shown = printable(text[:40])
        error = literals.LiteralError(f"unexpected character '{shown}'", hint)
        self._report("E101", error, start, end)
        self._add("error", text, start, end)

    def _report(
        self, code: str, error: literals.LiteralError, start: int, end: int
    ) -> None:
        if len(self.diagnostics) >= MAX_FINDINGS:
            return
        before = self.line_start - 1
        place = (self.line, start - before, self.line, end - before)
        span = Span(*place, self.origin)
        self.diagnostics.append(Diagnostic(code, str(error), span, error.hint))
