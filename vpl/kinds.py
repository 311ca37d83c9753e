"""What kind an expression certainly has, as far as the text tells."""

from collections.abc import Mapping

from vpl import nodes
from vpl.nodes import Expr, TypeRef

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "not in"))
ORDERED = frozenset(("<", "<=", ">", ">="))
LOGIC = frozenset(("and", "or"))
ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"))
NUMBERS = frozenset(("int", "float"))

_DECLARED = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "timestamp": "timestamp",
    "duration": "duration",
    "array": "array",
    "map": "map",
}


def declared_kind(type_ref: TypeRef) -> str | None:
    """Return the kind of a declared type, None if it is not a plain one."""
    return _DECLARED.get(type_ref.name)


def kind_of(node: Expr, fields: Mapping[str, TypeRef] | None = None) -> str | None:
    """Return the kind that `node` has whenever it is not null, or None if unsure.

    `fields` are the declared fields of the events in reach. Arithmetic counts as
    `number` unless it is known better.
    """
    match node:
        case nodes.Literal(kind=kind):
            return kind
        case nodes.Name(id=name) if fields is not None and name in fields:
            return declared_kind(fields[name])
        case nodes.Unary(op="not") | nodes.KindTest():
            return "bool"
        case nodes.Unary(operand=operand):
            return kind_of(operand, fields)
        case nodes.Binary(op=op) if op in COMPARISONS or op in LOGIC:
            return "bool"
        case nodes.ArrayLiteral() | nodes.Range():
            return "array"
        case nodes.MapLiteral():
            return "map"
        case nodes.Lambda():
            return "function"
    return None


def is_arithmetic(node: Expr) -> bool:
    """Tell whether the operation on top of `node` can only compute a value."""
    match node:
        case nodes.Binary(op=op):
            return op in ARITHMETIC
        case nodes.Unary(op="-" | "~", operand=operand):
            return not isinstance(operand, nodes.Literal)
    return False


def can_order(left: str | None, right: str | None) -> bool:
    """Tell whether values of these kinds may be compared with `<`."""
    if left is None or right is None or "null" in {left, right}:
        return True
    if left in NUMBERS and right in NUMBERS:
        return True
    return left == right and left in {"str", "timestamp", "duration"}
