"""Operators -> Python with class guards.

The usual kinds are handled inline, everything else by `engine.runtime.operators`,
which defines the meaning. What is known of an operand shortens its guard.
"""

from typing import Final

from engine.compiler.code import Code, combine
from engine.compiler.kinds import (
    ARRAY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    LOGICAL,
    NULL,
    NUMBER,
    STR,
    TIMESTAMP,
    within,
)
from engine.compiler.scopes import Scope
from engine.runtime import access, operators
from engine.runtime.values import INT_MAX, INT_MIN

HELPERS: Final = {
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.modulo,
    "**": operators.power,
    "&": operators.bit_and,
    "|": operators.bit_or,
    "^": operators.bit_xor,
    "<<": operators.shift_left,
    ">>": operators.shift_right,
    "==": operators.equal,
    "!=": operators.unequal,
    "<": operators.less,
    "<=": operators.less_equal,
    ">": operators.greater,
    ">=": operators.greater_equal,
    "in": operators.contains,
    "not in": operators.lacks,
}
PAID: Final = {
    "==": operators.paid_equal,
    "!=": operators.paid_unequal,
    "in": operators.paid_contains,
    "not in": operators.paid_lacks,
}
HELPER_NAMES: Final = {op: f"op{at}" for at, op in enumerate(HELPERS)}
PAID_NAMES: Final = {op: f"paid{at}" for at, op in enumerate(PAID)}
RUNTIME: Final = {
    **{PAID_NAMES[op]: call for op, call in PAID.items()},
    **{HELPER_NAMES[op]: call for op, call in HELPERS.items()},
    "op_negate": operators.negate,
    "op_invert": operators.invert,
    "overflow": operators.checked,
    "holds": access.holds,
    "logical": access.logical,
}
RESULTS: Final = {
    "+": NULL | NUMBER | STR | ARRAY | TIMESTAMP | DURATION,
    "-": NULL | NUMBER | TIMESTAMP | DURATION,
    "*": NULL | NUMBER | DURATION,
    "/": NULL | NUMBER | DURATION,
    "%": NULL | NUMBER,
    "**": NULL | NUMBER,
    **dict.fromkeys(("&", "|", "^", "<<", ">>"), NULL | INT),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), LOGICAL),
}
_LINEAR = frozenset(("+", "-", "*"))
_ORDER = frozenset(("<", "<=", ">", ">="))
_BITWISE = frozenset(("&", "|", "^"))
_EQUALITY = frozenset(("==", "!="))


def binary(op: str, a: Code, b: Code, scope: Scope) -> Code:
    """Return the code of `a op b` for an operator of `HELPERS`."""
    if op in _LINEAR:
        return _linear(op, a, b, scope)
    if op in _ORDER:
        return _order(op, a, b, scope)
    if op in _EQUALITY:
        return _equality(op, a, b, scope)
    if op == "/":
        return _division(a, b, scope)
    if op in _BITWISE and _both(a, b, INT):
        return combine(f"({a.text} {op} {b.text})", INT, a, b)
    if op == "%" and scope.is_exact and _both(a, b, INT):
        return combine(f"exact_modulo({a.text}, {b.text})", INT, a, b)
    return _helper_call(op, a, b, scope)


def _helper_call(op: str, a: Code, b: Code, scope: Scope) -> Code:
    name = HELPER_NAMES[op]
    if scope.may_stop:
        name = PAID_NAMES.get(op, name)
    text = f"{name}({a.text}, {b.text}, {scope.frame})"
    return combine(text, RESULTS[op], a, b)


def _both(a: Code, b: Code, allowed: int) -> bool:
    return within(a.kinds, allowed) and within(b.kinds, allowed)


def _is_float_sum(a: Code, b: Code) -> bool:
    has_float = within(a.kinds, FLOAT) or within(b.kinds, FLOAT)
    return has_float and _both(a, b, NUMBER)


def _linear(op: str, a: Code, b: Code, scope: Scope) -> Code:
    if _is_float_sum(a, b):
        return combine(f"({a.text} {op} {b.text})", FLOAT, a, b)
    if _both(a, b, INT):
        return checked_int(f"{a.text} {op} {b.text}", scope, a, b)
    if within(a.kinds, NUMBER) or within(b.kinds, NUMBER):
        return _linear_half_known(op, a, b, scope)
    return _same_float(op, a, b, scope)


