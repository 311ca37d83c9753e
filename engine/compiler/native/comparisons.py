"""Comparisons of numbers and bools -> LLVM IR.

An int and a float are compared as the numbers they are, as Python does, not after
rounding the int.
"""

from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT
from engine.compiler.native.assembly import Assembly
from engine.compiler.native.values import Value, as_float, boolean

ORDER: Final = frozenset(("<", "<=", ">", ">="))
EQUALITY: Final = frozenset(("==", "!="))
_INT_TESTS: Final = {
    "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne",
}  # fmt: skip
_FLOAT_TESTS: Final = {
    "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une",
}  # fmt: skip
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def compare(op: str, a: Value, b: Value, asm: Assembly) -> Value | None:
    """Return `a op b` of non-null operands, None if the kinds have no order."""
    if {a.kind, b.kind} <= {INT, FLOAT}:
        return Value(BOOL, _numbers(op, a, b, asm))
    if op in ORDER:
        return None
    if a.kind == b.kind == BOOL:
        return Value(BOOL, asm.temp(f"icmp {_INT_TESTS[op]} i1 {a.text}, {b.text}"))
    return boolean(op == "!=")  # a bool never equals a number


def _numbers(op: str, a: Value, b: Value, asm: Assembly) -> str:
    if a.kind == b.kind:
        word, tests = ("icmp", _INT_TESTS) if a.kind == INT else ("fcmp", _FLOAT_TESTS)
        return asm.temp(f"{word} {tests[op]} {a.type} {a.text}, {b.text}")
    if a.kind == FLOAT:
        return _mixed(_MIRRORED[op], b, a, asm)
    return _mixed(op, a, b, asm)


def _mixed(op: str, whole: Value, number: Value, asm: Assembly) -> str:
    """Compare an int with a float.

    Rounding keeps the order, so unequal after rounding means unequal in the same
    sense. Where the rounded int equals the float, the float is whole and the ints
    decide; only 2 ** 63 is no int, and above all of them.
    """
    args = f"i64 {whole.text}, double {number.text}"
    sign = asm.temp(f"call i64 @compare_exactly({args})")
    test = asm.temp(f"icmp {_INT_TESTS[op]} i64 {sign}, 0")
    is_number = asm.temp(f"fcmp ord double {number.text}, 0.0")
    if op == "!=":
        not_number = asm.temp(f"xor i1 {is_number}, true")
        return asm.temp(f"or i1 {test}, {not_number}")
    return asm.temp(f"and i1 {test}, {is_number}")


COMPARE_EXACTLY: Final = """
define internal i64 @compare_exactly(i64 %a, double %b) alwaysinline {
entry:
  %rounded = sitofp i64 %a to double
  %same = fcmp oeq double %rounded, %b
  br i1 %same, label %close, label %apart
apart:
  %above = fcmp ogt double %rounded, %b
  %sign = select i1 %above, i64 1, i64 -1
  ret i64 %sign
close:
  %beyond = fcmp oge double %b, 0x43E0000000000000
  br i1 %beyond, label %less, label %whole
less:
  ret i64 -1
whole:
  %other = fptosi double %b to i64
  %more = icmp sgt i64 %a, %other
  %fewer = icmp slt i64 %a, %other
  %up = zext i1 %more to i64
  %down = zext i1 %fewer to i64
  %difference = sub i64 %up, %down
  ret i64 %difference
}
"""
"""The sign of an int minus a float that is not NaN."""


def larger(a: Value, b: Value, asm: Assembly) -> str:
    """Return the i1 that tells whether `a > b`."""
    return _numbers(">", a, b, asm)


def rounded_pair(a: Value, b: Value, asm: Assembly) -> tuple[Value, Value]:
    """Return two numbers of one kind: ints, or floats if one is a float."""
    if a.kind == b.kind == INT:
        return a, b
    return as_float(a, asm), as_float(b, asm)
