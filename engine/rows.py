"""Decoded events on their way to a program, which may have changed meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from engine.machine import Machine


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How the rows of one program look: their class, and attributes by field name."""

    row_class: type[msgspec.Struct]
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one shape; envelopes around rows when `is_nested`."""

    shape: Shape
    rows: list[Any]
    is_nested: bool

    def ready_for(self, machine: "Machine", family: str | None) -> "Rows":
        """Return the rows as a program takes them.

        What another program decoded is made anew. Events of a type the program does
        not consume are delivered as `family` if it consumes that.
        """
        ready = self
        if self.shape is not machine.shape:
            ready = Rows(machine.shape, machine.rows_of(self), is_nested=True)
        if family is not None and family in machine.consumes:
            _deliver_as(family, ready.rows, machine.consumes)
        return ready


def _deliver_as(family: str, rows: Iterable[Any], consumed: frozenset[str]) -> None:
    """Retype events whose own type nobody consumes."""
    for row in rows:
        if row.t not in consumed:
            row.t = family
