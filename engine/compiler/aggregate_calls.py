"""The aggregate calls of an expression (vpl.md 9.3): found, and taken out of it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from vpl import nodes
from vpl.catalog import AGGREGATES

_Call = TypeVar("_Call")

NAMES: Final = frozenset(name for name, item in AGGREGATES.items() if not item.trends)


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """One aggregate call: its function, what it is about, and its constant argument."""

    function: str
    argument: nodes.Expr | None
    parameter: nodes.Expr | None = None


def aggregate_call(node: nodes.Node) -> AggregateCall | None:
    """Return the aggregate call that `node` is, None if it is none."""
    if not isinstance(node, nodes.Call) or not isinstance(node.function, nodes.Name):
        return None
    name, args = node.function.id, node.args
    if name not in NAMES:
        return None
    if name == "count" and args and _is_distinct(args[0]):
        inner = args[0]
        assert isinstance(inner, nodes.Call)
        return AggregateCall("count_distinct", inner.args[0])
    argument = args[0] if args else None
    return AggregateCall(name, argument, args[1] if len(args) > 1 else None)


def _is_distinct(node: nodes.Expr) -> bool:
    """Tell whether `node` is `distinct(e)`, which counts only inside `count`."""
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.function, nodes.Name)
        and node.function.id == "distinct"
        and len(node.args) == 1
    )


def without_calls(
    node: Any,
    name_of: Callable[[_Call], str],
    call_of: Callable[[nodes.Node], _Call | None],
) -> Any:
    """Return the expression with a name in place of each call that `call_of` finds."""
    if isinstance(node, tuple):
        return tuple(without_calls(part, name_of, call_of) for part in node)
    if not isinstance(node, nodes.Node):
        return node
    call = call_of(node)
    if call is not None:
        return nodes.Name(name_of(call), span=node.span)
    parts = {
        item.name: without_calls(getattr(node, item.name), name_of, call_of)
        for item in dataclasses.fields(node)
        if item.name != "span"
    }
    return dataclasses.replace(node, **parts)
