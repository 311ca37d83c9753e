"""What every node has."""

from dataclasses import dataclass, field

from vpl.source import NOWHERE, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: its place in the text."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Node):
    """A node with a name of its own: `name_span` is the place of the name alone."""

    name_span: Span = field(default=NOWHERE, compare=False, repr=False)
