"""Which programs are sure to handle a small event in next to no time.

Such programs run on the event loop itself: the way to a thread and back costs more
than they do. The proof is by form. A program of plain `where` and `emit` streams
whose expressions have no calls, lambdas, ranges or powers does at most as many steps
as its text has nodes. Values grow by concatenation only, at most by the number of
nodes, unless one stream feeds another; so there `+` is not allowed.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from vpl import Program, nodes

SAFE_DECLARATIONS = (nodes.StreamDecl, nodes.EventDecl)
SAFE_OPERATIONS = frozenset({"where", "filter", "emit", "select"})
UNBOUNDED = (nodes.Call, nodes.Lambda, nodes.Range)
MAX_NODES = 500
MAX_INLINE_BYTES = 16 * 1024  # of an event's payload


def is_bounded(program: Program) -> bool:
    """Tell whether the program is proven quick; False when in doubt."""
    if not all(isinstance(item, SAFE_DECLARATIONS) for item in program.body):
        return False
    streams = [item for item in program.body if isinstance(item, nodes.StreamDecl)]
    if not all(map(_is_plain, streams)):
        return False
    grows = False
    for count, node in enumerate(_walk(program.body)):
        if count > MAX_NODES or isinstance(node, UNBOUNDED):
            return False
        if isinstance(node, nodes.Binary):
            if node.op == "**":
                return False
            grows = grows or node.op == "+"
    return not (grows and _feed_each_other(streams))


def _is_plain(stream: nodes.StreamDecl) -> bool:
    return isinstance(stream.source, nodes.EventSource) and all(
        isinstance(step, nodes.Operation) and step.name in SAFE_OPERATIONS
        for step in stream.ops
    )


def _feed_each_other(streams: list[nodes.StreamDecl]) -> bool:
    made = {stream.name for stream in streams}
    for stream in streams:
        made |= {
            step.as_type
            for step in stream.ops
            if isinstance(step, nodes.Operation) and step.as_type
        }
    return any(
        isinstance(stream.source, nodes.EventSource) and stream.source.name in made
        for stream in streams
    )


def _walk(value: Any) -> Iterator[nodes.Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, nodes.Node):
        yield value
        for field in fields(value):
            yield from _walk(getattr(value, field.name))
