"""What may be written at the cursor."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from engine.lsp.document import Document
from engine.lsp.positions import Place
from engine.lsp.situation import Situation, situation
from vpl.catalog import CONNECTOR_KINDS, OPERATIONS
from vpl.catalog.descriptions import (
    AGGREGATE_DESCRIPTIONS,
    BUILTIN_DESCRIPTIONS,
    OPERATION_DESCRIPTIONS,
    Description,
)
from vpl.tokens import DECLARATION_WORDS

TYPES = ("int", "float", "bool", "str", "timestamp", "duration", "any")
SOURCE_FORMS = ("merge", "join", "sequence", "timer", "all")
TOP_WORDS = (*sorted(DECLARATION_WORDS), "let", "var", "const", "fn", "for")
STATEMENT_WORDS = (
    *("let", "var", "const", "if", "for", "while", "return", "break", "continue"),
    "emit",
)
VALUE_WORDS = ("if", "then", "else", "and", "or", "not", "in", "is", "true", "false", "null")  # fmt: skip
_AGGREGATING = frozenset(("aggregate", "trend_aggregate", "having"))
_CONNECTING = frozenset(("to", "from", "enrich"))


class Suggestion(NamedTuple):
    """Something to insert; `kind` is as in `Entry`, or `keyword`, `operation`,
    `builtin`, `aggregate`, `parameter`, `field`, `alias`."""

    label: str
    kind: str
    detail: str = ""
    text: str = ""


def completions(document: Document, place: Place) -> list[Suggestion]:
    """Return what may stand at a place, each label once."""
    here = situation(document, place)
    if here is None:
        return []
    found: dict[str, Suggestion] = {}
    for item in _Completer(document, here).suggestions():
        found.setdefault(item.label, item)
    return list(found.values())


def _words(words: Iterable[str], kind: str = "keyword") -> Iterator[Suggestion]:
    for word in words:
        yield Suggestion(word, kind)


def _described(table: dict[str, Description], kind: str) -> Iterator[Suggestion]:
    for name, (signature, text) in table.items():
        yield Suggestion(name, kind, signature, text)


class _Completer:
    def __init__(self, document: Document, here: Situation) -> None:
        self._symbols = document.symbols
        self._here = here

    def suggestions(self) -> Iterator[Suggestion]:
        """Yield what fits, the nearest first."""
        here = self._here
        if not here.words:
            yield from _words(TOP_WORDS)
        elif here.text() in {".", "?."}:
            yield from self._after_dot()
        elif here.openers:
            yield from self._in_brackets()
        else:
            yield from self._by_declaration()

    # --- members and operations ---------------------------------------------------------

    def _after_dot(self) -> Iterator[Suggestion]:
        here = self._here
        event = here.aliases().get(here.text(2))
        if event is not None:
            yield from self._fields(event)
        if here.declares == "stream" and not here.openers:
            yield from _described(OPERATION_DESCRIPTIONS, "operation")
        elif event is None:
            yield from _described(BUILTIN_DESCRIPTIONS, "builtin")

    def _fields(self, event: str) -> Iterator[Suggestion]:
        for name, type_ref in (self._symbols.fields_of(event) or {}).items():
            yield Suggestion(name, "field", f"{event}.{name}: {type_ref.name}")

    # --- brackets -----------------------------------------------------------------------

    def _in_brackets(self) -> Iterator[Suggestion]:
        here = self._here
        if here.declares in {"connector", "context"}:
            yield from self._connector_params(here.text(len(here.words) - 3))
            return
        first = here.starts_argument and not here.arguments
        if here.operation == "context":
            yield from _words(self._symbols.contexts, "context")
            return
        if here.operation in _CONNECTING and first:
            yield from _words(self._symbols.connectors, "connector")
            return
        if here.starts_argument:
            yield from self._parameters(here.operation)
        if here.operation in _AGGREGATING:
            yield from _described(AGGREGATE_DESCRIPTIONS, "aggregate")
        if here.operation == "not" and first:
            yield from self._sources()
            return
        yield from self._values()

    def _parameters(self, operation: str) -> Iterator[Suggestion]:
        spec = OPERATIONS.get(operation)
        for parameter in spec.parameters if spec is not None else ():
            yield Suggestion(f"{parameter.name}: ", "parameter", parameter.kind)
        if operation in _CONNECTING:
            target = self._here.arguments[0].text if self._here.arguments else ""
            declared = self._symbols.connectors.get(target)
            if declared is not None:
                yield from self._connector_params(declared.kind)

    def _connector_params(self, kind: str) -> Iterator[Suggestion]:
        known = CONNECTOR_KINDS.get(kind)
        for name, value in (known.params if known is not None else {}).items():
            yield Suggestion(f"{name}: ", "parameter", value)

    # --- outside brackets -----------------------------------------------------------------

    def _by_declaration(self) -> Iterator[Suggestion]:
        here = self._here
        forms: dict[str, Callable[[], Iterator[Suggestion]]] = {
            "stream": self._in_stream,
            "event": self._in_event,
            "type": self._types,
            "pattern": self._in_pattern,
            "connector": lambda: _words(CONNECTOR_KINDS, "connector"),
            "fn": self._in_function,
        }
        if here.declares in forms:
            yield from forms[here.declares]()
        else:
            yield from self._values()
        yield from _words(TOP_WORDS)

    def _in_stream(self) -> Iterator[Suggestion]:
        before = self._here.text()
        if before in {"=", "->", "all"}:
            yield from self._sources()
            yield from _words(SOURCE_FORMS)
        elif before == ":":
            yield from self._types()
        else:
            yield from _words(("where", "as"))
            yield from self._values()

    def _in_event(self) -> Iterator[Suggestion]:
        if self._here.text() == "extends":
            yield from _words(self._symbols.events, "event")
        else:
            yield from self._types()

    def _in_pattern(self) -> Iterator[Suggestion]:
        yield from _words(("SEQ", "AND", "OR", "NOT", "within", "partition by"))
        yield from self._sources()

    def _in_function(self) -> Iterator[Suggestion]:
        yield from _words(STATEMENT_WORDS)
        if self._here.text() in {":", "->"}:
            yield from self._types()
        yield from self._values()

    # --- names ----------------------------------------------------------------------------

    def _sources(self) -> Iterator[Suggestion]:
        yield from _words(self._symbols.events, "event")
        yield from _words(self._symbols.streams, "stream")
        yield from _words(self._symbols.patterns, "pattern")

    def _types(self) -> Iterator[Suggestion]:
        yield from _words(TYPES)
        yield from _words(self._symbols.types, "type")
        yield from _words(self._symbols.events, "event")

    def _values(self) -> Iterator[Suggestion]:
        """Yield what an expression may begin or go on with."""
        for alias, event in self._here.aliases().items():
            yield from self._fields(event)
            yield Suggestion(alias, "alias", event)
        yield from self._locals()
        yield from _words(self._symbols.variables, "variable")
        yield from _words(self._symbols.functions, "function")
        yield from _described(BUILTIN_DESCRIPTIONS, "builtin")
        yield from _words(VALUE_WORDS)
        if self._here.declares == "fn":
            yield from self._sources()

    def _locals(self) -> Iterator[Suggestion]:
        """Yield parameters, variables and loop variables written so far."""
        if self._here.declares != "fn":
            return
        words = self._here.words
        opened = next((at for at, it in enumerate(words) if it.kind == ")"), 0)
        for at, token in enumerate(words[1:], start=1):
            before = words[at - 1].text
            declared = before in {"let", "var", "const", "for"}
            parameter = at < opened and before in {"(", ","}
            if token.is_name and (declared or parameter):
                yield Suggestion(token.text, "variable")
