"""The language server itself: requests of the editor, answered from its documents."""

import asyncio
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from engine.lsp import navigation, outline, protocol
from engine.lsp.completion import completions
from engine.lsp.document import Document, Loader
from engine.lsp.hover import hover
from vpl import FormatError, Span, format_program
from vpl.limits import MAX_SOURCE_BYTES

DEBOUNCE_S = 0.2  # seconds without typing before a document is checked


class VplServer(LanguageServer):
    """A language server with the documents it has understood."""

    def __init__(self, debounce_s: float = DEBOUNCE_S) -> None:
        super().__init__("varpulis", version("varpulis"))
        self._debounce_s = debounce_s
        self._documents: dict[str, Document] = {}
        self._checks: dict[str, asyncio.TimerHandle] = {}

    def document(self, uri: str) -> Document:
        """Return the present text of a document; what is known of it is kept until
        the text changes."""
        source = self.workspace.get_text_document(uri).source
        known = self._documents.get(uri)
        if known is None or known.source != source:
            path = _path(uri)
            loader = None if path is None else _loader(path.parent)
            known = Document(source, loader, path.name if path is not None else "")
            self._documents[uri] = known
        return known

    def check_soon(self, uri: str) -> None:
        """Publish the findings of a document once nobody types for a moment."""
        self._cancel(uri)
        loop = asyncio.get_running_loop()
        self._checks[uri] = loop.call_later(self._debounce_s, self.check, uri)

    def check(self, uri: str) -> None:
        """Publish the findings of a document."""
        self._cancel(uri)
        document = self.document(uri)
        found = [
            protocol.diagnostic_of(document, uri, item)
            for item in outline.findings(document)
        ]
        self._publish(uri, found)

    def forget(self, uri: str) -> None:
        """Drop a document that was closed, and its findings."""
        self._cancel(uri)
        self._documents.pop(uri, None)
        self._publish(uri, [])

    def _cancel(self, uri: str) -> None:
        waiting = self._checks.pop(uri, None)
        if waiting is not None:
            waiting.cancel()

    def _publish(self, uri: str, found: list[lsp.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found))


def create_server(debounce_s: float = DEBOUNCE_S) -> VplServer:
    """Return a server that knows all requests."""
    server = VplServer(debounce_s)
    server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(_opened)
    server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    triggers = lsp.CompletionOptions(trigger_characters=[".", "(", "=", ">"])
    server.feature(lsp.TEXT_DOCUMENT_COMPLETION, triggers)(_complete)
    server.feature(lsp.TEXT_DOCUMENT_HOVER)(_hover)
    server.feature(lsp.TEXT_DOCUMENT_DEFINITION)(_definition)
    server.feature(lsp.TEXT_DOCUMENT_REFERENCES)(_references)
    server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)(_prepare_rename)
    server.feature(lsp.TEXT_DOCUMENT_RENAME)(_rename)
    server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(_symbols)
    server.feature(lsp.TEXT_DOCUMENT_FORMATTING)(_format)
    return server


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _loader(folder: Path) -> Loader:
    """Return what reads imports below a folder; unreadable ones are missing."""

    def load(path: str) -> str | None:
        try:
            raw = (folder / path).read_bytes()
            return raw[: MAX_SOURCE_BYTES + 1].decode("utf-8-sig")
        except (OSError, ValueError):
            return None

    return load


# --- documents ---------------------------------------------------------------------------


def _opened(server: VplServer, params: lsp.DidOpenTextDocumentParams) -> None:
    server.check(params.text_document.uri)


async def _changed(server: VplServer, params: lsp.DidChangeTextDocumentParams) -> None:
    server.check_soon(params.text_document.uri)


def _closed(server: VplServer, params: lsp.DidCloseTextDocumentParams) -> None:
    server.forget(params.text_document.uri)


# --- requests ----------------------------------------------------------------------------


def _complete(server: VplServer, params: lsp.CompletionParams) -> lsp.CompletionList:
    document = server.document(params.text_document.uri)
    place = protocol.place_of(document, params.position)
    found = [protocol.completion_of(item) for item in completions(document, place)]
    return lsp.CompletionList(is_incomplete=False, items=found)


def _hover(server: VplServer, params: lsp.HoverParams) -> lsp.Hover | None:
    document = server.document(params.text_document.uri)
    found = hover(document, protocol.place_of(document, params.position))
    if found is None:
        return None
    text, span = found
    content = lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
    return lsp.Hover(content, protocol.range_of(document, span))


def _definition(server: VplServer, params: lsp.DefinitionParams) -> list[lsp.Location]:
    uri = params.text_document.uri
    document = server.document(uri)
    place = protocol.place_of(document, params.position)
    spans = navigation.definitions(document, place)
    return [_location(server, uri, span) for span in spans]


def _references(server: VplServer, params: lsp.ReferenceParams) -> list[lsp.Location]:
    uri = params.text_document.uri
    document = server.document(uri)
    declared = params.context.include_declaration
    place = protocol.place_of(document, params.position)
    spans = navigation.references(document, place, declared=declared)
    return [_location(server, uri, span) for span in spans]


def _location(server: VplServer, uri: str, span: Span) -> lsp.Location:
    """Return a place in the document or in a file that it imports."""
    path = _path(uri)
    if not span.file or path is None:
        return lsp.Location(uri, protocol.range_of(server.document(uri), span))
    target = (path.parent / span.file).resolve().as_uri()
    return lsp.Location(target, protocol.range_of(server.document(target), span))


def _prepare_rename(
    server: VplServer, params: lsp.PrepareRenameParams
) -> lsp.PrepareRenamePlaceholder:
    document = server.document(params.text_document.uri)
    try:
        found = navigation.renameable(
            document, protocol.place_of(document, params.position)
        )
    except navigation.RenameError as error:
        raise JsonRpcInvalidParams(str(error)) from error
    place = protocol.range_of(document, found.span)
    return lsp.PrepareRenamePlaceholder(place, found.symbol.name)


def _rename(server: VplServer, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    uri = params.text_document.uri
    document = server.document(uri)
    place = protocol.place_of(document, params.position)
    try:
        edits = navigation.rename(document, place, params.new_name)
    except navigation.RenameError as error:
        raise JsonRpcInvalidParams(str(error)) from error
    return lsp.WorkspaceEdit({uri: [protocol.edit_of(document, it) for it in edits]})


def _symbols(
    server: VplServer, params: lsp.DocumentSymbolParams
) -> list[lsp.DocumentSymbol]:
    document = server.document(params.text_document.uri)
    entries = outline.entries(document)
    return [protocol.symbol_of(document, entry) for entry in entries]


def _format(
    server: VplServer, params: lsp.DocumentFormattingParams
) -> list[lsp.TextEdit]:
    """Replace the whole text; one with syntax errors is left alone."""
    document = server.document(params.text_document.uri)
    try:
        result = format_program(document.source)
    except FormatError:
        return []
    if result == document.source:
        return []
    end = lsp.Position(*document.positions.end())
    return [lsp.TextEdit(lsp.Range(lsp.Position(0, 0), end), result)]
