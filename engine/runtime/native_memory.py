"""The memory a native function works on: one block per call, slots of eight bytes.

First the header, then what the function is given, then one part per emit statement: how
many events it has, for how many there is room, and the address of each column.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

SLOT_BYTES: Final = 8
TURNS_PER_UNIT: Final = 1024
"""Turns of a native loop for each unit that `Frame.n` counts: machine code is faster."""
LEFT: Final = object()
"""What a native function gives when Python has to take the event."""


class Ending(IntEnum):
    """How a kernel ended; after the first two its work stands."""

    VALUE = 0
    NULL = 1
    LEFT = 2  # Python takes the event
    STOPPED = 3  # the look at the clock raised an exception
    FULL = 4  # more events than one event may make


class Header(IntEnum):
    """The slots every kernel has, and before each call all but the first two are set."""

    CALLER = 0  # whom the look at the clock concerns
    RESULT = 1
    TURNS = 2  # turns of loops until the next look at the clock
    DEPTH = 3  # calls that may nest below the function
    ROOM = 4  # events that may still be emitted


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """Where the events of one emit statement stand, and what they become.

    `slot` is the first of its part. `codes` are those of the struct module, one per
    column: `q`, `d` or `?`. `make` makes an output of its timestamp and its values.
    """

    slot: int
    codes: str
    make: Any
    event_type: str
    names: tuple[str, ...]
    is_struct: bool


@dataclass(frozen=True, slots=True)
class KernelCode:
    """A native function as text, with what is needed to call it.

    `ir` is LLVM IR whose function `kernel` takes the address of the memory and returns an
    `Ending`. `given` and `result` are struct codes of what it takes and gives. `height` is
    how deep its calls nest at least. `order` is the slot of the part that says which
    part each event is in, 0 if there is but one.
    """

    ir: str
    given: str
    result: str
    height: int
    size: int
    parts: tuple[ColumnPart, ...]
    order: int
