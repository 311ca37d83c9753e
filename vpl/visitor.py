"""Walking the tree without recursion."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any, Literal, get_origin

from vpl import nodes
from vpl.nodes import Node

_PLAIN = (str, bool, str | None, tuple[str, ...])
_LEAVES = frozenset((nodes.Literal, nodes.Name, nodes.Break, nodes.Continue))


class _FieldNames(dict[type[Node], list[str]]):
    """Field names by class, looked up once per class; positions take no part."""

    def __missing__(self, key: type[Node]) -> list[str]:
        names = [field.name for field in fields(key) if field.compare]
        self[key] = names
        return names


class _Parts(dict[type[Node], Callable[[Node], tuple[Any, ...]]]):
    """By class, what gives the values of the fields that may hold nodes."""

    def __missing__(self, key: type[Node]) -> Callable[[Node], tuple[Any, ...]]:
        names = [] if key in _LEAVES else _holding_nodes(key)
        match names:
            case []:
                self[key] = _no_parts
            case [name]:
                get = attrgetter(name)
                self[key] = lambda node: (get(node),)
            case _:
                self[key] = attrgetter(*names)
        return self[key]


def _holding_nodes(key: type[Node]) -> list[str]:
    return [
        field.name
        for field in fields(key)
        if field.compare
        and field.type not in _PLAIN
        and get_origin(field.type) is not Literal
    ]


def _no_parts(_node: Node) -> tuple[Any, ...]:
    return ()


_FIELDS = _FieldNames()
_PARTS = _Parts()


def field_names(node: Node) -> list[str]:
    """Return the names of the fields of a node that carry meaning, in order."""
    return _FIELDS[node.__class__]


def children(node: Node) -> list[Node]:
    """Return the nodes directly below `node`, in the order of its fields."""
    found: list[Node] = []
    _collect(_PARTS[node.__class__](node), found)
    return found


def _collect(values: tuple[Any, ...], found: list[Node]) -> None:
    """Add the nodes in nested tuples; tuples in the tree are at most three deep."""
    for value in values:
        if value.__class__ is tuple:
            if value:
                _collect(value, found)
        elif isinstance(value, Node):
            found.append(value)


def flat(*roots: Node) -> list[Node]:
    """Return every node of the trees, parents before their children, in order."""
    found: list[Node] = []
    waiting: list[Any] = list(reversed(roots))
    pop, add = waiting.pop, found.append
    while waiting:
        value = pop()
        kind = value.__class__
        if kind in _LEAVES:
            add(value)
        elif kind is tuple:
            waiting.extend(value[::-1])
        elif isinstance(value, Node):
            add(value)
            waiting.extend(_PARTS[kind](value)[::-1])
    return found


def walk(*roots: Node) -> Iterator[Node]:
    """Yield every node of the trees, parents before their children, in order."""
    return iter(flat(*roots))
