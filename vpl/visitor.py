"""Walking the tree without recursion."""

from collections.abc import Iterator
from dataclasses import fields

from vpl import nodes
from vpl.nodes import Node


class _FieldNames(dict[type[Node], list[str]]):
    """Field names by class, looked up once per class; positions take no part."""

    def __missing__(self, key: type[Node]) -> list[str]:
        names = [field.name for field in fields(key) if field.compare]
        self[key] = names
        return names


_FIELDS = _FieldNames()
_LEAVES = frozenset((nodes.Literal, nodes.Name, nodes.Break, nodes.Continue))


def field_names(node: Node) -> list[str]:
    """Return the names of the fields of a node that carry meaning, in order."""
    return _FIELDS[node.__class__]


def children(node: Node) -> list[Node]:
    """Return the nodes directly below `node`, in the order of its fields."""
    found: list[Node] = []
    if node.__class__ in _LEAVES:
        return found
    for name in _FIELDS[node.__class__]:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif value.__class__ is tuple:
            _collect(value, found)
    return found


def _collect(values: tuple[object, ...], found: list[Node]) -> None:
    """Add the nodes in nested tuples; tuples in the tree are at most three deep."""
    for value in values:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            _collect(value, found)


def walk(*roots: Node) -> Iterator[Node]:
    """Yield every node of the trees, parents before their children, in order."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))
