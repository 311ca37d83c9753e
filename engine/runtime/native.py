"""Native functions as generated code calls them (architecture 5.2).

A call gives what the generated Python would give, or says that Python has to take the
event; then nothing of it remains.
"""

import importlib.util
import struct
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from engine.runtime.column import Column
from engine.runtime.columns import Columns
from engine.runtime.frame import Frame, OutputsExceeded, tick
from engine.runtime.native_memory import (
    LEFT,
    SLOT_BYTES,
    TURNS_PER_UNIT,
    ColumnPart,
    Ending,
    Header,
    KernelCode,
)

if TYPE_CHECKING:
    from engine.runtime.native_block import Block, PartColumns

MAX_DEPTH: Final = 200  # nested native calls; a thread's stack has room for many more
FEW_TURNS: Final = 24  # about what Python does in the time of a call
SHORT_CALLS: Final = 64  # one after the other, until Python takes some
RESTING_CALLS: Final = 1000
LEAST_COLUMNS: Final = 64  # fewer events are quicker as objects
MAX_EVENTS: Final = 2**26  # of one call
EVENTS_PER_UNIT: Final = 16
POINTER_BYTES: Final = 8

Run = Callable[[int], int]


def is_available() -> bool:
    """Tell whether this machine and this installation can compile native functions."""
    if struct.calcsize("P") != POINTER_BYTES:
        return False
    return importlib.util.find_spec("llvmlite") is not None


class NativeFunction:
    """A function of the program that is machine code from its first call on.

    Any number of threads may call it at the same time, each with a frame of its own.
    `calls` and `lefts` count calls and those that Python had to take.
    """

    def __init__(self, code: KernelCode) -> None:
        self.code = code
        self.calls = 0
        self.lefts = 0
        self._run: Run | None = None
        self._is_off = False
        self._short = 0  # calls one after the other with few turns
        self._rest = 0  # calls that Python takes before the next is tried
        self._height = code.height
        self._has_parts = bool(code.parts)
        self._blocks: list[Block] = []  # those no call works on
        self._pack = struct.Struct(f"=3q{code.given.replace('?', 'q')}").pack_into
        result = code.result.replace("?", "?7x")
        self._unpack = struct.Struct(f"={result}q").unpack_from

    def __call__(self, x: Frame, d: int, *given: Any) -> Any:
        """Return the function's value for arguments of the right kinds, or `LEFT`."""
        if self._rest:
            self._rest -= 1
            return LEFT
        run = self._run or self._loaded()
        left = x.depth_limit - d
        if run is None or left < self._height:
            return LEFT
        room = 0
        if self._has_parts:
            room = x.limits.outputs_per_event + 1  # one beyond tells there are more
            if x.emits is None or room > MAX_EVENTS:
                return LEFT
        blocks = self._blocks
        block = blocks.pop() if blocks else self._new_block()
        block.look.frame = x
        turns = x.n * TURNS_PER_UNIT if x.n > 0 else 0
        depth = min(MAX_DEPTH, left)
        self._pack(block.memory, _GIVEN_AT, turns, depth, room, *given)
        self.calls += 1
        ending = run(block.address)
        if ending > Ending.NULL or self._has_parts:
            return self._ended(ending, block, x)
        value, left = self._unpack(block.memory, _RESULT_AT)
        blocks.append(block)
        self._note(turns - left)
        x.n = left // TURNS_PER_UNIT - 1
        if x.n < 0:
            tick(x)
        return None if ending else value

    def _ended(self, ending: int, block: "Block", x: Frame) -> Any:
        """Finish a call that emits, or that did not come to its end."""
        value, turns = self._unpack(block.memory, _RESULT_AT)
        self._note(max(x.n, 0) * TURNS_PER_UNIT - turns)
        error = block.take_error()
        stands = ending <= Ending.NULL or ending == Ending.FULL
        made = self._hand_over(block, x) if stands else 0
        if self._has_parts:
            block.clear()
        self._blocks.append(block)
        if error is not None:
            raise error
        if not stands:
            self.lefts += 1
            return LEFT
        x.n = turns // TURNS_PER_UNIT - 1 - made // EVENTS_PER_UNIT
        if x.n < 0:
            tick(x)
        if ending == Ending.FULL:
            bound = x.limits.outputs_per_event
            raise OutputsExceeded("R003", f"more than {bound} outputs for one event")
        return None if ending else value

    def _note(self, turns: int) -> None:
        """Take note of the turns a call took; of few Python is quicker.

        After a look at the clock the number is below zero: many.
        """
        if not 0 <= turns < FEW_TURNS:
            self._short = 0
            return
        self._short += 1
        if self._short >= SHORT_CALLS:
            self._rest = RESTING_CALLS

    def _new_block(self) -> "Block":
        # only called with machine code, so ctypes is there
        from engine.runtime.native_block import Block

        return Block(self.code)

    def _loaded(self) -> Run | None:
        """Return the machine code, compiled now; None if that cannot be done."""
        if self._is_off:
            return None
        # llvmlite is imported where a native function is called, nowhere else
        from engine.runtime.native_code import kernel

        self._run = kernel(self.code.ir)
        self._is_off = self._run is None
        return self._run

    # --- events -----------------------------------------------------------------

    def _hand_over(self, block: "Block", x: Frame) -> int:
        """Take the events out of a block and return how many there are."""
        parts, emits = self.code.parts, x.emits
        if not parts or emits is None:
            return 0
        if self.code.order:
            *columns, order = block.columns
            outputs = list(map(_outputs, parts, columns))
            (places,) = order.values(order.count())
            emits.extend(next(outputs[place]) for place in places)
            return len(places)
        (part,), (columns_of_part,) = parts, block.columns
        count = columns_of_part.count()
        if count >= LEAST_COLUMNS and part.is_struct and part.codes:
            x.emit_columns([_columns(part, columns_of_part.copies(count))])
        elif count:
            emits.extend(_outputs(part, columns_of_part))
        return count


_RESULT_AT: Final = Header.RESULT * SLOT_BYTES
_GIVEN_AT: Final = Header.TURNS * SLOT_BYTES


def _outputs(part: ColumnPart, columns: "PartColumns") -> Iterator[Any]:
    """Return the outputs of a part, made as they are asked for."""
    count = columns.count()
    if not part.codes:
        return (part.make(None) for _ in range(count))
    return map(part.make, repeat(None), *columns.values(count))


def _columns(part: ColumnPart, columns: list[bytes]) -> Columns:
    made = map(_column, columns, part.codes)
    return Columns(part.event_type, part.names, tuple(made), part.make)


def _column(data: bytes, code: str) -> Column:
    """Return the values of a column where they stand.

    As a NumPy array if the process has NumPy. Importing it would take longer than
    compiling the function, and all that replies and sinks want is a list.
    """
    from_buffer = getattr(sys.modules.get("numpy"), "frombuffer", None)
    if from_buffer is None:
        view: Column = memoryview(data).cast(code)  # type: ignore[call-overload]  # q d ?
        return view
    array: Column = from_buffer(data, dtype=code)
    return array
