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
MAX_WORK = 8 * 1024 * 1024  # bytes of a payload times nodes of the program
MAX_BYTES = 256 * 1024


def quick_bytes(program: Program) -> int:
    """Return how many bytes of events the program is sure to handle quickly.

    0 when in doubt. A payload holds at most as many events as it has bytes, and each
    event costs at most as much as the program has nodes.
    """
    if not all(isinstance(item, SAFE_DECLARATIONS) for item in program.body):
        return 0
    streams = [item for item in program.body if isinstance(item, nodes.StreamDecl)]
    if not all(map(_is_plain, streams)):
        return 0
    grows, count = False, 0
    for count, node in enumerate(_walk(program.body)):
        if count > MAX_NODES or isinstance(node, UNBOUNDED):
            return 0
        if isinstance(node, nodes.Binary):
            if node.op == "**":
                return 0
            grows = grows or node.op == "+"
    if grows and _feed_each_other(streams):
        return 0
    return min(MAX_BYTES, MAX_WORK // (count + 1))


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
