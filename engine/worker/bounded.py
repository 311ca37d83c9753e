"""Which programs are sure to handle a small event in next to no time.

Such programs run on the event loop itself: the way to a thread and back costs more
than they do. The proof is by form. A program of plain `where` and `emit` streams
whose expressions have no calls, lambdas, ranges or powers does at most as many steps
as its text has nodes. Values grow by concatenation only, at most by the number of
nodes, unless one stream feeds another; so there `+` is not allowed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from vpl import Program, nodes

SAFE_DECLARATIONS = (nodes.StreamDecl, nodes.EventDecl)
SAFE_OPERATIONS = frozenset({"where", "filter", "emit", "select"})
UNBOUNDED = (nodes.Call, nodes.Lambda, nodes.Range)
MAX_NODES = 500
MAX_WORK = 24 * 1024 * 1024  # bytes of a payload times nodes of the program
MAX_BYTES = 768 * 1024
NUMBER_BYTES = 32  # with what stands around it
ESCAPED_BYTES = 6  # of a character that JSON has to write as \\u0000


@dataclass(frozen=True, slots=True)
class Plainness:
    """What is known of a plain program.

    Payloads of up to `most_bytes` are handled quickly. `nodes` are those of the program,
    `chars` its texts and names.
    """

    most_bytes: int
    nodes: int
    chars: int

    def output_bytes(self, size: int, outputs: int) -> int:
        """Return how many bytes of JSON so many outputs of a payload have at most.

        Each node gives every part of the payload at most once, and each output the
        texts of the program and numbers.
        """
        each = self.chars * ESCAPED_BYTES + self.nodes * NUMBER_BYTES
        return self.nodes * size + outputs * each


def plainness_of(program: Program) -> Plainness | None:
    """Return what is known of a program that is sure to be quick; None when in doubt.

    A payload holds at most as many events as it has bytes, and each event costs at most
    as much as the program has nodes.
    """
    if not all(isinstance(item, SAFE_DECLARATIONS) for item in program.body):
        return None
    streams = [item for item in program.body if isinstance(item, nodes.StreamDecl)]
    if not all(map(_is_plain, streams)):
        return None
    grows, count, chars = False, 0, 0
    for count, node in enumerate(_walk(program.body), start=1):
        if count > MAX_NODES or isinstance(node, UNBOUNDED):
            return None
        chars += _chars(node)
        if isinstance(node, nodes.Binary):
            if node.op == "**":
                return None
            grows = grows or node.op == "+"
    if grows and _feed_each_other(streams):
        return None
    return Plainness(min(MAX_BYTES, MAX_WORK // (count + 1)), count, chars)


def _chars(node: nodes.Node) -> int:
    """Return the length of the texts of a node itself."""
    found = 0
    for item in fields(node):
        value = getattr(node, item.name)
        parts = value if isinstance(value, tuple) else (value,)
        found += sum(len(part) for part in parts if isinstance(part, str))
    return found


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
