"""Builtins on numbers -> LLVM IR; `engine.builtins.numbers` says what they mean.

Functions of the mathematical library are the very ones Python calls. They are taken only
where argument and result are finite: beyond, Python counts errors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT, Kinds
from engine.compiler.native.arithmetic import LEAVE, negative, power
from engine.compiler.native.assembly import Assembly
from engine.compiler.native.comparisons import larger
from engine.compiler.native.refusals import RefusedError
from engine.compiler.native.values import KIND_WORDS, Value, as_float, integer
from vpl import nodes

Write = Callable[[Sequence[Value], Assembly], Value | None]

LIBRARY: Final[Mapping[str, int]] = {
    "exp": 1, "log": 1, "log10": 1, "sin": 1, "cos": 1, "tan": 1, "atan2": 2,
}  # fmt: skip
"""Functions of C's library that kernels call as `vpl_<name>`, with their arity."""
_ALIASES: Final = {"ln": "log"}
_LEAST_INT: Final = "0xC3E0000000000000"  # -2.0 ** 63
_BEYOND_INT: Final = "0x43E0000000000000"  # 2.0 ** 63


def call(name: str, args: Sequence[Value], node: nodes.Call, asm: Assembly) -> Value:
    """Return the result of a builtin for non-null arguments."""
    name = _ALIASES.get(name, name)
    if name in LIBRARY:
        found = _library(name, args, asm)
    else:
        write = _BUILTINS.get(name)
        if write is None:
            raise RefusedError(f"it calls the builtin '{name}'", node.span)
        found = write(args, asm)
    if found is None:
        words = ", ".join(KIND_WORDS[arg.kind] for arg in args)
        raise RefusedError(f"'{name}' is not native for {words}", node.span)
    return found


def _are(args: Sequence[Value], *kinds: Kinds) -> bool:
    return all(arg.kind in kinds for arg in args)


def _leave_unless_finite(text: str, asm: Assembly) -> None:
    none = asm.temp(f"fsub double {text}, {text}")
    asm.leave_if(asm.temp(f"fcmp uno double {none}, 0.0"), LEAVE)


def _library(name: str, args: Sequence[Value], asm: Assembly) -> Value | None:
    if not _are(args, INT, FLOAT) or len(args) != LIBRARY[name]:
        return None
    floats = [as_float(arg, asm).text for arg in args]
    for text in floats:
        _leave_unless_finite(text, asm)
    listed = ", ".join(f"double {text}" for text in floats)
    found = asm.temp(f"call double @vpl_{name}({listed})")
    _leave_unless_finite(found, asm)
    return Value(FLOAT, found)


def _sqrt(args: Sequence[Value], asm: Assembly) -> Value | None:
    if not _are(args, INT, FLOAT):
        return None
    value = as_float(args[0], asm)
    asm.leave_if(asm.temp(f"fcmp olt double {value.text}, 0.0"), LEAVE)
    return Value(FLOAT, asm.temp(f"call double @llvm.sqrt.f64(double {value.text})"))


def _abs(args: Sequence[Value], asm: Assembly) -> Value | None:
    (value,) = args
    if value.kind == FLOAT:
        return Value(
            FLOAT, asm.temp(f"call double @llvm.fabs.f64(double {value.text})")
        )
    if value.kind != INT:
        return None
    opposite = negative(value, asm)  # leaves for the least int, as it has to
    assert opposite is not None
    is_below = asm.temp(f"icmp slt i64 {value.text}, 0")
    return Value(INT, _pick(is_below, opposite, value, asm))


def _pick(test: str, a: Value, b: Value, asm: Assembly) -> str:
    return asm.temp(f"select i1 {test}, {a.type} {a.text}, {b.type} {b.text}")


def _to_whole(text: str, asm: Assembly) -> Value:
    """Return a float without a fraction as an int, if it is one."""
    is_low = asm.temp(f"fcmp oge double {text}, {_LEAST_INT}")
    is_high = asm.temp(f"fcmp olt double {text}, {_BEYOND_INT}")
    fits = asm.temp(f"and i1 {is_low}, {is_high}")
    asm.leave_if(asm.temp(f"xor i1 {fits}, true"), LEAVE)
    return Value(INT, asm.temp(f"fptosi double {text} to i64"))


def _rounding(intrinsic: str) -> Write:
    def write(args: Sequence[Value], asm: Assembly) -> Value | None:
        if len(args) != 1 or not _are(args, INT, FLOAT):
            return None
        (value,) = args
        if value.kind == INT:
            return value
        call = f"call double @llvm.{intrinsic}.f64(double {value.text})"
        return _to_whole(asm.temp(call), asm)

    return write


def _to_int(args: Sequence[Value], asm: Assembly) -> Value | None:
    (value,) = args
    if value.kind == BOOL:
        return Value(INT, asm.temp(f"zext i1 {value.text} to i64"))
    return _rounding("trunc")(args, asm)


def _to_float(args: Sequence[Value], asm: Assembly) -> Value | None:
    (value,) = args
    if value.kind == BOOL:
        return Value(FLOAT, asm.temp(f"uitofp i1 {value.text} to double"))
    return as_float(value, asm)


def _extreme(*, is_greatest: bool) -> Write:
    """Return what writes `min` or `max`: of equals the first, as Python takes it."""

    def write(args: Sequence[Value], asm: Assembly) -> Value | None:
        if not _are(args, INT, FLOAT):
            return None
        if len({arg.kind for arg in args}) > 1 and len(args) > 2:
            return None  # which one it was decides the next comparison
        best = args[0]
        for arg in args[1:]:
            test = larger(arg, best, asm) if is_greatest else larger(best, arg, asm)
            if arg.kind != best.kind:
                arg, best = as_float(arg, asm), as_float(best, asm)
            best = Value(best.kind, _pick(test, arg, best, asm))
        return best

    return write


def _clamp(args: Sequence[Value], asm: Assembly) -> Value | None:
    if not (_are(args, INT) or _are(args, FLOAT)):
        return None
    value, low, high = args
    asm.leave_if(larger(low, high, asm), LEAVE)
    least = _pick(larger(value, high, asm), high, value, asm)
    bounded = Value(value.kind, least)
    return Value(value.kind, _pick(larger(low, value, asm), low, bounded, asm))


def _sign(args: Sequence[Value], asm: Assembly) -> Value | None:
    if not _are(args, INT, FLOAT):
        return None
    zero = integer(0)
    (value,) = args
    above = asm.temp(f"zext i1 {larger(value, zero, asm)} to i64")
    below = asm.temp(f"zext i1 {larger(zero, value, asm)} to i64")
    return Value(INT, asm.temp(f"sub i64 {above}, {below}"))


def _power(args: Sequence[Value], asm: Assembly) -> Value | None:
    return power(args[0], args[1], asm) if _are(args, INT, FLOAT) else None


_BUILTINS: Final[Mapping[str, Write]] = {
    "sqrt": _sqrt,
    "abs": _abs,
    "floor": _rounding("floor"),
    "ceil": _rounding("ceil"),
    "round": _rounding("round"),
    "to_int": _to_int,
    "to_float": _to_float,
    "min": _extreme(is_greatest=False),
    "max": _extreme(is_greatest=True),
    "clamp": _clamp,
    "sign": _sign,
    "pow": _power,
}