def checked_int(text: str, scope: Scope, *parts: Code) -> Code:
    """Return int arithmetic that stays in 64 bits.

    Beyond, the result is null and counted; in exact code the call is given up and
    done again by the general code.
    """
    temp = scope.temp()
    bounds = f"{INT_MIN} <= ({temp} := {text}) <= {INT_MAX}"
    if scope.is_exact:
        return combine(f"({temp} if {bounds} else give_up())", INT, *parts)
    beyond = f"overflow({temp}, {scope.frame})"
    return combine(f"({temp} if {bounds} else {beyond})", INT | NULL, *parts)


def _linear_half_known(op: str, a: Code, b: Code, scope: Scope) -> Code:
    """One side is a number for sure, the other may be anything."""
    known, other = (a, b) if within(a.kinds, NUMBER) else (b, a)
    if not known.is_atom:
        return _same_float(op, a, b, scope)
    bind, temp = _bound(other, scope)
    left, right = (known.text, temp) if known is a else (temp, known.text)
    slow = f"{HELPER_NAMES[op]}({left}, {right}, {scope.frame})"
    if within(known.kinds, FLOAT):
        kind = scope.temp()
        test = f"({kind} := {bind}.__class__) is float or {kind} is int"
        text = f"({left} {op} {right} if {test} else {slow})"
    else:
        result = scope.temp()
        fits = f"{INT_MIN} <= ({result} := {left} {op} {right}) <= {INT_MAX}"
        text = f"({result} if {bind}.__class__ is int and {fits} else {slow})"
    return combine(text, RESULTS[op] & ~(STR | ARRAY | TIMESTAMP), a, b)


def _bound(code: Code, scope: Scope) -> tuple[str, str]:
    """Return the text that evaluates `code` first, and the text that reads it again."""
    if code.is_atom:
        return code.text, code.text
    temp = scope.temp()
    return f"({temp} := {code.text})", temp


def _same_float(op: str, a: Code, b: Code, scope: Scope) -> Code:
    """Handle two floats inline; the middle of the chain is evaluated once."""
    bind_a, left = _bound(a, scope)
    bind_b, right = _bound(b, scope)
    test = f"{bind_a}.__class__ is {bind_b}.__class__ is float"
    slow = f"{HELPER_NAMES[op]}({left}, {right}, {scope.frame})"
    text = f"({left} {op} {right} if {test} else {slow})"
    return combine(text, RESULTS[op], a, b)


def _division(a: Code, b: Code, scope: Scope) -> Code:
    if b.number is not None and b.number != 0 and within(b.kinds, FLOAT):
        if within(a.kinds, NUMBER):
            return combine(f"({a.text} / {b.text})", FLOAT, a, b)
        return _divided_by_float(a, b, scope)
    if scope.is_exact:
        return _exact_division(a, b, scope)
    return _helper_call("/", a, b, scope)


def _exact_division(a: Code, b: Code, scope: Scope) -> Code:
    """Divide proven numbers; a zero divisor gives the call up."""
    if _is_float_sum(a, b):
        temp = scope.temp()
        divisor = f"({temp} if ({temp} := {b.text}) else give_up())"
        return combine(f"({a.text} / {divisor})", FLOAT, a, b)
    if _both(a, b, INT):
        return combine(f"exact_divide({a.text}, {b.text})", INT, a, b)
    return _helper_call("/", a, b, scope)


def _divided_by_float(a: Code, b: Code, scope: Scope) -> Code:
    bind, left = _bound(a, scope)
    kind = scope.temp()
    test = f"({kind} := {bind}.__class__) is float or {kind} is int"
    slow = f"{HELPER_NAMES['/']}({left}, {b.text}, {scope.frame})"
    text = f"({left} / {b.text} if {test} else {slow})"
    return combine(text, NULL | FLOAT | DURATION, a, b)


def _order(op: str, a: Code, b: Code, scope: Scope) -> Code:
    if _both(a, b, NUMBER) or _both(a, b, STR):
        return combine(f"({a.text} {op} {b.text})", BOOL, a, b)
    for known, other in ((b, a), (a, b)):
        if known.is_atom and within(known.kinds, NUMBER):
            return _guarded_order(op, a, b, other, scope)
    bind_a, left = _bound(a, scope)
    bind_b, right = _bound(b, scope)
    kind = "str" if STR in {a.kinds, b.kinds} else "float"
    test = f"{bind_a}.__class__ is {bind_b}.__class__ is {kind}"
    slow = f"{HELPER_NAMES[op]}({left}, {right}, {scope.frame})"
    return combine(f"({left} {op} {right} if {test} else {slow})", LOGICAL, a, b)


