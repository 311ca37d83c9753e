"""A piece of generated Python."""

from dataclasses import dataclass
from typing import Any

from engine.compiler.kinds import ANY, Kinds

FRAME = "@frame"  # mark in `uses`: evaluation reads the frame's row


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression with what is known of its value.

    `depth` is how many brackets it nests, `uses` the local variables it reads.
    An atom may be written twice: it is a variable or a constant. `number` is the
    value of a numeric literal.
    """

    text: str
    kinds: Kinds = ANY
    depth: int = 0
    uses: frozenset[str] = frozenset()
    is_atom: bool = False
    number: int | float | None = None


def combine(text: str, kinds: Kinds, *parts: Code) -> Code:
    """Return code made of `parts`, one level deeper than the deepest."""
    depth = max((part.depth for part in parts), default=0) + 1
    uses: frozenset[str] = frozenset().union(*(part.uses for part in parts))
    return Code(text, kinds, depth, uses)


def variable(name: str, kinds: Kinds = ANY) -> Code:
    """Return a local variable of generated code."""
    return Code(name, kinds, 0, frozenset({name}), is_atom=True)


def constant(text: str, kinds: Kinds, number: Any = None) -> Code:
    """Return a constant by its literal or its name in the namespace."""
    return Code(text, kinds, 0, frozenset(), is_atom=True, number=number)
