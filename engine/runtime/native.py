"""Native functions as generated code calls them (architecture 5.2).

A call gives what the generated Python would give, or says that Python has to take the
event; then nothing of it remains.
"""

import importlib.util
import struct
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

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

MAX_DEPTH: Final = 200  # nested native calls; a thread's stack has room for many more
LEAST_COLUMNS: Final = 64  # fewer events are quicker as objects
MAX_EVENTS: Final = 2**26  # of one call
EVENTS_PER_UNIT: Final = 16
POINTER_BYTES: Final = 8

Run = Callable[[bytearray], int]


def is_available() -> bool:
    """Tell whether this machine and this installation can compile native functions."""
    if struct.calcsize("P") != POINTER_BYTES:
        return False
    return importlib.util.find_spec("llvmlite") is not None


class Look:
    """Whom a kernel's look at the clock concerns, and what came of it."""

    __slots__ = ("error", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.error: BaseException | None = None

    def __call__(self) -> bool:
        """Look at the clock and tell whether to stop."""
        try:
            tick(self.frame)
        except BaseException as error:
            self.error = error
            return True
        return False


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
        self._bytes = code.size * SLOT_BYTES
        self._pack = struct.Struct(f"=5q{code.given.replace('?', 'q')}").pack_into
        self._unpack = struct.Struct(f"={code.result}").unpack_from
        self._has_parts = bool(code.parts)

    def __call__(self, x: Frame, d: int, *given: Any) -> Any:
        """Return the function's value for arguments of the right kinds, or `LEFT`."""
        run = self._run or self._loaded()
        left = x.depth_limit - d
        if run is None or left < self.code.height:
            return LEFT
        room = 0
        if self._has_parts:
            if x.emits is None or x.limits.outputs_per_event >= MAX_EVENTS:
                return LEFT
            room = x.limits.outputs_per_event + 1  # one beyond tells there are more
        look = Look(x)
        memory = bytearray(self._bytes)
        turns = max(x.n, 0) * TURNS_PER_UNIT
        depth = min(left, MAX_DEPTH)
        self._pack(memory, 0, turns, depth, room, id(look), 0, *given)
        self.calls += 1
        return self._ended(run(memory), memory, x, look)

    def _ended(self, ending: int, memory: bytearray, x: Frame, look: Look) -> Any:
        made = 0
        if self._has_parts:
            made = self._take(ending, memory, x)
        if ending <= Ending.NULL or ending == Ending.FULL:
            (turns,) = _INT.unpack_from(memory, Header.TURNS * SLOT_BYTES)
            x.n = turns // TURNS_PER_UNIT - 1 - made // EVENTS_PER_UNIT
            if x.n < 0:
                tick(x)
        if ending == Ending.VALUE:
            return self._unpack(memory, Header.RESULT * SLOT_BYTES)[0]
        if ending == Ending.NULL:
            return None
        if ending == Ending.FULL:
            bound = x.limits.outputs_per_event
            raise OutputsExceeded("R003", f"more than {bound} outputs for one event")
        if look.error is not None:
            raise look.error
        self.lefts += 1
        return LEFT

    def _loaded(self) -> Run | None:
        """Return the machine code, compiled now; None if that cannot be done."""
        if self._is_off:
            return None
        # llvmlite is imported where a native function is called, nowhere else
        from engine.runtime.native_code import machine_code

        self._run = machine_code(self.code.ir, self._bytes)
        self._is_off = self._run is None
        return self._run

    # --- events -----------------------------------------------------------------

    def _take(self, ending: int, memory: bytearray, x: Frame) -> int:
        """Take the events out of the memory and return how many there are."""
        # only called with machine code, so ctypes is there
        from engine.runtime.native_code import free, read

        parts = self.code.parts
        order = None
        counts = [_INT.unpack_from(memory, p.slot * SLOT_BYTES)[0] for p in parts]
        lists: list[list[bytes]] = []
        stands = ending in {Ending.VALUE, Ending.NULL, Ending.FULL}
        for part, count in zip(parts, counts, strict=True):
            columns = _addresses(memory, part.slot, len(part.codes))
            if stands:
                sizes = [count * struct.calcsize(code) for code in part.codes]
                lists.append(list(map(read, columns, sizes)))
            free(columns)
        if self.code.order:
            columns = _addresses(memory, self.code.order, 1)
            if stands:
                order = memoryview(read(columns[0], sum(counts) * SLOT_BYTES)).cast("q")
            free(columns)
        if not stands:
            return 0
        self._hand_over(counts, lists, order, x)
        return sum(counts)

    def _hand_over(
        self,
        counts: list[int],
        lists: list[list[bytes]],
        order: "memoryview[int] | None",
        x: Frame,
    ) -> None:
        emits = x.emits
        assert emits is not None
        if order is not None:
            outputs = [
                _outputs(part, count, columns)
                for part, count, columns in zip(
                    self.code.parts, counts, lists, strict=True
                )
            ]
            emits.extend(next(outputs[at]) for at in order)
            return
        (part,), (count,), (columns,) = self.code.parts, counts, lists
        if count >= LEAST_COLUMNS and part.is_struct and part.codes:
            x.emit_columns([_columns(part, columns)])
        else:
            emits.extend(_outputs(part, count, columns))


_INT: Final = struct.Struct("=q")


def _addresses(memory: bytearray, slot: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f"={count}q", memory, (slot + 2) * SLOT_BYTES)


def _outputs(part: ColumnPart, count: int, columns: list[bytes]) -> Iterator[Any]:
    """Return the outputs of a part, made as they are asked for."""
    if not columns:
        return (part.make(None) for _ in range(count))
    lists = [
        memoryview(column).cast(code).tolist()  # type: ignore[call-overload]  # one of q d ?
        for column, code in zip(columns, part.codes, strict=True)
    ]
    return map(part.make, repeat(None), *lists)


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
