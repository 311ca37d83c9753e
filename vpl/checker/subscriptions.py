"""Where `.from` may stand and what it takes: E062 and E081."""

from collections.abc import Iterator

from vpl import nodes
from vpl.diagnostics import Diagnostic
from vpl.symbols import Symbols
from vpl.visitor import walk

_BESIDE = frozenset(("from", "watermark", "allowed_lateness", "context", "on_error"))


def source_uses(symbols: Symbols) -> Iterator[Diagnostic]:
    """Check every `.from`: an event name before it, constants in it."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.StreamDecl):
            yield from _after_an_event(decl)
    for op in symbols.all(nodes.Operation):
        if op.name == "from":
            yield from _constants(op, symbols)


def _after_an_event(decl: nodes.StreamDecl) -> Iterator[Diagnostic]:
    """Report `.from` after a source that is no single name; a step is one."""
    has_event = isinstance(decl.source, nodes.EventSource)
    for op in decl.ops:
        if isinstance(op, nodes.Follow):
            has_event = True
        elif op.name == "from" and not has_event:
            message = "'.from' needs the name of an event before it"
            advice = "give each event a stream of its own: stream A = E.from(..)"
            yield Diagnostic("E081", message, op.name_span, advice)
        elif op.name not in _BESIDE:
            has_event = False


def _constants(op: nodes.Operation, symbols: Symbols) -> Iterator[Diagnostic]:
    for arg in op.args:
        culprit = next(
            (part for part in walk(arg.value) if not _is_constant(part)), None
        )
        if culprit is not None and arg.name is not None:
            message = f"parameter '{arg.name}' of '.from' must be a constant"
            yield Diagnostic("E062", message, culprit.span)


def _is_constant(part: nodes.Node) -> bool:
    if isinstance(part, nodes.Unary):
        return part.op == "-"
    return isinstance(part, nodes.Literal | nodes.Name | nodes.ArrayLiteral)
