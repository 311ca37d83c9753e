"""Constants that no operation can mean: E061, E062 and E081.

Judged is what the text says plainly: literals, and constants whose value is one. What is
computed is found out when the program is loaded.
"""

from collections.abc import Iterator
from typing import Final

from vpl import nodes
from vpl.analysis import stream_operations
from vpl.catalog import MAX_BATCH
from vpl.diagnostics import Diagnostic
from vpl.suggestions import hint
from vpl.symbols import Symbols

Value = nodes.Literal | None
_ON_ERROR: Final = ("null", "skip", "dead_letter")
_LEVELS: Final = ("debug", "info", "warn", "error")
_LENGTHS: Final = {
    "window": ("", "session", "sliding"),
    "within": ("",),
    "distinct": ("ttl",),
    "enrich": ("cache_ttl", "timeout"),
    "forecast": ("horizon",),
}
"""Arguments that want a length of time above zero; "" is the one without a name."""
_SLACK: Final = {"watermark": ("out_of_order",), "allowed_lateness": ("",)}
_OF_THE_STREAM: Final = frozenset((
    *("from", "context", "watermark", "allowed_lateness", "on_error"),
    *("within", "not", "on"),
))
_COUNTS: Final = {"window": 1, "any": 1, "limit": 0}


def values(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report lengths, counts and words that make no sense."""
    for op in symbols.all(nodes.Operation):
        yield from _lengths(op, symbols)
        yield from _counts(op, symbols)
        yield from _words(op)
        if op.name == "window":
            yield from _combination(op, symbols)
        if op.name == "to":
            yield from _batch(op, symbols)
    for timer in symbols.all(nodes.TimerSource):
        yield from _above_zero(timer.interval, symbols)
    for step in symbols.all(nodes.SequenceStep):
        if step.within is not None:
            yield from _above_zero(step.within, symbols)
    for pattern in symbols.all(nodes.PatternDecl):
        if pattern.within is not None:
            yield from _above_zero(pattern.within, symbols)


def _number(node: nodes.Expr, symbols: Symbols) -> tuple[str, int] | None:
    """Return kind and value of a whole number or a duration, as far as it is plain."""
    if isinstance(node, nodes.Name) and node.id in symbols.variables:
        variable = symbols.variables[node.id]
        node = variable.value if variable.keyword != "var" else node
    match node:
        case nodes.Literal(kind="int" | "duration" as kind, value=int(value)):
            return kind, value
        case nodes.Unary(
            op="-", operand=nodes.Literal(kind=kind, value=int(value))
        ) if kind in {"int", "duration"}:
            return kind, -value
    return None


def _lengths(op: nodes.Operation, symbols: Symbols) -> Iterator[Diagnostic]:
    for arg in op.args:
        name = arg.name or ""
        if name in _LENGTHS.get(op.name, ()):
            yield from _above_zero(arg.value, symbols)
        found = _number(arg.value, symbols)
        slack = name in _SLACK.get(op.name, ())
        if slack and found is not None and found[0] == "duration" and found[1] < 0:
            yield Diagnostic(
                "E061", "this wants a duration of zero or more", arg.value.span
            )


def _above_zero(node: nodes.Expr, symbols: Symbols) -> Iterator[Diagnostic]:
    found = _number(node, symbols)
    if found is not None and found[0] == "duration" and found[1] <= 0:
        yield Diagnostic("E061", "this wants a duration above zero", node.span)


def _counts(op: nodes.Operation, symbols: Symbols) -> Iterator[Diagnostic]:
    least = _COUNTS.get(op.name)
    for arg in op.args if least is not None else ():
        if arg.name not in {None, "sliding"}:
            continue
        found = _number(arg.value, symbols)
        if found is not None and found[0] == "int" and found[1] < (least or 0):
            message = f"'.{op.name}' wants a whole number of at least {least}"
            yield Diagnostic("E062", message, arg.value.span)


def _batch(op: nodes.Operation, symbols: Symbols) -> Iterator[Diagnostic]:
    """Report arrays of no event, or of too many."""
    for arg in op.args:
        found = _number(arg.value, symbols) if arg.name == "batch" else None
        if found is not None and not 1 <= found[1] <= MAX_BATCH:
            message = f"'batch' wants a whole number from 1 to {MAX_BATCH}"
            yield Diagnostic("E062", message, arg.value.span)


def _words(op: nodes.Operation) -> Iterator[Diagnostic]:
    """Report unknown words for `on_error` and for the level of `log`."""
    known, name = {"on_error": (_ON_ERROR, None), "log": (_LEVELS, "level")}.get(
        op.name, ((), None)
    )
    for arg in op.args:
        match arg.value:
            case nodes.Literal(kind="str", value=str(word)) if (
                known and arg.name == name and word not in known
            ):
                listed = ", ".join(f'"{item}"' for item in known)
                message = f"'.{op.name}' wants one of {listed}"
                yield Diagnostic("E062", message, arg.value.span, hint(word, known))


def _combination(op: nodes.Operation, symbols: Symbols) -> Iterator[Diagnostic]:
    """Report parameters of a window that do not go together (E081)."""
    given = {arg.name: arg for arg in op.args}
    size = given.get(None)
    found = _number(size.value, symbols) if size is not None else None
    if size is not None and isinstance(size.value, nodes.Literal) and found is None:
        message = "'.window' wants a duration or a whole number"
        yield Diagnostic("E062", message, size.value.span, "write .window(5m)")
    is_count = found is not None and found[0] == "int"
    for name in ("align", "sliding"):
        if name in given and "session" in given:
            message = f"a session window has no '{name}'"
            yield Diagnostic("E081", message, given[name].span)
    if "align" in given and is_count:
        message = "a window of a number of events has no 'align'"
        yield Diagnostic("E081", message, given["align"].span)
    if "align" in given and "sliding" in given:
        message = "a sliding window has no 'align'"
        yield Diagnostic("E081", message, given["align"].span)
    if "sliding" in given and found is not None:
        step = _number(given["sliding"].value, symbols)
        if step is not None and step[0] != found[0]:
            message = "size and 'sliding' are both times or both numbers of events"
            yield Diagnostic("E081", message, given["sliding"].span)


def branches(symbols: Symbols) -> Iterator[Diagnostic]:
    """Report `any` and `all` that follow no `fork`, and steps in its branches."""
    for decl in symbols.program.body:
        if isinstance(decl, nodes.StreamDecl):
            yield from _gates(decl.ops)
            for op in stream_operations(decl):
                if isinstance(op, nodes.Operation):
                    yield from _branches(op)


def _gates(ops: tuple[nodes.StreamOp, ...]) -> Iterator[Diagnostic]:
    before = ""
    for op in ops:
        name = op.name if isinstance(op, nodes.Operation) else "->"
        if name in {"any", "all"} and before != "fork":
            message = f"'.{name}' stands directly after '.fork'"
            yield Diagnostic("E081", message, op.span)
        before = name


def _branches(op: nodes.Operation) -> Iterator[Diagnostic]:
    for branch in op.branches:
        yield from _gates(branch.ops)
        for part in branch.ops:
            if isinstance(part, nodes.Follow):
                message = "a sequence cannot stand in a branch of '.fork'"
                advice = "give it a stream of its own"
                yield Diagnostic("E022", message, part.span, advice)
            elif part.name in _OF_THE_STREAM:
                message = f"'.{part.name}' is about the stream, not about a branch"
                advice = "write it before '.fork'"
                yield Diagnostic("E081", message, part.name_span, advice)
