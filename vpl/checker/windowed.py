"""Window functions where no window is gathered: W072."""

from collections.abc import Iterator

from vpl import nodes
from vpl.catalog import AGGREGATES, BUILTINS
from vpl.diagnostics import Diagnostic
from vpl.kinds import declared_kind
from vpl.symbols import Symbols
from vpl.visitor import walk

_BOTH = frozenset(AGGREGATES) & frozenset(BUILTINS)
_CONDITIONS = frozenset(("where", "filter", "having", "select", "emit", "map", "print"))


def window_functions(symbols: Symbols) -> Iterator[Diagnostic]:
    """Warn of `avg(field)` and the like outside `.aggregate` in windowed streams."""
    for stream in symbols.streams.values():
        after = _after_window(stream)
        if after:
            made = _made_by(after) | _arrays(stream, symbols)
            for op in after:
                if op.name in _CONDITIONS:
                    yield from _calls(op, made, symbols)


def _after_window(stream: nodes.StreamDecl) -> list[nodes.Operation]:
    """Return the operations from the window on, none if there is no window."""
    ops = [op for op in stream.ops if isinstance(op, nodes.Operation)]
    if isinstance(stream.source, nodes.JoinSource):
        return []
    starts = [at for at, op in enumerate(ops) if op.name == "window"]
    return ops[starts[0] :] if starts else []


def _made_by(ops: list[nodes.Operation]) -> frozenset[str]:
    """Return the fields that operations make, which may hold arrays."""
    found = {"events"}
    for op in ops:
        if op.name in {"aggregate", "select", "emit"}:
            found.update(arg.name for arg in op.args if arg.name and not _plain(arg))
    return frozenset(found)


def _plain(arg: nodes.Arg) -> bool:
    """Tell whether an argument passes a field on under its own name."""
    return isinstance(arg.value, nodes.Name) and arg.value.id == arg.name


def _arrays(stream: nodes.StreamDecl, symbols: Symbols) -> frozenset[str]:
    """Return the declared fields of the source that hold arrays."""
    source = stream.source
    name = source.name if isinstance(source, nodes.EventSource) else ""
    fields = symbols.fields_of(name) or {}
    return frozenset(
        field for field, kind in fields.items() if declared_kind(kind) == "array"
    )


def _calls(
    op: nodes.Operation, made: frozenset[str], symbols: Symbols
) -> Iterator[Diagnostic]:
    lambdas = [node for node in walk(op) if isinstance(node, nodes.Lambda)]
    known = made.union(*(node.params for node in lambdas))
    for node in walk(op):
        match node:
            case nodes.Call(
                function=nodes.Name(id=name) as function, args=(nodes.Name(id=field),)
            ) if name in _BOTH and name not in symbols.functions:
                if field not in known and field not in symbols.variables:
                    message = (
                        f"'{name}({field})' looks at one event here, not at the window"
                    )
                    advice = f"write .aggregate(x: {name}({field}))"
                    yield Diagnostic("W072", message, function.span, advice)
