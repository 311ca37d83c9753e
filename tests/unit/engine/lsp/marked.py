"""Programs with a mark `|` where the cursor stands."""

from textwrap import dedent

from engine.lsp.document import Document
from engine.lsp.positions import Place


def marked(text: str) -> tuple[Document, Place]:
    """Return the program without its mark, and the place of the mark."""
    before, mark, after = dedent(text).lstrip("\n").partition("|")
    assert mark
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Document(before + after), Place(line, column)
