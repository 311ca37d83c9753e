"""Values in LLVM IR."""

import struct
from dataclasses import dataclass, replace
from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT, NULL, Kinds
from engine.compiler.native.assembly import Assembly

UNKNOWN: Final = 0  # the kind of what no round has found out yet
NUMBERS: Final = frozenset((INT, FLOAT))
KIND_WORDS: Final = {INT: "int", FLOAT: "float", BOOL: "bool", NULL: "null"}
IR_TYPES: Final = {INT: "i64", FLOAT: "double", BOOL: "i1", NULL: "i64", UNKNOWN: "i64"}
ZEROS: Final = {INT: "0", FLOAT: "0.0", BOOL: "false", NULL: "0", UNKNOWN: "0"}
ALWAYS: Final = "true"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of one kind: its name in IR or a constant.

    `null` is an i1 that is true when there is no value, empty if there always is one.
    A value that is always null has the kind NULL.
    """

    kind: Kinds
    text: str
    null: str = ""

    @property
    def type(self) -> str:
        """Return the IR type."""
        return IR_TYPES[self.kind]

    def sure(self) -> "Value":
        """Return the value for code that runs only where it is not null."""
        return replace(self, null="")


NOTHING: Final = Value(UNKNOWN, "0")
NULL_VALUE: Final = Value(NULL, "0", ALWAYS)


def integer(number: int) -> Value:
    """Return a constant int."""
    return Value(INT, str(number))


def boolean(is_true: bool) -> Value:
    """Return a constant bool."""
    return Value(BOOL, "true" if is_true else "false")


def floating(number: float) -> Value:
    """Return a constant float, by its bits."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", number))
    return Value(FLOAT, f"0x{bits:016X}")


def as_float(value: Value, asm: Assembly) -> Value:
    """Return a number as a float, rounded to the nearest as Python does."""
    if value.kind != INT:
        return value
    text = asm.temp(f"sitofp i64 {value.text} to double")
    return Value(FLOAT, text, value.null)


def null_flag(value: Value) -> str:
    """Return the i1 that tells whether there is no value."""
    return value.null or "false"
