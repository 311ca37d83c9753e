"""The declarations of a document as a tree, and its findings."""

from dataclasses import dataclass

from engine.lsp.document import Document
from vpl import Diagnostic, Span, nodes

SOURCE = "vpl"
_KINDS: dict[type[nodes.Node], str] = {
    nodes.EventDecl: "event",
    nodes.StreamDecl: "stream",
    nodes.PatternDecl: "pattern",
    nodes.FnDecl: "function",
    nodes.VarDecl: "variable",
    nodes.ConnectorDecl: "connector",
    nodes.ContextDecl: "context",
    nodes.TypeDecl: "type",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A declaration: its kind, name, whole stretch and the place of its name."""

    kind: str
    name: str
    span: Span
    name_span: Span
    children: tuple["Entry", ...] = ()


def entries(document: Document) -> list[Entry]:
    """Return the declarations of the text itself; of those that a generator repeats
    each place once."""
    found: dict[tuple[int, int], Entry] = {}
    for decl in document.result.program.body:
        kind = _KINDS.get(decl.__class__)
        if kind is None or decl.span.file or not isinstance(decl, nodes.Named):
            continue
        written = document.positions.text(decl.name_span)
        name = written if "{" in written else str(getattr(decl, "name", ""))
        entry = Entry(kind, name, decl.span, decl.name_span, _fields(decl))
        found.setdefault((decl.span.line, decl.span.column), entry)
    return list(found.values())


def _fields(decl: nodes.Node) -> tuple[Entry, ...]:
    if not isinstance(decl, nodes.EventDecl):
        return ()
    return tuple(
        Entry("field", field.name, field.span, field.name_span) for field in decl.fields
    )


def findings(document: Document) -> list[Diagnostic]:
    """Return what is wrong in the text itself, and of an import that it is wrong."""
    return [found for found in document.result.diagnostics if not found.span.file]
