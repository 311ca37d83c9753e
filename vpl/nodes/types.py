"""Types as they are written."""

from dataclasses import dataclass

from vpl.nodes.base import Node


@dataclass(frozen=True, slots=True)
class TypeRef(Node):
    """A type: `name` is a primitive, a declared name, `array`, `map`, `tuple` or
    `Stream`; `args` are its parts."""

    name: str
    args: tuple["TypeRef", ...] = ()
    optional: bool = False
