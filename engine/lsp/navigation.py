"""Going to definitions, finding references and renaming."""

import re
from dataclasses import dataclass

from engine.lsp.document import Document
from engine.lsp.occurrences import Occurrence, occurrences
from engine.lsp.positions import Place
from vpl import Span
from vpl.formatter.words import CONTEXT_WORDS
from vpl.tokens import RESERVED

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class RenameError(Exception):
    """The name cannot be changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the text and what to write there."""

    span: Span
    text: str


def occurrence_at(document: Document, place: Place) -> Occurrence | None:
    """Return the name at a place, None if there is none that means something."""
    token = document.token_at(place)
    if token is None or not token.is_name:
        return None
    here = (token.line, token.column)
    for item in occurrences(document):
        if (item.span.line, item.span.column) == here and not item.span.file:
            return item
    return None


def definitions(document: Document, place: Place) -> list[Span]:
    """Return where the name at a place is declared, in imports too."""
    here = occurrence_at(document, place)
    return _places(document, here, declared=True) if here is not None else []


def references(document: Document, place: Place, *, declared: bool) -> list[Span]:
    """Return where the name at a place is used, and declared if asked for."""
    here = occurrence_at(document, place)
    if here is None:
        return []
    found = [item for item in occurrences(document) if item.symbol == here.symbol]
    return [item.span for item in found if declared or not item.declares]


def _places(document: Document, here: Occurrence, *, declared: bool) -> list[Span]:
    found = [item for item in occurrences(document) if item.symbol == here.symbol]
    return [item.span for item in found if item.declares == declared]


def renameable(document: Document, place: Place) -> Occurrence:
    """Return the name at a place if it may be changed; raises RenameError.

    Only what the text itself declares may be renamed: event types that come from
    outside and fields are not this program's to name.
    """
    here = occurrence_at(document, place)
    if here is None:
        raise RenameError("there is no name here that this program declares")
    declared = _places(document, here, declared=True)
    if not declared:
        raise RenameError(f"'{here.symbol.name}' is not declared in this program")
    if any(span.file for span in declared):
        raise RenameError(f"'{here.symbol.name}' is declared in another file")
    return here


def rename(document: Document, place: Place, name: str) -> list[Edit]:
    """Return the edits that give the name at a place a new one; raises RenameError."""
    here = renameable(document, place)
    if not name.strip() or "`" in name or not name.isprintable():
        raise RenameError("a name needs at least one printable character, no backquote")
    everything = occurrences(document)
    if here.symbol._replace(name=name) in {item.symbol for item in everything}:
        raise RenameError(f"'{name}' is already used")
    written = _written(name)
    return [
        Edit(item.span, _replacement(document, item, written))
        for item in everything
        if item.symbol == here.symbol and not item.span.file
    ]


def _replacement(document: Document, item: Occurrence, written: str) -> str:
    """Return what to write; a bare argument keeps the name of its field."""
    if not item.bare:
        return written
    return f"{document.positions.text(item.span)}: {written}"


def _written(name: str) -> str:
    """Return a name as it stands in a program."""
    plain = _PLAIN.match(name) and name not in RESERVED and name not in CONTEXT_WORDS
    return name if plain else f"`{name}`"