def _guarded_order(op: str, a: Code, b: Code, other: Code, scope: Scope) -> Code:
    bind, temp = _bound(other, scope)
    left, right = (temp, b.text) if other is a else (a.text, temp)
    kind = scope.temp()
    test = f"({kind} := {bind}.__class__) is float or {kind} is int"
    slow = f"{HELPER_NAMES[op]}({left}, {right}, {scope.frame})"
    return combine(f"({left} {op} {right} if {test} else {slow})", LOGICAL, a, b)


def _equality(op: str, a: Code, b: Code, scope: Scope) -> Code:
    if "None" in {a.text, b.text}:
        other = b if a.text == "None" else a
        return null_test(other, scope, is_negated=op == "!=")
    if _both(a, b, NUMBER) or _both(a, b, STR):
        return combine(f"({a.text} {op} {b.text})", BOOL, a, b)
    for known, other in ((b, a), (a, b)):
        if known.is_atom and within(known.kinds, STR):
            return _text_equality(op, known, other, scope)
    return _helper_call(op, a, b, scope)


def null_test(a: Code, scope: Scope, *, is_negated: bool) -> Code:
    """Return the code of `a is [not] null`."""
    test = "is not" if is_negated else "is"
    text = a.text
    if not a.kinds & NULL:  # Python warns about `is` with what it folds to a number
        text = f"({scope.temp()} := {text})"
    return combine(f"({text} {test} None)", BOOL, a)


def _text_equality(op: str, known: Code, other: Code, scope: Scope) -> Code:
    """A text equals texts only, so Python's equality says the same for all kinds."""
    if not other.kinds & NULL:
        return combine(f"({other.text} {op} {known.text})", BOOL, other, known)
    bind, temp = _bound(other, scope)
    text = f"({temp} {op} {known.text} if {bind} is not None else None)"
    return combine(text, LOGICAL, other, known)


def negative(a: Code, scope: Scope) -> Code:
    """Return the code of `-a`."""
    if within(a.kinds, FLOAT):
        return combine(f"(-{a.text})", FLOAT, a)
    if within(a.kinds, INT):
        return checked_int(f"-{a.text}", scope, a)
    kinds = NULL | NUMBER | DURATION
    return combine(f"op_negate({a.text}, {scope.frame})", kinds, a)


def inverted(a: Code, scope: Scope) -> Code:
    """Return the code of `~a`."""
    if within(a.kinds, INT):
        return combine(f"(~{a.text})", INT, a)
    return combine(f"op_invert({a.text}, {scope.frame})", NULL | INT, a)


def as_logical(a: Code, scope: Scope) -> Code:
    """Return `a` as an operand of and, or, not: bool or null."""
    if within(a.kinds, LOGICAL):
        return a
    return combine(f"logical({a.text}, {scope.frame})", LOGICAL, a)


def conjunction(a: Code, b: Code, scope: Scope) -> Code:
    """Return three-valued `a and b`."""
    return _three_valued("and", "False", a, b, scope)


def disjunction(a: Code, b: Code, scope: Scope) -> Code:
    """Return three-valued `a or b`."""
    return _three_valued("or", "True", a, b, scope)


def _three_valued(op: str, decisive: str, a: Code, b: Code, scope: Scope) -> Code:
    a, b = as_logical(a, scope), as_logical(b, scope)
    if not a.kinds & NULL:
        return combine(f"({a.text} {op} {b.text})", a.kinds | b.kinds, a, b)
    bind_a, left = _bound(a, scope)
    bind_b, right = _bound(b, scope)
    # `right` is bound by the test that stands in front of both of its readers
    rest = f"({right} if {bind_b} is {decisive} or {left} is not None else None)"
    text = f"({left} if {bind_a} is {decisive} else {rest})"
    return combine(text, LOGICAL, a, b)


def negation(a: Code, scope: Scope) -> Code:
    """Return three-valued `not a`."""
    a = as_logical(a, scope)
    if not a.kinds & NULL:
        return combine(f"(not {a.text})", BOOL, a)
    bind, temp = _bound(a, scope)
    return combine(f"(not {temp} if {bind} is not None else None)", LOGICAL, a)
