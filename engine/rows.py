"""Decoded events, as one program or another wants them."""

from dataclasses import dataclass
from typing import Any

import msgspec


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

    def deliver_as(self, family: str, consumed: frozenset[str]) -> None:
        """Retype events whose own type is not among those that are consumed."""
        for row in self.rows:
            if row.t not in consumed:
                row.t = family
