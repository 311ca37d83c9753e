"""Ends of statements and blocks, from line breaks and indentation (vpl.md 1).

`Layout` hands out the tokens of the lexer one by one and puts `newline`, `indent`
and `dedent` between them. It works lazily, so that after a syntax error the parser
can let it start anew at a later declaration, whatever brackets were left open.
"""

from collections import deque
from dataclasses import dataclass, field

from vpl.diagnostics import Diagnostic
from vpl.tokens import CLOSERS, CONTINUES_LINE, LEAVES_OPEN, OPENERS, Token

_BATCH = 256
_TURNS = frozenset((*OPENERS, *CLOSERS, ";", "<", "eof"))
"""Tokens after which other rules may hold for those that follow."""

_MIXED = "indentation mixes tabs and spaces"
_UNKNOWN = -1
"""The column of a lambda block whose first statement stands beside its brace."""


@dataclass(slots=True)
class _Frame:
    """A stretch of text with its own rule for line breaks.

    `closer` is the bracket that ends it, None for the program itself. Line breaks
    count in the program and in lambda blocks (`lines`), not in other brackets.
    `indents` are the columns of its open blocks; `line_indent` is that of the line
    the current statement began on, `statement_indent` what continuations must pass.
    """

    closer: str | None
    lines: bool
    indents: list[int] = field(default_factory=list)
    line_indent: int = 0
    statement_indent: int = 0
    starting: bool = True
    in_pattern: bool = False
    in_generic: bool = False


