"""What streams read: W030 sources, W033 fields, W041 shadowed globals."""

from collections.abc import Iterator

from vpl import nodes
from vpl.checker.views import Event, View, views
from vpl.diagnostics import Diagnostic
from vpl.source import Span
from vpl.suggestions import hint
from vpl.symbols import IMPLICIT_NAMES, Symbols
from vpl.visitor import children, walk


def unknown_sources(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of sources nobody declares or produces, if the program declares events."""
    if not symbols.events or not symbols.complete:
        return
    known = {*symbols.events, *symbols.produced, *symbols.patterns}
    known.update(f"Timer_{name}" for name in _timers(symbols))
    in_order = sorted(known)
    for name, place in named_events(symbols):
        if name not in known:
            message = f"nothing declares or produces '{name}'"
            yield Diagnostic("W030", message, place, hint(name, in_order))


def named_events(symbols: Symbols) -> Iterator[tuple[str, Span]]:
    """Yield the names of all events that something looks for."""
    named: list[nodes.EventSource | nodes.SourcePart | nodes.SequenceStep] = [
        *symbols.all(nodes.EventSource),
        *symbols.all(nodes.SourcePart),
        *symbols.all(nodes.SequenceStep),
    ]
    for node in named:
        yield node.name, node.name_span
    for event in symbols.all(nodes.PatternEvent):
        yield event.event_type, event.name_span
    for op in symbols.all(nodes.Operation):
        if op.name == "not" and op.target is not None:
            yield op.target, op.target_span


def _timers(symbols: Symbols) -> Iterator[str]:
    for name, stream in symbols.streams.items():
        if isinstance(stream.source, nodes.TimerSource):
            yield name


def declared_fields(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of names that are no field of the declared event (W033)."""
    for _, root, view in views(symbols):
        yield from _fields_below(root, view, symbols)


def _fields_below(
    root: nodes.Node, view: View, symbols: Symbols
) -> Iterator[Diagnostic]:
    nothing: frozenset[str] = frozenset()
    waiting: list[tuple[nodes.Node, frozenset[str]]] = [(root, nothing)]
    while waiting:
        node, names = waiting.pop()
        match node:
            case nodes.Name(id=name):
                declared = name in symbols.variables or name in symbols.broken
                if not declared and name not in names and not _is_known(name, view):
                    yield _unknown_field(name, node.span, view.event)
                continue
            case nodes.Member(target=nodes.Name(id=alias), name=name):
                event = None if alias in names else _whole(alias, view)
                if event is not None:
                    if not event.may_have(name) and name not in IMPLICIT_NAMES:
                        yield _unknown_field(name, node.span, event)
                    continue
                if f"{alias}_{name}" in (view.event.fields or ()):
                    continue
            case nodes.Call(function=nodes.Name()):
                waiting.extend((arg, names) for arg in node.args)
                continue
            case nodes.Lambda():
                names = names | frozenset(_bound_below(node))
        waiting.extend((child, names) for child in children(node))


def _is_known(name: str, view: View) -> bool:
    """Tell whether a bare name may be there."""
    fields = view.event.fields
    if fields is None or name in fields or name in IMPLICIT_NAMES:
        return True
    return name in view.aliases or view.may_make(name)


def _whole(alias: str, view: View) -> Event | None:
    """Return the event a name stands for, None if it may be something else."""
    is_field = alias in (view.event.fields or ())
    return None if is_field else view.aliases.get(alias)


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


def _unknown_field(name: str, place: Span, event: Event) -> Diagnostic:
    message = f"event '{event.type}' has no field '{name}'"
    return Diagnostic("W033", message, place, hint(name, sorted(event.fields or ())))


def shadowed_globals(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn once per stream of a global that a declared field hides (W041)."""
    warned: set[str] = set()
    for decl, root, view in views(symbols) if symbols.variables else ():
        if isinstance(decl, nodes.StreamDecl) and decl.name not in warned:
            hidden = view.bare.keys() & symbols.variables.keys()
            for node in walk(root) if hidden else ():
                if isinstance(node, nodes.Name) and node.id in hidden:
                    warned.add(decl.name)
                    message = (
                        f"'{node.id}' is the field of event '{view.event.type}', "
                        "not the global of that name"
                    )
                    yield Diagnostic("W041", message, node.span)
                    break
