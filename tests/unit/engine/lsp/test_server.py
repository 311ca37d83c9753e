"""When documents are checked, and what is kept of them."""

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.workspace import Workspace

from engine.lsp.server import VplServer, create_server

URI = "file:///programs/a.vpl"


class Watched(VplServer):
    """A server without a client: it notes what it would publish."""

    def __init__(self) -> None:
        super().__init__(debounce_s=0)
        self.published: asyncio.Queue[tuple[str, list[str]]] = asyncio.Queue()
        self.protocol._workspace = Workspace(None)

    def text_document_publish_diagnostics(
        self, params: lsp.PublishDiagnosticsParams
    ) -> None:
        codes = [str(found.code) for found in params.diagnostics]
        self.published.put_nowait((params.uri, codes))

    def open(self, text: str, uri: str = URI) -> None:
        item = lsp.TextDocumentItem(uri, "vpl", 1, text)
        self.workspace.put_text_document(item)


@pytest.fixture
async def server() -> Watched:
    return Watched()


async def test_quick_changes_are_checked_once(server: Watched) -> None:
    server.open("stream S = A .wher(x)\n")
    for _ in range(3):
        server.check_soon(URI)
    assert await server.published.get() == (URI, ["E082"])
    assert server.published.empty()


async def test_a_closed_document_loses_its_findings(server: Watched) -> None:
    server.open("stream = 1\n")
    server.check_soon(URI)
    server.forget(URI)
    assert await server.published.get() == (URI, [])
    await asyncio.sleep(0)
    assert server.published.empty()


async def test_an_unchanged_text_is_understood_once(server: Watched) -> None:
    server.open("let a = 1\n")
    first = server.document(URI)
    assert server.document(URI) is first
    server.open("let a = 2\n")
    assert server.document(URI) is not first


async def test_imports_are_read_beside_the_document(
    server: Watched, tmp_path: Path
) -> None:
    (tmp_path / "lib.vpl").write_text("fn twice(n): n * 2\n")
    uri = (tmp_path / "main.vpl").as_uri()
    text = 'import "lib.vpl"\nimport "gone.vpl"\nstream S = A .emit(x: twice(x))\n'
    server.open(text, uri)
    server.check(uri)
    assert await server.published.get() == (uri, ["E095"])


async def test_an_unsaved_document_has_no_files_to_import(server: Watched) -> None:
    server.open('import "lib.vpl"\n', "untitled:new")
    server.check("untitled:new")
    assert await server.published.get() == ("untitled:new", ["E096"])


def test_it_tells_editors_all_that_it_can() -> None:
    known = {*create_server().protocol.fm.features}
    assert {
        lsp.TEXT_DOCUMENT_COMPLETION,
        lsp.TEXT_DOCUMENT_HOVER,
        lsp.TEXT_DOCUMENT_DEFINITION,
        lsp.TEXT_DOCUMENT_REFERENCES,
        lsp.TEXT_DOCUMENT_RENAME,
        lsp.TEXT_DOCUMENT_PREPARE_RENAME,
        lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL,
        lsp.TEXT_DOCUMENT_FORMATTING,
    } <= known