class Layout:
    """The tokens of a program with its layout made visible."""

    def __init__(self, tokens: list[Token], findings: list[Diagnostic]) -> None:
        self.raw = tokens
        self._findings = findings
        self._found: list[tuple[int, Diagnostic]] = []
        self._index = 0
        self._pending: deque[Token] = deque()
        self._frames = [_Frame(None, lines=True)]
        self._line_indent = 0
        self._blank: str | None = None
        self._mixed = False

    def restart(self, index: int, seen: int) -> None:
        """Go on at raw token `index` as if a new program began there.

        Of tokens beyond `seen`, which nobody has taken, the findings are dropped.
        """
        kept = [item for item in self._found if item[0] <= seen]
        if len(kept) < len(self._found):
            self._mixed = any(item.message == _MIXED for item in self._findings)
        self._found = kept
        self._publish()
        self._index = index
        self._pending.clear()
        self._frames = [_Frame(None, lines=True)]

    def batch(self) -> list[Token]:
        """Return the next tokens, some hundred; in the end `eof` for ever.

        The end comes on its own, when all before it has been taken.
        """
        self._publish()
        found: list[Token] = []
        raw, frames = self.raw, self._frames
        while len(found) < _BATCH:
            frame = frames[-1]
            token = raw[self._index]
            if token.kind == "eof" and found and not self._pending:
                break
            if token.kind in _TURNS or self._pending or frame.lines:
                plain = token.lead is None and not frame.starting and not self._pending
                if not plain or token.kind in _TURNS:
                    found.append(self.pull())
                    if token.kind == "eof" and not self._pending:
                        break
                    continue
            self._index += 1
            found.append(token)
        return found

    def _publish(self) -> None:
        self._findings += [finding for _, finding in self._found]
        self._found.clear()

    def pull(self) -> Token:
        """Return the next token; after the last one `eof` for ever."""
        if self._pending:
            return self._pending.popleft()
        token = self.raw[self._index]
        frame = self._frames[-1]
        if token.kind == "eof":
            return self._end(frame, token)
        self._index += 1
        if frame.lines:
            self._place(frame, token)
        if token.kind in OPENERS:
            self._open(token)
        elif token.kind in CLOSERS:
            self._close(token)
        if self._pending:
            self._pending.append(token)
            return self._pending.popleft()
        return token

    def _place(self, frame: _Frame, token: Token) -> None:
        """Decide what stands between `token` and the one before it."""
        if token.kind == frame.closer:
            return
        if token.lead is not None:
            self._check_blanks(token)
            self._line_indent = len(token.lead)
        if frame.starting:
            if not frame.indents:
                known = token.lead is not None or frame.closer is None
                frame.indents.append(self._line_indent if known else _UNKNOWN)
            self._start_statement(frame, token)
        elif token.lead is not None:
            self._new_line(frame, token)
        if token.kind == ";":
            frame.starting = True
        elif token.kind == "<" and self.raw[token.index - 1].text == "Stream":
            frame.in_generic = True

    def _start_statement(self, frame: _Frame, token: Token) -> None:
        frame.starting = False
        frame.in_pattern = token.text == "pattern" and self.raw[token.index + 1].is_name
        frame.in_generic = False
        within_line = frame.closer is not None and token.lead is None
        frame.line_indent = self._line_indent
        frame.statement_indent = token.column - 1 if within_line else self._line_indent
        if token.lead is not None:
            self._settle(frame, token, self._line_indent)

    def _new_line(self, frame: _Frame, token: Token) -> None:
        indent = self._line_indent
        before = self._kind_before(token)
        if before == ":" and indent > frame.line_indent:
            self._insert("newline", token)
            self._insert("indent", token)
            frame.indents.append(indent)
        elif before != ":" and self._continues(frame, before, token):
            return
        else:
            self._insert("newline", token)
        self._start_statement(frame, token)

    def _kind_before(self, token: Token) -> str:
        """Return the kind of the last token on the line above; a member called
        like an operator (`x.or`) is a name."""
        at = token.index - 1
        is_member = at > 0 and self.raw[at - 1].kind in {".", "?."}
        return "name" if is_member else self.raw[at].kind

    def _continues(self, frame: _Frame, before: str, token: Token) -> bool:
        """Rules 2 to 4 of vpl.md section 1."""
        kind = token.kind
        if kind in CONTINUES_LINE:
            return True
        if kind == "not" and self.raw[token.index + 1].kind == "in":
            return True
        if self._line_indent > frame.statement_indent:
            return True
        if frame.in_pattern and before in {"+", "*"}:
            return False
        if frame.in_generic and before in {">", ">>"}:
            return False
        return before in LEAVES_OPEN

    def _settle(self, frame: _Frame, token: Token, indent: int) -> None:
        """End the blocks that `indent` has left."""
        indents = frame.indents
        while len(indents) > 1 and indent < indents[-1]:
            indents.pop()
            self._insert("dedent", token)
        if indents[-1] == _UNKNOWN:
            indents[-1] = indent
        elif indent != indents[-1]:
            self._report(token, "lines of a block must start at the same column")

    def _insert(self, kind: str, before: Token) -> None:
        index = before.index
        place = self.raw[index - 1] if kind == "newline" and index else before
        column = place.end_column if place is not before else before.column
        self._pending.append(
            Token(kind, "", None, place.line, column, column, None, index, place.origin)
        )

    def _open(self, token: Token) -> None:
        lines = token.kind == "{" and self._opens_block(token)
        self._frames.append(_Frame(OPENERS[token.kind], lines))

    def _opens_block(self, brace: Token) -> bool:
        """Tell whether a brace opens a lambda block: it does not read as a map."""
        if not brace.index or self.raw[brace.index - 1].kind != "=>":
            return False
        first = self.raw[brace.index + 1]
        if first.kind == "}":
            return False
        labelled = first.is_word or first.kind == "str"
        return not (labelled and self.raw[brace.index + 2].kind == ":")

    def _close(self, token: Token) -> None:
        frames = self._frames
        if not any(frame.closer == token.kind for frame in frames):
            return
        while frames[-1].closer != token.kind:
            frames.pop()
        frame = frames.pop()
        if frame.lines and not frame.starting:
            self._insert("newline", token)
        for _ in frame.indents[1:]:
            self._insert("dedent", token)

    def _end(self, frame: _Frame, token: Token) -> Token:
        if frame.lines and not frame.starting:
            frame.starting = True
            self._insert("newline", token)
        while len(frame.indents) > 1:
            frame.indents.pop()
            self._insert("dedent", token)
        if not self._pending:
            return token
        return self._pending.popleft()

    def _check_blanks(self, token: Token) -> None:
        lead = token.lead
        if not lead or self._mixed:
            return
        if self._blank is None:
            self._blank = lead[0]
        if lead.strip(self._blank):
            self._mixed = True
            self._report(token, _MIXED)

    def _report(self, token: Token, message: str) -> None:
        finding = Diagnostic("E104", message, token.span)
        self._found.append((token.index, finding))
