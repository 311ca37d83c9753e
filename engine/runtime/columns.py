"""Emitted events as columns: what a native function gives instead of one object each.

A `Columns` stands in lists of outputs for all its events, in their place and order. Who
counts events uses `count_events`, who needs each of them `each_output`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

ROWS_AT_ONCE: Final = 4096  # become objects together, so that few of them live

MakeOutput = Callable[..., Any]
"""Makes an output of its timestamp member (None in replies) and its values in order."""


class Columns:
    """Events of one type, made by one emit statement for one event, in order.

    `arrays` are one-dimensional int64, float64 or bool, equally long, one for each of
    `names`; they hold no nulls, infinities or NaN and are never changed. `make` is the
    output class of the statement: a Struct, so no field is called `event_type` or
    `timestamp`. There is at least one event and at least one column.
    """

    __slots__ = ("arrays", "event_type", "make", "names")

    def __init__(
        self,
        event_type: str,
        names: tuple[str, ...],
        arrays: "tuple[np.ndarray[Any, Any], ...]",
        make: MakeOutput,
    ) -> None:
        self.event_type = event_type
        self.names = names
        self.arrays = arrays
        self.make = make

    def __len__(self) -> int:
        return len(self.arrays[0])

    def take(self, count: int) -> "Columns":
        """Return the first `count` events, all if there are fewer."""
        return self._part(0, count)

    def _part(self, start: int, stop: int) -> "Columns":
        arrays = tuple(array[start:stop] for array in self.arrays)
        return Columns(self.event_type, self.names, arrays, self.make)

    def values(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of each event as Python int, float and bool."""
        return zip(*(array.tolist() for array in self.arrays), strict=True)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the fields of each event."""
        for part in self._parts():
            for values in part.values():
                yield dict(zip(self.names, values, strict=True))

    def outputs(self, stamp: str | None = None) -> Iterator[Any]:
        """Yield the output of each event; `stamp` is its timestamp member."""
        for part in self._parts():
            yield from part._made(stamp)

    def _parts(self) -> Iterator["Columns"]:
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield self._part(start, start + ROWS_AT_ONCE)

    def _made(self, stamp: str | None) -> Iterator[Any]:
        lists = (array.tolist() for array in self.arrays)
        return map(self.make, repeat(stamp), *lists)


def count_events(items: Iterable[Any]) -> int:
    """Return how many events a list of outputs and columns holds."""
    return sum(len(item) if item.__class__ is Columns else 1 for item in items)


def each_output(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the output of every event in a list of outputs and columns, in order."""
    for item in items:
        if item.__class__ is Columns:
            yield from item.outputs()
        else:
            yield item


def cut_events(items: list[Any], bound: int) -> bool:
    """Keep the first `bound` events of a list of outputs and columns.

    Returns whether there were more.
    """
    left = bound
    for at, item in enumerate(items):
        size = len(item) if item.__class__ is Columns else 1
        if size > left:
            items[at:] = [item.take(left)] if left else []
            return True
        left -= size
    return False
