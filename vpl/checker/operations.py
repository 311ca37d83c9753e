"""Operations by the catalog: E080, E081, E082, E090, W082 and W091."""

from collections.abc import Iterator

from vpl import nodes
from vpl.analysis import stream_operations
from vpl.catalog import AVAILABLE, BUILTINS, OPERATIONS, OperationSpec
from vpl.diagnostics import Diagnostic
from vpl.source import Span
from vpl.suggestions import hint
from vpl.symbols import Symbols

_CONNECTED = frozenset(("from", "to"))


def operations(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check names and arguments of all operations."""
    for node in symbols.all(nodes.Operation):
        spec = OPERATIONS.get(node.name)
        if spec is None:
            message = f"unknown operation '.{node.name}'"
            guess = hint(node.name, OPERATIONS)
            if node.name in BUILTINS:
                guess = f"write '{node.name}(x)' or put the filter in parentheses"
            yield Diagnostic("E082", message, node.name_span, guess)
        else:
            yield from _arguments(node, spec)


def _arguments(op: nodes.Operation, spec: OperationSpec) -> Iterator[Diagnostic]:
    if op.name == "concurrent":
        message = "'.concurrent' has no effect"
        yield Diagnostic("W091", message, op.name_span, "use contexts")
    if spec.fields or op.name in _CONNECTED:
        return
    known = {parameter.name for parameter in spec.parameters}
    for arg in op.args:
        if arg.name in spec.ignored:
            message = f"'{arg.name}' of '.{op.name}' is ignored"
            yield Diagnostic("W082", message, arg.span)
        elif arg.name is not None and arg.name not in known:
            message = f"'.{op.name}' has no parameter '{arg.name}'"
            yield Diagnostic("E080", message, arg.span, _known(arg.name, known))
    yield from _missing(op, spec)


def _known(name: str, known: set[str]) -> str | None:
    listed = "known: " + ", ".join(sorted(known)) if known else None
    return hint(name, sorted(known)) or listed


def _missing(op: nodes.Operation, spec: OperationSpec) -> Iterator[Diagnostic]:
    given = {arg.name for arg in op.args}
    for parameter in spec.parameters:
        if parameter.required and parameter.name not in given:
            message = f"'.{op.name}' needs the parameter '{parameter.name}'"
            yield Diagnostic("E081", message, op.name_span)
    count = sum(arg.name is None for arg in op.args)
    if op.name == "window" and count + ("session" in given) != 1:
        message = "'.window' needs a size, or 'session:' with a gap, not both"
        yield Diagnostic("E081", message, op.name_span, "write .window(5m)")
    elif count < spec.least or (spec.most is not None and count > spec.most):
        message = f"'.{op.name}' has a wrong number of arguments: {count}"
        yield Diagnostic("E081", message, op.name_span)
    if op.name == "enrich" and "fields" not in given:
        message = "'.enrich' without 'fields:' adds only its status"
        yield Diagnostic("W032", message, op.name_span)


def availability(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report what this build does not run (E090)."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.StreamDecl):
            for form, what, place in _forms(decl, symbols):
                if form not in AVAILABLE:
                    message = f"{what} is not available in this build"
                    yield Diagnostic("E090", message, place)


_FORM_WORDS = {
    "event": "an event source",
    "pattern": "a named pattern as source",
    "all": "'all' before a source",
    "merge": "'merge'",
    "join": "'join'",
    "sequence": "'sequence'",
    "timer": "'timer'",
}


def _source_form(source: nodes.Source, symbols: Symbols) -> str:
    match source:
        case nodes.MergeSource():
            return "merge"
        case nodes.JoinSource():
            return "join"
        case nodes.SequenceSource():
            return "sequence"
        case nodes.TimerSource():
            return "timer"
        case nodes.EventSource(name=name) if name in symbols.patterns:
            return "pattern"
    return "all" if source.every else "event"


def _forms(
    stream: nodes.StreamDecl, symbols: Symbols
) -> Iterator[tuple[str, str, Span]]:
    """Yield what a stream uses: its key in AVAILABLE, in words, and its place."""
    form = _source_form(stream.source, symbols)
    yield f"source {form}", _FORM_WORDS[form], stream.source.span
    for node in stream_operations(stream):
        if isinstance(node, nodes.Follow):
            yield "source step", "'->'", node.span
        elif node.name in OPERATIONS:
            yield node.name, f"'.{node.name}'", node.name_span
