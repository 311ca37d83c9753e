"""Streams of plain and merged events -> source lines (vpl.md 8.1 and 11)."""

from engine.compiler.current import Current
from engine.compiler.plan import StreamPlan
from engine.compiler.streams import StreamCompiler
from vpl import nodes


def input_filters(stream: StreamPlan, matched: frozenset[str]) -> list[nodes.Expr]:
    """Return filters of which one must hold; none if an input has no filter."""
    found: list[nodes.Expr] = []
    for part in stream.inputs:
        if part.name not in matched:
            continue
        if not part.where:
            return []
        whole = part.where[0]
        for more in part.where[1:]:
            whole = nodes.Binary("and", whole, more, span=more.span)
        found.append(whole)
    return found


def event_source(
    stream: StreamCompiler, current: Current, matched: frozenset[str]
) -> None:
    """Write the filters of a plain or merged source and the operations after it."""
    filters = input_filters(stream.stream, matched)
    if not filters:
        stream.operation(0, current)
        return
    expressions = stream.expressions(current)
    tests = [expressions.condition(test) for test in filters]
    condition = " or ".join(test.text for test in tests)
    current = stream.mark_frame(current, *tests)
    with stream.lines.block(f"if {condition}:"):
        stream.operation(0, current)
