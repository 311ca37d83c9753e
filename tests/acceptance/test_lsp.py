"""`varpulis lsp` as editors use it: a real process, a real client, standard streams."""

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from tests.acceptance.real_commands import VARPULIS

LIMIT_S = 30  # seconds until an answer counts as missing
PROGRAM = """\
# \U0001f600 Hot ovens
event Oven: degrees: int, id: str
let limit = 90
stream Hot = Oven .where(degrees > limit) .emit(oven: id, t: "\U0001f600", over: limit)
"""

pytestmark = pytest.mark.process


class Editor:
    """A client with one open document."""

    def __init__(self, folder: Path) -> None:
        self.client = LanguageClient("test", "1")
        self.uri = (folder / "hot.vpl").as_uri()
        self._published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self._version = 1
        publish = self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)

        @publish
        def _(params: lsp.PublishDiagnosticsParams) -> None:
            self._published.put_nowait(params)

    async def start(self, folder: Path) -> lsp.InitializeResult:
        await self.client.start_io(str(VARPULIS), "lsp", cwd=folder)
        params = lsp.InitializeParams(
            lsp.ClientCapabilities(), root_uri=folder.as_uri()
        )
        result = await self.client.initialize_async(params)
        self.client.initialized(lsp.InitializedParams())
        return result

    async def stop(self) -> int | None:
        """Leave in good order and return the exit code of the server."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        process = self.client._server
        code = await asyncio.wait_for(process.wait(), LIMIT_S)
        await self.client.stop()
        return code

    def open(self, text: str) -> None:
        item = lsp.TextDocumentItem(self.uri, "vpl", self._version, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, text: str) -> None:
        self._version += 1
        document = lsp.VersionedTextDocumentIdentifier(self._version, self.uri)
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        params = lsp.DidChangeTextDocumentParams(document, [whole])
        self.client.text_document_did_change(params)

    async def findings(self) -> list[lsp.Diagnostic]:
        """Wait for the next findings."""
        published = await asyncio.wait_for(self._published.get(), LIMIT_S)
        return [*published.diagnostics]

    def at(self, line: int, character: int) -> dict[str, object]:
        """Return the parameters that name a place."""
        document = lsp.TextDocumentIdentifier(self.uri)
        return {"text_document": document, "position": lsp.Position(line, character)}

    @property
    def document(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)


@pytest.fixture
async def editor(tmp_path):
    found = Editor(tmp_path)
    await found.start(tmp_path)
    found.open(PROGRAM)
    assert await found.findings() == []
    yield found
    assert await found.stop() == 0


async def test_findings_follow_the_typing(editor):
    editor.change(PROGRAM.replace(".where(", ".wher("))
    (found,) = await editor.findings()
    assert (found.code, found.source) == ("E082", "vpl")
    assert found.severity == lsp.DiagnosticSeverity.Error
    assert "did you mean 'where'?" in found.message
    start = lsp.Position(3, 19)
    assert found.range == lsp.Range(start, lsp.Position(3, 23))
    editor.change(PROGRAM)
    assert await editor.findings() == []


async def test_it_completes_operations_and_fields(editor):
    editor.change(PROGRAM + "stream Cold = Oven as o .where(o.) .")
    await editor.findings()
    params = lsp.CompletionParams(**editor.at(4, 33))
    fields = await editor.client.text_document_completion_async(params)
    assert {"degrees", "id"} <= {item.label for item in fields.items}
    params = lsp.CompletionParams(**editor.at(4, 36))
    operations = await editor.client.text_document_completion_async(params)
    (emit,) = [item for item in operations.items if item.label == "emit"]
    assert emit.insert_text == "emit($0)"
    assert emit.detail == "emit(a, b: value, ..)"


async def test_hover_shows_signature_and_meaning(editor):
    params = lsp.HoverParams(**editor.at(3, 20))
    found = await editor.client.text_document_hover_async(params)
    assert "where(condition)" in found.contents.value
    assert "Keeps the events" in found.contents.value


async def test_definition_and_references_count_in_utf_16(editor):
    # Behind the smiley a UTF-16 position is one more than the code point's, 72.
    place = editor.at(3, 73)
    params = lsp.DefinitionParams(**place)
    (found,) = await editor.client.text_document_definition_async(params)
    assert found.range == lsp.Range(lsp.Position(2, 4), lsp.Position(2, 9))
    context = lsp.ReferenceContext(include_declaration=False)
    params = lsp.ReferenceParams(context, **place)
    uses = await editor.client.text_document_references_async(params)
    assert [(it.range.start.line, it.range.start.character) for it in uses] == [
        (3, 35),
        (3, 73),
    ]


async def test_rename_prepares_and_edits(editor):
    place = editor.at(2, 5)
    params = lsp.PrepareRenameParams(**place)
    prepared = await editor.client.text_document_prepare_rename_async(params)
    assert prepared.placeholder == "limit"
    params = lsp.RenameParams(new_name="most", **place)
    edit = await editor.client.text_document_rename_async(params)
    (edits,) = edit.changes.values()
    assert [(it.range.start.line, it.new_text) for it in edits] == [
        (2, "most"),
        (3, "most"),
        (3, "most"),
    ]


async def test_what_cannot_be_renamed_is_an_error(editor):
    params = lsp.PrepareRenameParams(**editor.at(0, 5))
    with pytest.raises(JsonRpcException, match="no name here"):
        await editor.client.text_document_prepare_rename_async(params)


async def test_it_lists_symbols(editor):
    params = lsp.DocumentSymbolParams(editor.document)
    found = await editor.client.text_document_document_symbol_async(params)
    assert [(item.name, item.detail) for item in found] == [
        ("Oven", "event"),
        ("limit", "variable"),
        ("Hot", "stream"),
    ]
    assert [child.name for child in found[0].children] == ["degrees", "id"]


async def test_it_formats_and_leaves_broken_texts_alone(editor):
    options = lsp.FormattingOptions(tab_size=4, insert_spaces=True)
    params = lsp.DocumentFormattingParams(editor.document, options)
    (edit,) = await editor.client.text_document_formatting_async(params)
    assert edit.range == lsp.Range(lsp.Position(0, 0), lsp.Position(4, 0))
    assert "stream Hot = Oven\n    .where(degrees > limit)\n" in edit.new_text
    editor.change("stream = 1")
    await editor.findings()
    assert not await editor.client.text_document_formatting_async(params)


async def test_definitions_lead_into_imported_files(editor, tmp_path):
    (tmp_path / "lib.vpl").write_text("# lib\nfn twice(n): n * 2\n")
    editor.change('import "lib.vpl"\nstream S = A .emit(x: twice(x))\n')
    assert await editor.findings() == []
    params = lsp.DefinitionParams(**editor.at(1, 23))
    (found,) = await editor.client.text_document_definition_async(params)
    assert found.uri == (tmp_path / "lib.vpl").as_uri()
    assert found.range.start == lsp.Position(1, 3)
