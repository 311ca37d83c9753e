"""Expressions as text, for people to read: what is too deep or long is cut."""

import json
from typing import Final

from engine.runtime.times import duration_text
from engine.runtime.values import iso_text
from vpl import nodes

MAX_DEPTH: Final = 24
MAX_CHARS: Final = 400
_CUT: Final = ".."
_LEVELS: Final = {
    level: at
    for at, names in enumerate(
        (
            ("or",),
            ("and",),
            ("not",),
            ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "is"),
            ("??",),
            ("|",),
            ("^",),
            ("&",),
            ("<<", ">>"),
            ("+", "-"),
            ("*", "/", "%"),
            ("**",),
            ("prefix",),
        ),
        start=1,
    )
    for level in names
}
_RIGHT: Final = frozenset(("??", "**"))
_LOOSEST: Final = 0


def expression_text(value: nodes.Expr) -> str:
    """Return an expression as VPL, cut where it is too long to read."""
    return shortened(_text(value, _LOOSEST, MAX_DEPTH))


def shortened(text: str) -> str:
    """Return a text without its end if it is too long to read."""
    return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + _CUT


def _text(value: nodes.Expr, level: int, depth: int) -> str:
    """Return text for a place that takes operators of `level` and tighter."""
    if depth <= 0:
        return _CUT
    inner = depth - 1
    match value:
        case nodes.Literal():
            return _literal(value)
        case nodes.Name(id=name):
            return name
        case nodes.Member(target=target, name=name, safe=safe):
            return f"{_tight(target, inner)}{'?.' if safe else '.'}{name}"
        case nodes.Index(target=target, index=index):
            return f"{_tight(target, inner)}[{_text(index, _LOOSEST, inner)}]"
        case nodes.Slice(target=target, start=start, stop=stop):
            ends = (_text(end, _LOOSEST, inner) if end else "" for end in (start, stop))
            return f"{_tight(target, inner)}[{':'.join(ends)}]"
        case nodes.Call():
            return _call(value, inner)
        case nodes.ArrayLiteral(items=items):
            return f"[{_listed(items, inner)}]"
        case nodes.MapLiteral(entries=entries):
            members = (f"{key}: {_text(v, _LOOSEST, inner)}" for key, v in entries)
            return f"{{{', '.join(members)}}}"
    return _operator(value, level, inner)


def _operator(value: nodes.Expr, level: int, depth: int) -> str:
    match value:
        case nodes.Unary(op=op, operand=operand):
            own = _LEVELS["not" if op == "not" else "prefix"]
            sign = "not " if op == "not" else op
            text = f"{sign}{_text(operand, own, depth)}"
        case nodes.Binary(op=op):
            own = _LEVELS[op]
            text = _binary(value, own, depth)
        case nodes.KindTest(operand=operand, kind=kind, negated=negated):
            own = _LEVELS["is"]
            word = "is not" if negated else "is"
            text = f"{_text(operand, own + 1, depth)} {word} {kind}"
        case _:
            own, text = _LOOSEST, _loose(value, depth)
    return f"({text})" if own < level else text


def _binary(value: nodes.Binary, own: int, depth: int) -> str:
    is_comparison = own == _LEVELS["=="]
    left = own + (value.op in _RIGHT or is_comparison)
    right = own + (value.op not in _RIGHT or is_comparison)
    parts = _text(value.left, left, depth), _text(value.right, right, depth)
    return f"{parts[0]} {value.op} {parts[1]}"


def _loose(value: nodes.Expr, depth: int) -> str:
    match value:
        case nodes.IfExpr(condition=condition, then=then, orelse=orelse):
            parts = (_text(part, 1, depth) for part in (condition, then, orelse))
            return "if {} then {} else {}".format(*parts)
        case nodes.Range(start=start, stop=stop, inclusive=inclusive):
            sign = "..=" if inclusive else ".."
            return f"{_text(start, 1, depth)}{sign}{_text(stop, 1, depth)}"
        case nodes.Lambda(params=params, statements=statements, result=result):
            head = params[0] if len(params) == 1 else f"({', '.join(params)})"
            if statements or result is None:
                return f"{head} => {{ {_CUT} }}"
            return f"{head} => {_text(result, _LOOSEST, depth)}"
    return _CUT


def _call(value: nodes.Call, depth: int) -> str:
    if value.method and value.args and isinstance(value.function, nodes.Name):
        receiver = _tight(value.args[0], depth)
        return f"{receiver}.{value.function.id}({_listed(value.args[1:], depth)})"
    return f"{_tight(value.function, depth)}({_listed(value.args, depth)})"


def _tight(value: nodes.Expr, depth: int) -> str:
    return _text(value, _LEVELS["prefix"] + 1, depth)


def _listed(items: tuple[nodes.Expr, ...], depth: int) -> str:
    return ", ".join(_text(item, _LOOSEST, depth) for item in items)


def _literal(value: nodes.Literal) -> str:
    raw = value.value
    match value.kind:
        case "duration" if isinstance(raw, int):
            return duration_text(raw)
        case "timestamp" if isinstance(raw, int):
            return f"@{iso_text(raw)}"
        case "str" | "bool" | "null":
            return json.dumps(raw, ensure_ascii=False)
    return str(raw)
