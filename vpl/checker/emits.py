"""What `emit` makes: W031, W034, W035, W053."""

from collections.abc import Iterator

from vpl import nodes
from vpl.analysis import stream_operations
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols
from vpl.visitor import walk


def idle_emits(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of emit statements that no `.process` reaches (W053)."""
    if not symbols.complete:
        return
    roots = [
        node
        for stream in symbols.program.body
        if isinstance(stream, nodes.StreamDecl)
        for node in stream_operations(stream)
        if isinstance(node, nodes.Operation) and node.name == "process"
    ]
    reached = [
        symbols.functions[name] for name in symbols.call_graph.reached_from(*roots)
    ]
    working = {id(node) for node in walk(*roots, *reached)}
    for node in symbols.all(nodes.EmitStmt):
        if id(node) not in working:
            message = "'emit' has no effect here: no '.process' comes to it"
            yield Diagnostic("W053", message, node.span)


def envelope_fields(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of fields called `event_type`, which hide the type on the wire (W034)."""
    emits = [op.args for op in symbols.all(nodes.Operation) if op.name == "emit"]
    emits += [statement.args for statement in symbols.all(nodes.EmitStmt)]
    for args in emits:
        for arg in args:
            if arg.name == "event_type":
                message = "field 'event_type' takes the place of the type on the wire"
                advice = "give the type with '.emit as T(..)'"
                yield Diagnostic("W034", message, arg.span, advice)


def ignored_contexts(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of `context: c` among the fields of an emit (W035)."""
    for node in symbols.all(nodes.Operation):
        for arg in node.args if node.name == "emit" else ():
            named = arg.value.id if isinstance(arg.value, nodes.Name) else None
            if arg.name == "context" and named in symbols.contexts:
                message = "'context:' in emit is ignored"
                advice = f"write '.context({named})'"
                yield Diagnostic("W035", message, arg.span, advice)


def undeclared_types(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of `emit as` types without declaration, in programs that declare some."""
    if not symbols.events:
        return
    for node in symbols.all(nodes.Operation):
        name = node.as_type
        if name is None:
            continue
        if name not in symbols.events and name not in symbols.broken:
            message = f"event type '{name}' is not declared"
            guess = hint(name, symbols.events)
            yield Diagnostic("W031", message, node.target_span, guess)
