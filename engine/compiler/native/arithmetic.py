"""Arithmetic on ints and floats -> LLVM IR; `engine.runtime.operators` says what it means.

Ints have 64 bits and leave the kernel when a result does not fit, floats are IEEE
without any licence to rearrange. A zero divisor leaves the kernel too.
"""

from typing import Final

from engine.compiler.kinds import FLOAT, INT
from engine.compiler.native.assembly import Assembly
from engine.compiler.native.values import Value, as_float

LEAVE: Final = "leave"  # the block where a function gives the event up
INT_MIN: Final = str(-(2**63))
_CHECKED: Final = {"+": "sadd", "-": "ssub", "*": "smul"}
_FLOATING: Final = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv", "%": "frem"}
_BITWISE: Final = {"&": "and", "|": "or", "^": "xor"}
_SMALL_POWERS: Final = frozenset(("1", "2", "3"))
MAX_SHIFT: Final = 63


def arithmetic(op: str, a: Value, b: Value, asm: Assembly) -> Value | None:
    """Return `a op b` for non-null operands, None if the kinds have no such operator."""
    if op in _BITWISE or op in {"<<", ">>"}:
        return _bits(op, a, b, asm) if a.kind == b.kind == INT else None
    if not {a.kind, b.kind} <= {INT, FLOAT}:
        return None
    if op == "**":
        return power(a, b, asm)
    if a.kind == b.kind == INT:
        return _whole(op, a, b, asm)
    if op in {"/", "%"}:
        _leave_if_zero(b, asm)
    left, right = as_float(a, asm), as_float(b, asm)
    return Value(FLOAT, asm.temp(f"{_FLOATING[op]} double {left.text}, {right.text}"))


def _whole(op: str, a: Value, b: Value, asm: Assembly) -> Value:
    if op in _CHECKED:
        return checked(_CHECKED[op], a, b, asm)
    _leave_if_zero(b, asm)
    is_negative_one = asm.temp(f"icmp eq i64 {b.text}, -1")
    if op == "%":  # the least int modulo -1 would trap
        divisor = asm.temp(f"select i1 {is_negative_one}, i64 1, i64 {b.text}")
        return Value(INT, asm.temp(f"srem i64 {a.text}, {divisor}"))
    is_least = asm.temp(f"icmp eq i64 {a.text}, {INT_MIN}")
    asm.leave_if(asm.temp(f"and i1 {is_negative_one}, {is_least}"), LEAVE)
    return Value(INT, asm.temp(f"sdiv i64 {a.text}, {b.text}"))


def checked(call: str, a: Value, b: Value, asm: Assembly) -> Value:
    """Return a sum, difference or product of ints that fits 64 bits."""
    intrinsic = f"@llvm.{call}.with.overflow.i64"
    pair = asm.temp(f"call {{i64, i1}} {intrinsic}(i64 {a.text}, i64 {b.text})")
    value = asm.temp(f"extractvalue {{i64, i1}} {pair}, 0")
    asm.leave_if(asm.temp(f"extractvalue {{i64, i1}} {pair}, 1"), LEAVE)
    return Value(INT, value)


def _leave_if_zero(b: Value, asm: Assembly) -> None:
    if b.kind == INT:
        test = asm.temp(f"icmp eq i64 {b.text}, 0")
    else:
        test = asm.temp(f"fcmp oeq double {b.text}, 0.0")
    asm.leave_if(test, LEAVE)


def _bits(op: str, a: Value, b: Value, asm: Assembly) -> Value:
    if op in _BITWISE:
        return Value(INT, asm.temp(f"{_BITWISE[op]} i64 {a.text}, {b.text}"))
    asm.leave_if(asm.temp(f"icmp ugt i64 {b.text}, {MAX_SHIFT}"), LEAVE)
    if op == ">>":
        return Value(INT, asm.temp(f"ashr i64 {a.text}, {b.text}"))
    shifted = asm.temp(f"shl i64 {a.text}, {b.text}")
    back = asm.temp(f"ashr i64 {shifted}, {b.text}")
    asm.leave_if(asm.temp(f"icmp ne i64 {back}, {a.text}"), LEAVE)
    return Value(INT, shifted)


def power(a: Value, b: Value, asm: Assembly) -> Value:
    """Return `a ** b`: an int for ints, which leaves the kernel below zero."""
    if a.kind == b.kind == INT:
        if b.text in _SMALL_POWERS:
            return _small_power(a, int(b.text), asm)
        args = f"i64 {a.text}, i64 {b.text}"
        pair = asm.temp(f"call {{i64, i1}} @int_power({args})")
        asm.leave_if(asm.temp(f"extractvalue {{i64, i1}} {pair}, 1"), LEAVE)
        return Value(INT, asm.temp(f"extractvalue {{i64, i1}} {pair}, 0"))
    left, right = as_float(a, asm), as_float(b, asm)
    is_zero = asm.temp(f"fcmp oeq double {left.text}, 0.0")
    is_below = asm.temp(f"fcmp olt double {right.text}, 0.0")
    asm.leave_if(asm.temp(f"and i1 {is_zero}, {is_below}"), LEAVE)
    args = f"double {left.text}, double {right.text}"
    return Value(FLOAT, asm.temp(f"call double @vpl_pow({args})"))


def _small_power(a: Value, exponent: int, asm: Assembly) -> Value:
    value = a
    for _ in range(exponent - 1):
        value = checked("smul", value, a, asm)
    return value


def negative(a: Value, asm: Assembly) -> Value | None:
    """Return `-a` of a number."""
    if a.kind == INT:
        return checked("ssub", Value(INT, "0"), a, asm)
    if a.kind == FLOAT:
        return Value(FLOAT, asm.temp(f"fneg double {a.text}"))
    return None


POWER: Final = """
define internal {i64, i1} @int_power(i64 %a, i64 %b) {
entry:
  %below = icmp slt i64 %b, 0
  br i1 %below, label %fails, label %starts
starts:
  %near = add i64 %a, 1
  %small = icmp ult i64 %near, 3
  %rest = and i64 %b, 1
  %most = add i64 %rest, 2
  %many = icmp ugt i64 %b, 63
  %short = and i1 %small, %many
  %long = xor i1 %small, true
  %beyond = and i1 %long, %many
  %count = select i1 %short, i64 %most, i64 %b
  br i1 %beyond, label %fails, label %loop
loop:
  %at = phi i64 [0, %starts], [%next, %turn]
  %value = phi i64 [1, %starts], [%product, %turn]
  %more = icmp slt i64 %at, %count
  br i1 %more, label %turn, label %done
turn:
  %pair = call {i64, i1} @llvm.smul.with.overflow.i64(i64 %value, i64 %a)
  %product = extractvalue {i64, i1} %pair, 0
  %over = extractvalue {i64, i1} %pair, 1
  %next = add i64 %at, 1
  br i1 %over, label %fails, label %loop
done:
  %good = insertvalue {i64, i1} {i64 0, i1 false}, i64 %value, 0
  ret {i64, i1} %good
fails:
  ret {i64, i1} {i64 0, i1 true}
}
"""
"""`a ** b` of ints: bases between -1 and 1 need no more turns than tell their parity."""
