"""What streams read: W030 sources, W033 fields, W041 shadowed globals."""

from collections.abc import Iterator
from dataclasses import dataclass

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.source import Span
from vpl.suggestions import hint
from vpl.symbols import IMPLICIT_NAMES, Symbols
from vpl.visitor import children, walk

_RESHAPING = frozenset((
    *("select", "emit", "map", "process", "aggregate", "collect", "enrich"),
    *("score", "forecast", "trend_aggregate", "fork"),
))


def unknown_sources(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of sources nobody declares or produces, if the program declares events."""
    if not symbols.events or not symbols.complete:
        return
    known = {*symbols.events, *symbols.produced, *symbols.patterns}
    known.update(f"Timer_{name}" for name in _timers(symbols))
    in_order = sorted(known)
    sources: list[nodes.EventSource | nodes.SourcePart | nodes.SequenceStep] = [
        *symbols.all(nodes.EventSource),
        *symbols.all(nodes.SourcePart),
        *symbols.all(nodes.SequenceStep),
    ]
    for node in sources:
        if node.name not in known:
            message = f"nothing declares or produces '{node.name}'"
            guess = hint(node.name, in_order)
            yield Diagnostic("W030", message, node.name_span, guess)


def _timers(symbols: Symbols) -> Iterator[str]:
    for name, stream in symbols.streams.items():
        if isinstance(stream.source, nodes.TimerSource):
            yield name


@dataclass(frozen=True, slots=True)
class _Reader:
    """A stream whose events have declared fields, and the names it may use."""

    event: str
    fields: frozenset[str]
    aliases: frozenset[str]

    @classmethod
    def of(cls, stream: nodes.StreamDecl, symbols: Symbols) -> "_Reader | None":
        """Return None where the fields of the events are not known."""
        source = stream.source
        if not isinstance(source, nodes.EventSource) or source.every:
            return None
        fields = symbols.fields_of(source.name)
        if fields is None or source.name in symbols.patterns:
            return None
        own = {source.name, source.alias} if source.alias else {source.name}
        return cls(source.name, frozenset(fields), frozenset(own))


def _readable(stream: nodes.StreamDecl) -> Iterator[nodes.Node]:
    """Yield the expressions that see the fields of the source's events."""
    source = stream.source
    if isinstance(source, nodes.EventSource) and source.where is not None:
        yield source.where
    for op in stream.ops:
        if isinstance(op, nodes.Follow) or op.name in {"not", "to", "from", "context"}:
            return
        if op.name != "emit" or not op.as_type:
            yield from (arg.value for arg in op.args)
        if op.name in _RESHAPING:
            return


def declared_fields(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of names that are no field of the declared event (W033)."""
    for stream, reader in _readers(symbols):
        for root in _readable(stream):
            yield from _fields_below(root, reader, symbols)


def _readers(symbols: Symbols) -> Iterator[tuple[nodes.StreamDecl, _Reader]]:
    for stream in symbols.streams.values() if symbols.events else ():
        reader = _Reader.of(stream, symbols)
        if reader is not None:
            yield stream, reader


def _fields_below(
    root: nodes.Node, reader: _Reader, symbols: Symbols
) -> Iterator[Diagnostic]:
    known = reader.fields | reader.aliases | IMPLICIT_NAMES
    nothing: frozenset[str] = frozenset()
    waiting: list[tuple[nodes.Node, frozenset[str]]] = [(root, nothing)]
    while waiting:
        node, names = waiting.pop()
        match node:
            case nodes.Name(id=name):
                declared = name in symbols.variables or name in symbols.broken
                if not declared and name not in known and name not in names:
                    yield _unknown_field(name, node.span, reader)
                continue
            case nodes.Member(target=nodes.Name(id=alias), name=name):
                whole = alias in reader.aliases and alias not in reader.fields
                if whole and name not in reader.fields | IMPLICIT_NAMES:
                    yield _unknown_field(name, node.span, reader)
                    continue
                if f"{alias}_{name}" in reader.fields:
                    continue
            case nodes.Call(function=nodes.Name()):
                waiting.extend((arg, names) for arg in node.args)
                continue
            case nodes.Lambda():
                names = names | frozenset(_bound_below(node))
        waiting.extend((child, names) for child in children(node))


def _bound_below(root: nodes.Lambda) -> Iterator[str]:
    """Yield the names that a lambda binds anywhere in it."""
    for node in walk(root):
        match node:
            case nodes.Lambda(params=params):
                yield from params
            case nodes.VarDecl(name=name) | nodes.Assign(name=name):
                yield name
            case nodes.ForStmt(variable=variable, second=second):
                yield variable
                if second is not None:
                    yield second


def _unknown_field(name: str, place: Span, reader: _Reader) -> Diagnostic:
    message = f"event '{reader.event}' has no field '{name}'"
    return Diagnostic("W033", message, place, hint(name, sorted(reader.fields)))


def shadowed_globals(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn once per stream of a global that a declared field hides (W041)."""
    for stream, reader in _readers(symbols) if symbols.variables else ():
        hidden = reader.fields & frozenset(symbols.variables)
        for node in walk(*_readable(stream)):
            if isinstance(node, nodes.Name) and node.id in hidden:
                message = (
                    f"'{node.id}' is the field of event '{reader.event}', "
                    "not the global of that name"
                )
                yield Diagnostic("W041", message, node.span)
                break
