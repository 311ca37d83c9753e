"""Our data as the types of the Language Server Protocol."""

from lsprotocol import types as lsp

from engine.lsp.completion import Suggestion
from engine.lsp.document import Document
from engine.lsp.navigation import Edit
from engine.lsp.outline import SOURCE, Entry
from engine.lsp.positions import Place, Point
from vpl import Diagnostic, Span

_SYMBOL_KINDS = {
    "event": lsp.SymbolKind.Struct,
    "stream": lsp.SymbolKind.Event,
    "pattern": lsp.SymbolKind.Interface,
    "function": lsp.SymbolKind.Function,
    "variable": lsp.SymbolKind.Variable,
    "connector": lsp.SymbolKind.Module,
    "context": lsp.SymbolKind.Namespace,
    "type": lsp.SymbolKind.Class,
    "field": lsp.SymbolKind.Field,
}
_COMPLETION_KINDS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "operation": lsp.CompletionItemKind.Method,
    "builtin": lsp.CompletionItemKind.Function,
    "aggregate": lsp.CompletionItemKind.Function,
    "parameter": lsp.CompletionItemKind.Property,
    "field": lsp.CompletionItemKind.Field,
    "alias": lsp.CompletionItemKind.Variable,
    "event": lsp.CompletionItemKind.Struct,
    "stream": lsp.CompletionItemKind.Event,
    "pattern": lsp.CompletionItemKind.Interface,
    "function": lsp.CompletionItemKind.Function,
    "variable": lsp.CompletionItemKind.Variable,
    "connector": lsp.CompletionItemKind.Module,
    "context": lsp.CompletionItemKind.Module,
    "type": lsp.CompletionItemKind.Class,
}


def place_of(document: Document, position: lsp.Position) -> Place:
    """Return a position of the editor as ours."""
    return document.positions.place(Point(position.line, position.character))


def range_of(document: Document, span: Span) -> lsp.Range:
    """Return a span as a range of the editor."""
    start, end = document.positions.ends(span)
    return lsp.Range(lsp.Position(*start), lsp.Position(*end))


def diagnostic_of(document: Document, uri: str, found: Diagnostic) -> lsp.Diagnostic:
    """Return a finding with its hint in the message."""
    severity = lsp.DiagnosticSeverity.Error
    if found.severity == "warning":
        severity = lsp.DiagnosticSeverity.Warning
    message = found.message if found.hint is None else f"{found.message}: {found.hint}"
    related = [
        lsp.DiagnosticRelatedInformation(
            lsp.Location(uri, range_of(document, item.span)), item.message
        )
        for item in found.related
        if not item.span.file
    ]
    return lsp.Diagnostic(
        range_of(document, found.span),
        message,
        severity=severity,
        code=found.code,
        source=SOURCE,
        related_information=related or None,
    )


def symbol_of(document: Document, entry: Entry) -> lsp.DocumentSymbol:
    """Return a declaration."""
    return lsp.DocumentSymbol(
        entry.name,
        _SYMBOL_KINDS[entry.kind],
        range_of(document, entry.span),
        range_of(document, entry.name_span),
        detail=entry.kind,
        children=[symbol_of(document, child) for child in entry.children],
    )


def completion_of(item: Suggestion) -> lsp.CompletionItem:
    """Return a suggestion; operations and functions come with their brackets."""
    called = item.kind in {"operation", "builtin", "aggregate"}
    return lsp.CompletionItem(
        item.label,
        kind=_COMPLETION_KINDS[item.kind],
        detail=item.detail or None,
        documentation=item.text or None,
        insert_text=f"{item.label}($0)" if called else None,
        insert_text_format=lsp.InsertTextFormat.Snippet if called else None,
    )


def edit_of(document: Document, edit: Edit) -> lsp.TextEdit:
    """Return an edit."""
    return lsp.TextEdit(range_of(document, edit.span), edit.text)
