"""Three-valued logic and choices between values -> LLVM IR (vpl.md section 3)."""

from collections.abc import Callable, Sequence

from engine.compiler.kinds import BOOL, NULL, Kinds
from engine.compiler.native.assembly import Assembly
from engine.compiler.native.values import (
    IR_TYPES,
    NOTHING,
    NULL_VALUE,
    UNKNOWN,
    ZEROS,
    Value,
    null_flag,
)

Ending = tuple[Value, str]
"""A value and the block in which it is known."""


def is_true(value: Value, asm: Assembly) -> str:
    """Return the i1 that tells whether a bool is exactly true."""
    if not value.null:
        return value.text
    is_known = asm.temp(f"xor i1 {value.null}, true")
    return asm.temp(f"and i1 {is_known}, {value.text}")


def connective(
    decisive: bool, a: Value, right: Callable[[], Value], asm: Assembly
) -> Value:
    """Return `a or b` if true decides, else `a and b`; `right` writes b."""
    decided, other, end = asm.label(), asm.label(), asm.label()
    asm.branch(_is_decisive(decisive, a, asm), decided, other)
    asm.begin(decided)
    asm.jump(end)
    asm.begin(other)
    b = right()
    found = _is_decisive(decisive, b, asm)
    text = found if decisive else asm.temp(f"xor i1 {found}, true")
    null = ""
    if a.null or b.null:
        some = asm.temp(f"or i1 {null_flag(a)}, {null_flag(b)}")
        null = asm.temp(f"select i1 {found}, i1 false, i1 {some}")
    last = asm.here()
    asm.begin(end)
    constant = "true" if decisive else "false"
    text = asm.temp(f"phi i1 [{constant}, %{decided}], [{text}, %{last}]")
    if null:
        null = asm.temp(f"phi i1 [false, %{decided}], [{null}, %{last}]")
    return Value(BOOL, text, null)


def _is_decisive(decisive: bool, value: Value, asm: Assembly) -> str:
    if decisive:
        return is_true(value, asm)
    opposite = asm.temp(f"xor i1 {value.text}, true")
    return is_true(Value(BOOL, opposite, value.null), asm)


def negation(value: Value, asm: Assembly) -> Value:
    """Return `not` of a bool."""
    return Value(BOOL, asm.temp(f"xor i1 {value.text}, true"), value.null)


def shared_kind(kinds: Sequence[Kinds]) -> Kinds | None:
    """Return the one kind that values have besides null, None if they have several."""
    found = set(kinds) - {UNKNOWN, NULL}
    if len(found) > 1:
        return None
    if found:
        return found.pop()
    return NULL if NULL in kinds else UNKNOWN


def merged(kind: Kinds, endings: Sequence[Ending], asm: Assembly) -> Value:
    """Return the value of whichever block led here; their kind is `kind` or null."""
    if kind == UNKNOWN:
        return NOTHING
    if kind == NULL:
        return NULL_VALUE
    texts = [
        f"[{v.text if v.kind == kind else ZEROS[kind]}, %{block}]"
        for v, block in endings
    ]
    text = asm.temp(f"phi {IR_TYPES[kind]} {', '.join(texts)}")
    if not any(value.null for value, _ in endings):
        return Value(kind, text)
    flags = ", ".join(f"[{null_flag(value)}, %{block}]" for value, block in endings)
    return Value(kind, text, asm.temp(f"phi i1 {flags}"))
