"""Imports: one program of a text and the files it names (vpl.md section 6).

The declarations of a file stand in the merged program right after the import that
names it first, so top-level statements run in the order in which they are read.
"""

from collections.abc import Callable, Mapping
from posixpath import dirname, join, normpath

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.limits import MAX_EXPANDED_TOKENS, MAX_IMPORT_DEPTH, MAX_IMPORTED_CHARS
from vpl.nodes import Decl, Program
from vpl.parser import ParseResult, parse

Loader = Callable[[str], str | None]
"""Gives the text of a file by its path relative to the program, `/` between folders;
None if it cannot be read."""

Imports = Mapping[str, str] | Loader
"""The sources of imports: bundled by path, or read one by one."""


def merge(source: str, imports: Imports | None = None, file: str = "") -> ParseResult:
    """Return the tree of `source` with the declarations of its imports.

    `file` is the path by which its imports would name the program itself. Findings in
    imports carry their file. Missing bundles are E096, missing files and cycles E095.
    """
    merger = _Merger(imports, file)
    parsed = parse(source)
    merger.add(parsed, folder="")
    return ParseResult(
        Program(tuple(merger.body), span=parsed.program.span),
        tuple(merger.findings),
        frozenset(merger.broken),
    )


class _Merger:
    def __init__(self, imports: Imports | None, file: str) -> None:
        self.body: list[Decl] = []
        self.findings: list[Diagnostic] = []
        self.broken: set[str] = set()
        bundle = {} if imports is None or callable(imports) else imports
        self._bundle = {normpath(path): text for path, text in bundle.items()}
        self._load = imports if callable(imports) else None
        self._open = [normpath(file)] if file else [""]
        self._known = set(self._open)
        self._chars_left = MAX_IMPORTED_CHARS
        self._tokens_left = MAX_EXPANDED_TOKENS

    def add(self, parsed: ParseResult, folder: str) -> None:
        """Add what a text declares; its imports are relative to `folder`."""
        self._tokens_left -= parsed.tokens
        self.findings += parsed.diagnostics
        self.broken |= parsed.broken_names
        for decl in parsed.program.body:
            self.body.append(decl)
            if isinstance(decl, nodes.ImportDecl):
                self._import(decl, folder)

    def _import(self, decl: nodes.ImportDecl, folder: str) -> None:
        path = self._path(decl.path, folder)
        if path in self._open:
            start = self._open.index(path)
            way = " -> ".join((*self._open[start:], path))
            self._report("E095", f"import cycle: {way}", decl)
            return
        if path in self._known:
            return
        text = self._load(path) if self._load else self._bundle.get(path)
        if text is None:
            self._report(*self._missing(path), decl)
        elif len(self._open) > MAX_IMPORT_DEPTH:
            message = f"imports go deeper than {MAX_IMPORT_DEPTH} files"
            self._report("E107", message, decl)
        elif len(text) > self._chars_left:
            message = f"imports are larger than {MAX_IMPORTED_CHARS} characters"
            self._report("E107", message, decl)
        else:
            self._known.add(path)
            self._chars_left -= len(text)
            self._open.append(path)
            self._add_file(parse(text, path), path, decl)
            self._open.pop()

    def _add_file(self, parsed: ParseResult, path: str, decl: nodes.ImportDecl) -> None:
        """Add an import, unless it makes the program too large with all before it."""
        if parsed.tokens > self._tokens_left:
            self._chars_left = -1
            message = f"program and imports have more than {MAX_EXPANDED_TOKENS} tokens"
            self._report("E107", message, decl)
        else:
            self.add(parsed, dirname(path))

    def _path(self, written: str, folder: str) -> str:
        """Return the path of a file; bundles may also have it as it is written."""
        path, plain = normpath(join(folder, written)), normpath(written)
        return plain if path not in self._bundle and plain in self._bundle else path

    def _missing(self, path: str) -> tuple[str, str]:
        if self._load:
            return "E095", f"cannot read the import '{path}'"
        return "E096", f"no source was sent along for import '{path}'"

    def _report(self, code: str, message: str, decl: nodes.ImportDecl) -> None:
        advice = {
            "E095": "paths are relative to the file that imports",
            "E096": "send it in 'imports' under exactly this path",
        }
        hint = None if "cycle" in message else advice.get(code)
        self.findings.append(Diagnostic(code, message, decl.name_span, hint))
