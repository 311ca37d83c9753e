"""Where the names of a program stand, and what they stand for."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from engine.lsp.document import Document
from vpl import Span, nodes
from vpl.source import Origin
from vpl.tokens import Token
from vpl.visitor import children, walk


class Symbol(NamedTuple):
    """What a name stands for.

    `kind` is `source` (an event type, a stream or a pattern: they share their names),
    `function`, `variable`, `connector`, `context`, `type`, `local` or `alias`;
    `scope` is the function, stream or lambda that a local or an alias belongs to.
    """

    kind: str
    name: str
    scope: str = ""


class Occurrence(NamedTuple):
    """A place where a name stands; `span.file` is set in imports.

    A `bare` argument `.emit(x)` is both: the name of a field and the value for it.
    """

    symbol: Symbol
    span: Span
    declares: bool
    bare: bool = False


Scope = Mapping[str, Symbol]

_GLOBAL_KINDS: dict[type[nodes.Node], str] = {
    nodes.EventDecl: "source",
    nodes.StreamDecl: "source",
    nodes.PatternDecl: "source",
    nodes.FnDecl: "function",
    nodes.VarDecl: "variable",
    nodes.ConnectorDecl: "connector",
    nodes.ContextDecl: "context",
    nodes.TypeDecl: "type",
}

_STEPS = nodes.EventSource | nodes.SourcePart | nodes.SequenceStep


def occurrences(document: Document) -> list[Occurrence]:
    """Return the occurrences of all names, each place once.

    Names that a generator loop makes, like `Lane{v}`, are left out: they stand nowhere
    as such. Fields are left out too, as any event may have any field.
    """
    found: dict[tuple[str, int, int], Occurrence] = {}
    for item in _Finder(document).program():
        span = item.span
        place = Span(*span[:4], Origin(span.file))
        # Of the copies that a generator makes the first one stands for all.
        key = (span.file, span.line, span.column)
        found.setdefault(key, item._replace(span=place))
    return [it for it in found.values() if it.span.file or _stands(document, it)]


def _stands(document: Document, item: Occurrence) -> bool:
    text = document.positions.text(item.span)
    return text in {item.symbol.name, f"`{item.symbol.name}`"}


class _Finder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._symbols = document.symbols
        self._bare: set[Span] = set()
        self._globals: Scope = {
            **{name: Symbol("function", name) for name in self._symbols.functions},
            **{name: Symbol("variable", name) for name in self._symbols.variables},
        }

    def program(self) -> Iterator[Occurrence]:
        """Yield the occurrences of the whole program."""
        for decl in self._document.result.program.body:
            kind = _GLOBAL_KINDS.get(decl.__class__)
            name = getattr(decl, "name", None)
            if kind is not None and isinstance(decl, nodes.Named) and name:
                yield Occurrence(Symbol(kind, name), decl.name_span, declares=True)
            yield from self._types(decl)
            yield from self._inside(decl)

    def _inside(self, decl: nodes.Decl) -> Iterator[Occurrence]:
        match decl:
            case nodes.EventDecl(base=str(base)):
                yield from self._after_word(decl, "extends", Symbol("source", base))
            case nodes.FnDecl():
                yield from self._function(decl)
            case nodes.StreamDecl():
                yield from self._stream(decl)
            case nodes.PatternDecl():
                yield from self._pattern(decl)
            case nodes.VarDecl():
                yield from self._visit(decl.value, self._globals)
            case nodes.Assign():
                symbol = Symbol("variable", decl.name)
                yield Occurrence(symbol, decl.name_span, declares=False)
                yield from self._visit(decl.value, self._globals)

    # --- declarations ------------------------------------------------------------------

    def _types(self, decl: nodes.Decl) -> Iterator[Occurrence]:
        """Yield the uses of declared types below a declaration."""
        for node in walk(decl):
            if isinstance(node, nodes.TypeRef):
                known = node.name in self._symbols.types
                kind = "type" if known else "source"
                if known or node.name in self._symbols.events:
                    yield from self._first(node.span, Symbol(kind, node.name))

    def _function(self, decl: nodes.FnDecl) -> Iterator[Occurrence]:
        """Yield the names in a function; its scope is the whole of it."""
        names = [param.name for param in decl.params]
        for node in _statements(decl):
            match node:
                case nodes.VarDecl():
                    names.append(node.name)
                case nodes.Assign() if node.name not in self._symbols.variables:
                    names.append(node.name)
                case nodes.ForStmt():
                    names += [node.variable, *([node.second] if node.second else [])]
        scope = {name: Symbol("local", name, decl.name) for name in names}
        for param in decl.params:
            yield Occurrence(scope[param.name], param.name_span, declares=True)
        for statement in decl.body:
            yield from self._visit(statement, {**self._globals, **scope})

    def _pattern(self, decl: nodes.PatternDecl) -> Iterator[Occurrence]:
        events = (node for node in walk(decl) if isinstance(node, nodes.PatternEvent))
        aliases = [node.alias for node in events if node.alias]
        scope = self._with_aliases(decl.name, aliases)
        yield from self._visit(decl.root, scope)
        for part in (decl.within, *decl.partition_by):
            if part is not None:
                yield from self._visit(part, scope)

    def _stream(self, decl: nodes.StreamDecl) -> Iterator[Occurrence]:
        steps = (node for node in walk(decl) if isinstance(node, _STEPS))
        aliases = [node.alias for node in steps if node.alias]
        scope = self._with_aliases(decl.name, aliases)
        yield from self._visit(decl.source, scope)
        for op in decl.ops:
            yield from self._visit(op, scope)

    def _with_aliases(self, owner: str, aliases: Iterable[str]) -> Scope:
        symbols = {name: Symbol("alias", name, owner) for name in aliases}
        return {**self._globals, **symbols}

    # --- places ------------------------------------------------------------------------

    def _first(self, span: Span, symbol: Symbol) -> Iterator[Occurrence]:
        """Yield the name at the start of a span."""
        for token in self._document.tokens_of(span)[:1]:
            yield Occurrence(symbol, token.span, declares=False)

    def _after_word(
        self, node: nodes.Node, word: str, symbol: Symbol, *, declares: bool = False
    ) -> Iterator[Occurrence]:
        """Yield the name that follows the last `word` in a node."""
        tokens = self._document.tokens_of(node.span)
        for before, token in reversed(list(pairwise(tokens))):
            if before.text == word and token.text == symbol.name:
                yield Occurrence(symbol, token.span, declares)
                return

    # --- expressions and statements ------------------------------------------------------

    def _visit(self, root: nodes.Node, scope: Scope) -> Iterator[Occurrence]:
        """Yield the names below a node; lambdas get scopes of their own."""
        waiting: list[tuple[nodes.Node, Scope]] = [(root, scope)]
        while waiting:
            node, names = waiting.pop()
            yield from self._node(node, names)
            if isinstance(node, nodes.Lambda):
                names, params = self._lambda(node, names)
                for token in params:
                    yield Occurrence(names[token.text], token.span, declares=True)
            waiting += [(child, names) for child in reversed(children(node))]

    def _node(self, node: nodes.Node, scope: Scope) -> Iterator[Occurrence]:
        match node:
            case nodes.Name():
                yield from self._name(node, scope)
            case nodes.Arg(name=str()) if node.span == node.value.span:
                self._bare.add(node.span)
            case nodes.VarDecl() | nodes.Assign() if node.name in scope:
                declares = isinstance(node, nodes.VarDecl)
                yield Occurrence(scope[node.name], node.name_span, declares)
            case nodes.ForStmt():
                yield from self._loop(node, scope)
            case nodes.EmitStmt():
                symbol = Symbol("source", node.event_type)
                yield Occurrence(symbol, node.name_span, declares=False)
            case nodes.PatternEvent():
                symbol = Symbol("source", node.event_type)
                yield Occurrence(symbol, node.name_span, declares=False)
                yield from self._alias(node, node.alias, scope)
            case nodes.EventSource() | nodes.SourcePart() | nodes.SequenceStep():
                symbol = Symbol("source", node.name)
                yield Occurrence(symbol, node.name_span, declares=False)
                yield from self._alias(node, node.alias, scope)
            case nodes.Operation():
                yield from self._operation(node)

    def _name(self, node: nodes.Name, scope: Scope) -> Iterator[Occurrence]:
        symbol = scope.get(node.id)
        sources = (self._symbols.streams, self._symbols.events)
        if symbol is None and any(node.id in names for names in sources):
            symbol = Symbol("source", node.id)
        if symbol is not None:
            bare = node.span in self._bare
            yield Occurrence(symbol, node.span, declares=False, bare=bare)

    def _loop(self, node: nodes.ForStmt, scope: Scope) -> Iterator[Occurrence]:
        tokens = self._document.tokens_of(node.span)
        for name, at in ((node.variable, 1), (node.second, 3)):
            if name is not None and name in scope and at < len(tokens):
                yield Occurrence(scope[name], tokens[at].span, declares=True)

    def _lambda(self, node: nodes.Lambda, scope: Scope) -> tuple[Scope, list[Token]]:
        """Return the scope inside a lambda, and the tokens of its parameters."""
        place = f"{node.span.line}:{node.span.column}"
        names = [*node.params]
        names += [it.name for it in node.statements if isinstance(it, nodes.VarDecl)]
        inner = {name: Symbol("local", name, place) for name in names}
        params = []
        for token in self._document.tokens_of(node.span):
            if token.kind == "=>":
                break
            if token.is_name and token.text in inner:
                params.append(token)
        return {**scope, **inner}, params

    def _alias(
        self, node: nodes.Node, alias: str | None, scope: Scope
    ) -> Iterator[Occurrence]:
        """Yield the place where a source or a step is given its alias."""
        if alias is None:
            return
        symbol = scope[alias]
        if isinstance(node, nodes.SequenceStep):
            for found in self._first(node.span, symbol):
                yield found._replace(declares=True)
            return
        word = "as"
        if isinstance(node, nodes.SourcePart) and _is_named_part(
            self._document.tokens_of(node.span)
        ):
            word = "stream"
        yield from self._after_word(node, word, symbol, declares=True)

    def _operation(self, node: nodes.Operation) -> Iterator[Occurrence]:
        kinds = {"to": "connector", "from": "connector", "enrich": "connector"}
        kinds |= {"context": "context", "not": "source"}
        target = node.as_type or node.target
        kind = "source" if node.as_type else kinds.get(node.name)
        if target is not None and kind is not None:
            yield Occurrence(Symbol(kind, target), node.target_span, declares=False)


def _is_named_part(tokens: list[Token]) -> bool:
    return len(tokens) > 2 and tokens[0].text == "stream" and tokens[2].kind == "="


def _statements(decl: nodes.FnDecl) -> Iterator[nodes.Node]:
    """Yield what a function declares, lambdas left out."""
    waiting: list[nodes.Node] = [*decl.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, nodes.Lambda):
            waiting += children(node)
