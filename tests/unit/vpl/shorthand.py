"""Trees as short texts, so that tests compare lines with lines."""

from typing import TypeVar

import vpl
from vpl import nodes

T = TypeVar("T", bound=nodes.Node)


def expression(source: str) -> nodes.Expr:
    """Parse one expression; it must have no findings."""
    parsed = vpl.parse(f"let it = {source}\n")
    assert parsed.diagnostics == ()
    (decl,) = parsed.program.body
    assert isinstance(decl, nodes.VarDecl)
    return decl.value


def codes(source: str) -> list[tuple[str, int]]:
    """Return code and line of every syntax error, in order of discovery."""
    return [(found.code, found.span.line) for found in vpl.parse(source).diagnostics]


def only(source: str, kind: type[T]) -> T:
    """Parse a program of one declaration of a kind; it must have no findings."""
    parsed = vpl.parse(source)
    assert parsed.diagnostics == ()
    (decl,) = parsed.program.body
    assert isinstance(decl, kind)
    return decl


def short(node: nodes.Node | None) -> str:
    """Return an expression with all its grouping shown."""
    match node:
        case None:
            return ""
        case nodes.Literal(kind="null"):
            return "null"
        case nodes.Literal(value=value):
            return repr(value)
        case nodes.Name(id=name):
            return name
        case nodes.Unary(op=op, operand=operand):
            return f"({op} {short(operand)})"
        case nodes.Binary(op=op, left=left, right=right):
            return f"({short(left)} {op} {short(right)})"
        case nodes.KindTest(operand=operand, kind=kind, negated=negated):
            return f"({short(operand)} is {'not ' if negated else ''}{kind})"
        case nodes.IfExpr(condition=test, then=then, orelse=orelse):
            return f"(if {short(test)} then {short(then)} else {short(orelse)})"
        case nodes.Range(start=start, stop=stop, inclusive=inclusive):
            return f"({short(start)} {'..=' if inclusive else '..'} {short(stop)})"
        case nodes.Member(target=target, name=name, safe=safe):
            return f"{short(target)}{'?.' if safe else '.'}{name}"
        case nodes.Index(target=target, index=index):
            return f"{short(target)}[{short(index)}]"
        case nodes.Slice(target=target, start=start, stop=stop):
            return f"{short(target)}[{short(start)}:{short(stop)}]"
    return _rest(node)


def _rest(node: nodes.Node) -> str:
    match node:
        case nodes.Call(function=function, args=args):
            return f"{short(function)}({', '.join(map(short, args))})"
        case nodes.ArrayLiteral(items=items):
            return f"[{', '.join(map(short, items))}]"
        case nodes.MapLiteral(entries=entries):
            pairs = (f"{key}: {short(value)}" for key, value in entries)
            return "{" + ", ".join(pairs) + "}"
        case nodes.Lambda(params=params, statements=statements, result=result):
            block = "".join(type(item).__name__ + "; " for item in statements)
            return f"({' '.join(params)} => {block}{short(result)})"
    return type(node).__name__
