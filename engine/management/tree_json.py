"""The syntax tree as JSON (vpl.md 18.5)."""

from dataclasses import fields
from typing import Any

from vpl import Program, nodes

SUFFIXES = ("Decl", "Stmt")


def tree_json(program: Program) -> dict[str, Any]:
    """Return the root `{"node": "Program", "version": 1, "body": [..]}`."""
    return {
        "node": "Program",
        "version": 1,
        "body": [_value_json(item) for item in program.body],
    }


def _node_json(node: nodes.Node) -> dict[str, Any]:
    span = node.span
    body: dict[str, Any] = {
        "node": _node_name(node),
        "span": [span.line, span.column, span.end_line, span.end_column],
    }
    for field in fields(node):
        if field.name not in {"span", "name_span"}:
            body[field.name] = _value_json(getattr(node, field.name))
    return body


def _value_json(value: Any) -> Any:
    if isinstance(value, nodes.Node):
        return _node_json(value)
    if isinstance(value, tuple | list):
        return [_value_json(item) for item in value]
    return value


def _node_name(node: nodes.Node) -> str:
    name = type(node).__name__
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name
