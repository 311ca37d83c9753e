"""What `emit` makes: W031, W034, W035, W053."""

from collections.abc import Iterator

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import walk


def idle_emits(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of emit statements that no `.process` reaches (W053)."""
    roots = [
        node
        for stream in symbols.program.body
        if isinstance(stream, nodes.StreamDecl)
        for node in walk(stream)
        if isinstance(node, nodes.Operation) and node.name == "process"
    ]
    reached = [
        symbols.functions[name] for name in symbols.call_graph.reached_from(*roots)
    ]
    working = {id(node) for node in walk(*roots, *reached)}
    for node in walk(symbols.program):
        if isinstance(node, nodes.EmitStmt) and id(node) not in working:
            message = "'emit' has no effect here: no '.process' comes to it"
            yield Diagnostic("W053", message, node.span)


def envelope_fields(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of fields called `event_type`, which hide the type on the wire (W034)."""
    for node in walk(symbols.program):
        is_emit = isinstance(node, nodes.EmitStmt) or (
            isinstance(node, nodes.Operation) and node.name == "emit"
        )
        if not is_emit or not isinstance(node, nodes.EmitStmt | nodes.Operation):
            continue
        for arg in node.args:
            if arg.name == "event_type":
                message = "field 'event_type' takes the place of the type on the wire"
                advice = "give the type with '.emit as T(..)'"
                yield Diagnostic("W034", message, arg.span, advice)


def ignored_contexts(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of `context: c` among the fields of an emit (W035)."""
    for node in walk(symbols.program):
        if not isinstance(node, nodes.Operation) or node.name != "emit":
            continue
        for arg in node.args:
            named = arg.value.id if isinstance(arg.value, nodes.Name) else None
            if arg.name == "context" and named in symbols.contexts:
                message = "'context:' in emit is ignored"
                advice = f"write '.context({named})'"
                yield Diagnostic("W035", message, arg.span, advice)


def undeclared_types(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of `emit as` types without declaration, in programs that declare some."""
    if not symbols.events:
        return
    for node in walk(symbols.program):
        if not isinstance(node, nodes.Operation) or node.as_type is None:
            continue
        name = node.as_type
        if name not in symbols.events and name not in symbols.broken:
            message = f"event type '{name}' is not declared"
            guess = hint(name, symbols.events)
            yield Diagnostic("W031", message, node.target_span, guess)
