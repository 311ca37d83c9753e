"""A small evaluator of VPL expressions, written apart from the compiler.

It walks the tree and knows the rules of vpl.md sections 3 and 4 for null, bool, int,
float, str and arrays. Differential tests compare the compiler with it.
"""

import math
from typing import Any

from vpl import nodes

Value = Any
LOW, HIGH = -(2**63), 2**63 - 1


def kind(value: Value) -> str:
    names = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}
    return names.get(type(value), "array")


def evaluate(node: nodes.Expr, fields: dict[str, Value]) -> Value:
    """Return the value of an expression over the fields of an event."""
    match node:
        case nodes.Literal():
            return node.value
        case nodes.Name():
            return fields.get(node.id)
        case nodes.Unary():
            return unary(node.op, evaluate(node.operand, fields))
        case nodes.Binary(op="and" | "or"):
            return logical(node, fields)
        case nodes.Binary(op="??"):
            left = evaluate(node.left, fields)
            return evaluate(node.right, fields) if left is None else left
        case nodes.Binary():
            return operate(node, fields)
        case nodes.IfExpr():
            test = evaluate(node.condition, fields)
            return evaluate(node.then if test is True else node.orelse, fields)
        case nodes.ArrayLiteral():
            return [finite(evaluate(item, fields)) for item in node.items]
        case nodes.KindTest():
            return kind_test(node, evaluate(node.operand, fields))
    raise AssertionError(node)


def kind_test(node: nodes.KindTest, value: Value) -> bool:
    allowed = {"number": {"int", "float"}}.get(node.kind, {node.kind})
    return (kind(value) in allowed) is not node.negated


def finite(value: Value) -> Value:
    return None if kind(value) == "float" and not math.isfinite(value) else value


def unary(op: str, value: Value) -> Value:
    if op == "not":
        return (not value) if kind(value) == "bool" else None
    if op == "~":
        return ~value if kind(value) == "int" else None
    if kind(value) == "int":
        return whole(-value)
    return -value if kind(value) == "float" else None


def logical(node: nodes.Binary, fields: dict[str, Value]) -> Value:
    decisive = node.op == "or"
    seen = []
    for side in (node.left, node.right):
        value = evaluate(side, fields)
        if value is decisive:
            return decisive
        seen.append(value if kind(value) == "bool" else None)
    return None if None in seen else not decisive


def whole(value: int) -> int | None:
    return value if LOW <= value <= HIGH else None


def operate(node: nodes.Binary, fields: dict[str, Value]) -> Value:
    a, b = evaluate(node.left, fields), evaluate(node.right, fields)
    if node.op in {"==", "!="}:
        return equality(node, a, b)
    if a is None or b is None:
        return None
    if node.op in {"in", "not in"}:
        return membership(node.op, a, b)
    if node.op in {"<", "<=", ">", ">="}:
        return order(node.op, a, b)
    return arithmetic(node.op, a, b)


def is_literal_null(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Literal) and node.value is None


def equality(node: nodes.Binary, a: Value, b: Value) -> Value:
    if is_literal_null(node.left) or is_literal_null(node.right):
        same = a is None and b is None
    elif a is None or b is None:
        return None
    else:
        same = alike(a, b)
    return same if node.op == "==" else not same


def alike(a: Value, b: Value) -> bool:
    number = {"int", "float"}
    if kind(a) in number and kind(b) in number:
        return bool(a == b)
    if kind(a) != kind(b):
        return False
    if kind(a) == "array":
        return len(a) == len(b) and all(map(alike, a, b))
    return bool(a == b)


def membership(op: str, a: Value, b: Value) -> Value:
    if kind(b) == "array":
        found = any(item is not None and alike(a, item) for item in b)
    elif kind(a) == kind(b) == "str":
        found = a in b
    else:
        return None
    return found if op == "in" else not found


def order(op: str, a: Value, b: Value) -> Value:
    number = {"int", "float"}
    if not ((kind(a) in number and kind(b) in number) or kind(a) == kind(b) == "str"):
        return None
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def arithmetic(op: str, a: Value, b: Value) -> Value:
    kinds = {kind(a), kind(b)}
    if op == "+" and kinds in ({"str"}, {"array"}):
        return a + b
    if op in {"&", "|", "^"}:
        if kinds != {"int"}:
            return None
        return {"&": a & b, "|": a | b, "^": a ^ b}[op]
    if not kinds <= {"int", "float"}:
        return None
    return ints(op, a, b) if kinds == {"int"} else floats(op, float(a), float(b))


def ints(op: str, a: int, b: int) -> int | None:
    if op in {"/", "%"} and b == 0:
        return None
    if op == "/":
        quotient = abs(a) // abs(b)
        return whole(quotient if (a >= 0) == (b >= 0) else -quotient)
    if op == "%":
        return int(math.copysign(abs(a) % abs(b), a))
    return whole({"+": a + b, "-": a - b, "*": a * b}[op])


def floats(op: str, a: float, b: float) -> float | None:
    if op in {"/", "%"}:
        if b == 0:
            return None
        if op == "%":
            return math.fmod(a, b) if math.isfinite(a) else math.nan
        return a / b
    return {"+": a + b, "-": a - b, "*": a * b}[op]
