"""Generator loops, `for v in A..B:` at the top level, expanded in the text.

The body of a loop is repeated with `{v}` replaced by each value before anything is
parsed (vpl.md section 6). Tokens of expanded text keep their places in the template.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat

from vpl.diagnostics import Diagnostic
from vpl.lexer import LexResult, tokenize
from vpl.limits import MAX_COPIES, MAX_EXPANDED, MAX_EXPANDED_TOKENS
from vpl.source import TYPED, Origin, Span
from vpl.templates import Line
from vpl.tokens import CLOSERS, CONTINUES_LINE, OPENERS, Token

_MAYBE = re.compile(r"^[ \t]*for\b", re.MULTILINE)
_MAX_DEPTH = 8
_FORM = "write: for v in 0..10:"


def tokenize_expanded(source: str, origin: Origin = TYPED) -> LexResult:
    """Return the tokens of `source` with its generator loops expanded."""
    lexed = tokenize(source, origin)
    if _MAYBE.search(source) is None or not any(top_level_loops(lexed.tokens)):
        return lexed
    plain = [Line(text, at) for at, text in enumerate(source.split("\n"), start=1)]
    expander = _Expander(origin)
    lines = expander.expand(plain, 0) or [Line("", len(plain))]
    text = "\n".join(line.text for line in lines)
    expanded = tokenize(text, origin, MAX_EXPANDED_TOKENS)
    relocate(expanded, lines)
    expanded.diagnostics.extend(expander.findings)
    return expanded


def top_level_loops(tokens: list[Token]) -> Iterator[Token]:
    """Yield the `for` of each loop that stands at the margin of the text."""
    margin = len(tokens[0].lead or "")
    for token in tokens:
        lead = token.lead
        if token.kind == "for" and lead is not None and len(lead) <= margin:
            yield token


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop in a text: its header, and the lines (from 0) of its body.

    `inline` is the column where a body on the header's line begins, else None.
    """

    word: Token
    variable: str
    values: range
    first: int
    stop: int
    margin: int
    inline: int | None


class _Expander:
    """Expands loops and counts the copies and characters of a whole program."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.findings: list[Diagnostic] = []
        self._copies = 0
        self._length = 0
        self._exhausted = False

    def expand(self, lines: list[Line], depth: int) -> list[Line]:
        """Return `lines` with all their loops replaced by copies of the bodies."""
        text = "\n".join(line.text for line in lines)
        tokens = tokenize(text, self._origin).tokens
        result: list[Line] = []
        done = 0
        for word in top_level_loops(tokens):
            if word.line - 1 < done:
                continue
            result += lines[done : word.line - 1]
            stop = end_of_body(tokens, word)
            loop = self._header(tokens, word, stop, lines)
            if loop is not None and not self._exhausted:
                result += self._repeat(loop, lines, tokens, depth)
            done = stop
        return result + lines[done:]

    def _header(
        self, tokens: list[Token], word: Token, stop: int, lines: list[Line]
    ) -> Loop | None:
        """Read `for v in A..B:`; None with E109 or E104 if it is something else."""
        ahead = chain(tokens[word.index + 1 : word.index + 9], repeat(tokens[-1]))
        name, within = next(ahead), next(ahead)
        start, dots = _bound(ahead)
        end, colon = _bound(ahead)
        shaped = name.is_name and within.kind == "in" and colon.kind == ":"
        if not shaped or start is None or end is None or dots.kind not in {"..", "..="}:
            self._report("E109", "a generator loop counts over integers", word, lines)
            return None
        values = range(start, end + (dots.kind == "..="))
        body = tokens[colon.index + 1]
        inline = body.column - 1 if body.lead is None else None
        if body.kind == "eof" or body.line > stop:
            message = "expected an indented block after ':'"
            self._report("E104", message, word, lines)
            return None
        first = word.line - 1 if inline is not None else body.line - 1
        margin = 0 if inline is not None else len(body.lead or "")
        return Loop(word, name.text, values, first, stop, margin, inline)

    def _repeat(
        self, loop: Loop, lines: list[Line], tokens: list[Token], depth: int
    ) -> list[Line]:
        """Return the copies of a body, loops in it expanded too."""
        body = loop_body(loop, lines)
        text = _text(body)
        maybe = _MAYBE.search(text) is not None
        nested = maybe and any(top_level_loops(tokenize(text).tokens))
        if depth == _MAX_DEPTH or loop.values.stop - loop.values.start > MAX_COPIES:
            self._too_large(loop, lines)
            return []
        self._warn_of_bare(loop, tokens, lines)
        hole = hole_of(loop.variable)
        molds = [line.mold(hole) for line in body]
        result: list[Line] = []
        for value in loop.values:
            note = f"{loop.variable} = {value}"
            digits = str(value)
            copy = [mold.filled(digits, note) for mold in molds]
            before = self._copies
            if nested:
                copy = self.expand(copy, depth + 1)
            if not self._count(copy, before, nested=nested):
                self._too_large(loop, lines)
            if self._exhausted:
                return []
            result += copy
        return result

    def _count(self, copy: list[Line], before: int, *, nested: bool) -> bool:
        """Count a copy (its inner ones were counted); tell whether limits hold."""
        if self._copies == before:
            self._copies += 1
        if not nested:
            self._length += sum(len(line.text) + 1 for line in copy)
        return self._copies <= MAX_COPIES and self._length <= MAX_EXPANDED

    def _too_large(self, loop: Loop, lines: list[Line]) -> None:
        message = f"generators make more than {MAX_COPIES} copies or 4 MiB of text"
        if not self._exhausted:
            self._report("E109", message, loop.word, lines)
        self._exhausted = True

    def _warn_of_bare(self, loop: Loop, tokens: list[Token], lines: list[Line]) -> None:
        """Warn of the variable's name where it is not replaced (W042)."""
        for at in range(loop.word.index + 2, len(tokens) - 1):
            token = tokens[at]
            if token.line > loop.stop:
                return
            if token.kind != "name" or token.text != loop.variable:
                continue
            before, after = tokens[at - 1].kind, tokens[at + 1].kind
            if (before, after) != ("{", "}") and before != "." and after != ":":
                message = f"'{token.text}' is not replaced here"
                self._report("W042", message, token, lines, f"write {{{token.text}}}")

    def _report(
        self,
        code: str,
        message: str,
        token: Token,
        lines: list[Line],
        hint: str | None = None,
    ) -> None:
        advice = _FORM if code == "E109" and hint is None else hint
        span = _place(token.span, lines)
        self.findings.append(Diagnostic(code, message, span, advice))


