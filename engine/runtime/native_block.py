"""The block of memory of one native call at a time, kept for the next one."""

import ctypes
import struct
from collections.abc import Iterable
from typing import Any, Final

from engine.runtime.frame import Frame, tick
from engine.runtime.native_memory import SLOT_BYTES, Header, KernelCode

KEPT_ROOM: Final = 2**16  # events a column has room for between calls
_NONE_YET: Final = -1  # the room of columns that were not looked at

_free = ctypes.CDLL(None).free
_free.argtypes = [ctypes.c_void_p]
_free.restype = None


class Look:
    """Whom a kernel's look at the clock concerns, and what came of it."""

    __slots__ = ("error", "frame")

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.error: BaseException | None = None

    def __call__(self) -> bool:
        """Look at the clock and tell whether to stop."""
        assert self.frame is not None
        try:
            tick(self.frame)
        except BaseException as error:  # machine code lets none through; raised again
            self.error = error
            return True
        return False


class Block:
    """What one call at a time works on: its memory, its columns, its look at the clock."""

    __slots__ = ("_held", "address", "columns", "look", "memory")

    def __init__(self, code: KernelCode) -> None:
        size = code.size * SLOT_BYTES
        self.memory = bytearray(size)
        self._held = (ctypes.c_char * size).from_buffer(self.memory)
        self.address = ctypes.addressof(self._held)
        self.look = Look()
        struct.pack_into("=q", self.memory, Header.CALLER * SLOT_BYTES, id(self.look))
        slots = [(part.slot, part.codes) for part in code.parts]
        if code.order:
            slots.append((code.order, "q"))
        self.columns = [PartColumns(self.memory, slot, codes) for slot, codes in slots]

    def take_error(self) -> BaseException | None:
        """Return and forget what the look at the clock raised."""
        error, self.look.error = self.look.error, None
        return error

    def clear(self) -> None:
        """Forget the events; large columns are let go of."""
        for columns in self.columns:
            columns.clear()

    def __del__(self) -> None:
        for columns in self.columns:
            columns.free()


class PartColumns:
    """The columns of one part of a block, read where the kernel left them."""

    __slots__ = (
        "_addresses", "_codes", "_memory", "_room", "_start", "_struct", "_views",
    )  # fmt: skip

    def __init__(self, memory: bytearray, slot: int, codes: str) -> None:
        self._memory = memory
        self._start = slot * SLOT_BYTES
        self._codes = codes
        self._struct = struct.Struct(f"={2 + len(codes)}q")
        self._room = _NONE_YET
        self._addresses: tuple[int, ...] = ()
        self._views: list[memoryview[Any]] = []

    def count(self) -> int:
        """Return how many events there are."""
        count: int = self._struct.unpack_from(self._memory, self._start)[0]
        return count

    def values(self, count: int) -> list[list[Any]]:
        """Return the values of each column."""
        return [view[:count].tolist() for view in self._current()]

    def copies(self, count: int) -> list[bytes]:
        """Return the bytes of each column."""
        return [view[:count].tobytes() for view in self._current()]

    def _current(self) -> "list[memoryview[Any]]":
        """Return the columns with all their room; growing may have moved them or not."""
        _, room, *addresses = self._struct.unpack_from(self._memory, self._start)
        if room != self._room or tuple(addresses) != self._addresses:
            self._room, self._addresses = room, tuple(addresses)
            self._views = [
                _view(address, room, code)
                for address, code in zip(addresses, self._codes, strict=True)
            ]
        return self._views

    def clear(self) -> None:
        """Forget the events, and the columns too if they are large."""
        _, room, *addresses = self._struct.unpack_from(self._memory, self._start)
        if room <= KEPT_ROOM:
            self._struct.pack_into(self._memory, self._start, 0, room, *addresses)
        else:
            self.free()

    def free(self) -> None:
        """Let go of the columns."""
        _, _, *addresses = self._struct.unpack_from(self._memory, self._start)
        self._views, self._room = [], _NONE_YET
        _free_all(addresses)
        nothing = (0,) * (2 + len(addresses))
        self._struct.pack_into(self._memory, self._start, *nothing)


def _view(address: int, room: int, code: str) -> "memoryview[Any]":
    column = (ctypes.c_char * (room * SLOT_BYTES)).from_address(address)
    view: memoryview[Any] = memoryview(column).cast("B").cast(code)  # type: ignore[call-overload]  # q d ?
    return view


def _free_all(addresses: Iterable[int]) -> None:
    for address in addresses:
        _free(address)
