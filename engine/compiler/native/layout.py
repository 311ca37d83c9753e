"""Where things stand in the memory of a kernel (`engine.runtime.native_memory`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT, Kinds
from engine.compiler.native.values import IR_TYPES
from engine.runtime.native_memory import SLOT_BYTES, Header

CODES: Final = {INT: "q", FLOAT: "d", BOOL: "?"}
_MARK: Final = re.compile(r"\$I(\d+)\$")


@dataclass(frozen=True, slots=True)
class EmitSite:
    """An emit statement for values of certain kinds.

    `generated` is its output class in the namespace of the program.
    """

    number: int
    kinds: tuple[Kinds, ...]
    generated: str
    event_type: str
    names: tuple[str, ...]
    is_struct: bool

    @property
    def function(self) -> str:
        """Return the IR function that emits one event."""
        return f"@emit{self.number}"

    @property
    def codes(self) -> str:
        """Return the struct codes of its columns."""
        return "".join(CODES[kind] for kind in self.kinds)

    @property
    def params(self) -> str:
        """Return the parameters of its function besides the memory."""
        listed = enumerate(self.kinds)
        return "".join(f", {IR_TYPES[kind]} %a{at}" for at, kind in listed)


@dataclass(frozen=True, slots=True)
class Layout:
    """The slots of the parts of one kernel by site, of the order, and the number of all.

    `order` is 0 where there is but one site.
    """

    parts: Mapping[int, int]
    order: int
    size: int


def lay_out(given: int, sites: Sequence[EmitSite]) -> Layout:
    """Return the places for that many given values and for what the sites emit."""
    at = len(Header) + given
    parts = {}
    for site in sites:
        parts[site.number] = at
        at += 2 + len(site.kinds)
    if len(sites) == 1:
        return Layout(parts, 0, at)
    return Layout(parts, at if sites else 0, at + 3 if sites else at)


def place(slot: int) -> str:
    """Return the IR of an address in the kernel's memory."""
    return f"getelementptr i8, ptr %c, i64 {slot * SLOT_BYTES}"


def marked(number: int) -> str:
    """Return the address of an input, whose place is known once the kernel is whole."""
    return f"getelementptr i8, ptr %c, i64 $I{number}$"


def with_places(text: str, slots: Mapping[int, int]) -> str:
    """Return IR with the places of inputs by their numbers."""
    return _MARK.sub(lambda found: str(slots[int(found[1])] * SLOT_BYTES), text)