def _bound(ahead: Iterator[Token]) -> tuple[int | None, Token]:
    """Read `[-] int` and return it with the token after it."""
    token = next(ahead)
    negative = token.kind == "-"
    if negative:
        token = next(ahead)
    value = token.value if token.kind == "int" else None
    after = next(ahead)
    if not isinstance(value, int):
        return None, after
    return (-value if negative else value), after


def end_of_body(tokens: list[Token], word: Token) -> int:
    """Return the line (from 0) after the last line of a loop's body."""
    margin = len(word.lead or "")
    depth = 0
    for at in range(word.index + 1, len(tokens) - 1):
        token = tokens[at]
        leaves = token.lead is not None and len(token.lead) <= margin
        if leaves and depth <= 0 and token.kind not in CONTINUES_LINE:
            return token.line - 1
        if token.kind in OPENERS:
            depth += 1
        elif token.kind in CLOSERS:
            depth -= 1
    return tokens[-1].line


def hole_of(variable: str) -> re.Pattern[str]:
    """Return the pattern of `{variable}`, which a loop replaces by its values."""
    return re.compile(r"\{[ \t]*" + re.escape(variable) + r"[ \t]*\}")


def loop_body(loop: Loop, lines: list[Line]) -> list[Line]:
    """Return the lines of a body, moved to the margin."""
    body = lines[loop.first : loop.stop]
    if loop.inline is not None:
        return [body[0].cut(loop.inline), *body[1:]]
    return [line.cut(_blanks(line.text, loop.margin)) for line in body]


def _blanks(text: str, most: int) -> int:
    return min(most, len(text) - len(text.lstrip(" \t")))


def _text(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


def _place(span: Span, lines: list[Line]) -> Span:
    line = lines[min(span.line, len(lines)) - 1]
    column, end = line.column(span.column - 1), line.column(span.end_column - 1)
    origin = Origin(span.file, line.note) if line.note else span.origin
    return Span(line.number, column + 1, line.number, end + 1, origin)


def _relocated(token: Token, lines: list[Line]) -> Token:
    kind, text, value, number, column, end, lead, index, origin = token
    line = lines[min(number, len(lines)) - 1]
    if line.note and line.note != origin.note:
        origin = Origin(origin.file, line.note)
    start, end = line.column(column - 1) + 1, line.column(end - 1) + 1
    return Token(kind, text, value, line.number, start, end, lead, index, origin)


def relocate(lexed: LexResult, lines: list[Line]) -> None:
    """Give tokens and findings of expanded text their places in the template."""
    lexed.tokens[:] = [_relocated(token, lines) for token in lexed.tokens]
    moved = [
        Diagnostic(found.code, found.message, _place(found.span, lines), found.hint)
        for found in lexed.diagnostics
    ]
    lexed.diagnostics[:] = moved
