"""The syntax tree as plain data (vpl.md section 18.5)."""

from typing import Any

from vpl.nodes import Node, Program
from vpl.visitor import field_names

VERSION = 1
_SUFFIXES = ("Decl", "Stmt")


def tree_json(program: Program) -> dict[str, Any]:
    """Return the root `{"node": "Program", "version": 1, "body": [..]}`.

    Every node has `node`, `span` and its fields; tuples are arrays. Names of nodes
    are those of their classes without `Decl` and `Stmt`.
    """
    tree = _json(program)
    return {"node": tree.pop("node"), "version": VERSION, **tree}


def _json(value: Any) -> Any:
    if isinstance(value, Node):
        name = value.__class__.__name__
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        span = value.span
        place = [span.line, span.column, span.end_line, span.end_column]
        parts = {field: _json(getattr(value, field)) for field in field_names(value)}
        return {"node": name, "span": place, **parts}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return value
