"""From text to tree: `parse` never raises, whatever the text."""

from dataclasses import dataclass

from vpl.collector import without_collection
from vpl.diagnostics import Diagnostic
from vpl.generators import tokenize_expanded
from vpl.lexer import LexResult
from vpl.limits import MAX_FINDINGS, MAX_SOURCE_BYTES
from vpl.nodes import Decl, Program
from vpl.parser.cursor import SyntaxFaultError
from vpl.parser.declarations import DeclarationParser
from vpl.source import NOWHERE, TYPED, Origin, Span

__all__ = ["ParseResult", "parse"]


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What could be understood of a text, and what was wrong with it.

    `program` lacks the declarations with syntax errors; `broken_names` are the
    names those would have declared, so that their uses are not called unknown. After
    `MAX_FINDINGS` errors the rest of the text is not looked at. `tokens` is the size
    of the text.
    """

    program: Program
    diagnostics: tuple[Diagnostic, ...]
    broken_names: frozenset[str] = frozenset()
    tokens: int = 0


def parse(source: str, file: str = "") -> ParseResult:
    """Return the tree of `source`, its findings in the order of discovery.

    `file` is the path of an import; all spans then name it.
    """
    origin = Origin(file) if file else TYPED
    if _too_large(source):
        place = NOWHERE._replace(origin=origin)
        finding = Diagnostic("E107", "program is larger than 1 MiB", place)
        return ParseResult(Program(()), (finding,))
    with without_collection():
        lexed = tokenize_expanded(source, origin)
        parser = _ProgramParser(lexed)
        parser.program()
    return ParseResult(
        Program(tuple(parser.body), span=parser.whole()),
        tuple(parser.diagnostics),
        frozenset(parser.broken),
        len(lexed.tokens),
    )


def _too_large(source: str) -> bool:
    if len(source) * 4 <= MAX_SOURCE_BYTES:
        return False
    return len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES


class _ProgramParser(DeclarationParser):
    """The top level, with recovery at the next declaration."""

    def __init__(self, lexed: LexResult) -> None:
        super().__init__(lexed)
        self.body: list[Decl] = []
        self.broken: set[str] = set()

    def program(self) -> None:
        """Fill `body` up to the end of the text, or to the last error shown."""
        warnings = sum(found.severity == "warning" for found in self.diagnostics)
        while len(self.diagnostics) - warnings < MAX_FINDINGS:
            while self.token.kind in {"newline", ";", "dedent"}:
                self.advance()
            if self.at("eof"):
                return
            self._next()

    def _next(self) -> None:
        """Parse one declaration, or report and skip it."""
        start = self.token
        name = self.peek()
        try:
            declaration = self.declaration()
        except SyntaxFaultError:
            if name.is_name:
                self.broken.add(name.text)
            self.resume(start.index)
            return
        if declaration is not None:
            self.body.append(declaration)
        if not self.at_statement_end():
            self.report_rest()
            self.resume(start.index)

    def whole(self) -> Span:
        """Return the span of the text."""
        end = self.token
        return Span(1, 1, end.line, end.column, end.origin)
