"""What a name means, as Markdown."""

from engine.lsp.document import Document
from engine.lsp.navigation import occurrence_at
from engine.lsp.occurrences import Occurrence
from engine.lsp.positions import Place
from engine.lsp.situation import Situation, situation
from vpl import Span, nodes
from vpl.catalog.descriptions import (
    AGGREGATE_DESCRIPTIONS,
    BUILTIN_DESCRIPTIONS,
    OPERATION_DESCRIPTIONS,
    Description,
)
from vpl.tokens import Token

_AGGREGATING = frozenset(("aggregate", "trend_aggregate"))
_LONGEST = 400


def hover(document: Document, place: Place) -> tuple[str, Span] | None:
    """Return the meaning of the name at a place and where the name stands."""
    token = document.token_at(place)
    here = situation(document, place)
    if token is None or not token.is_word or here is None:
        return None
    known = occurrence_at(document, place)
    if known is not None and known.symbol.kind not in {"alias", "local"}:
        return _declared(document, known), token.span
    described = _described(document, token, here)
    if described is not None:
        return _markdown(described.signature, described.text), token.span
    if known is not None:
        return _markdown(known.symbol.name, f"{known.symbol.kind} name"), token.span
    return None


def _described(document: Document, token: Token, here: Situation) -> Description | None:
    """Return the description of an operation, an aggregate or a builtin."""
    following = document.tokens[token.index + 1]
    if following.kind != "(" and token.text != "emit":
        return None
    operation = here.text() == "." and here.declares == "stream" and not here.openers
    if operation and token.text in OPERATION_DESCRIPTIONS:
        return OPERATION_DESCRIPTIONS[token.text]
    if here.operation in _AGGREGATING and token.text in AGGREGATE_DESCRIPTIONS:
        return AGGREGATE_DESCRIPTIONS[token.text]
    return BUILTIN_DESCRIPTIONS.get(token.text)


def _declared(document: Document, known: Occurrence) -> str:
    """Return the declaration of a name as it was written, shortened."""
    name = known.symbol.name
    for decl in document.result.program.body:
        if getattr(decl, "name", None) != name or not _declares(decl, known):
            continue
        if decl.span.file:
            return _markdown(name, f"declared in {decl.span.file}")
        return _markdown(_source(document, decl), "")
    return _markdown(name, "not declared in this program")


def _declares(decl: nodes.Decl, known: Occurrence) -> bool:
    kinds: dict[str, tuple[type[nodes.Node], ...]] = {
        "source": (nodes.EventDecl, nodes.StreamDecl, nodes.PatternDecl),
        "function": (nodes.FnDecl,),
        "variable": (nodes.VarDecl,),
        "connector": (nodes.ConnectorDecl,),
        "context": (nodes.ContextDecl,),
        "type": (nodes.TypeDecl,),
    }
    return isinstance(decl, kinds[known.symbol.kind])


def _source(document: Document, decl: nodes.Decl) -> str:
    """Return the text of a declaration; of a function only its header."""
    span = decl.span
    last = span.line if isinstance(decl, nodes.FnDecl) else span.end_line
    lines = document.source.split("\n")[span.line - 1 : last]
    text = "\n".join(line.rstrip() for line in lines)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} .."


def _markdown(code: str, text: str) -> str:
    return f"```vpl\n{code}\n```" + (f"\n{text}" if text else "")
