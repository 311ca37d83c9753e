"""Emitted events as columns: what a native function gives instead of one object each.

A `Columns` stands in lists of outputs for all its events, in their place and order. Who
counts events uses `count_events`, who needs each of them `each_output`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

import msgspec

from engine.runtime.column import Column
from engine.runtime.column_text import RowTexts, Text, text_of

ROWS_AT_ONCE: Final = 4096  # become objects together, so that few of them live

_encoder = msgspec.json.Encoder()
_encode = _encoder.encode

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
        arrays: tuple[Column, ...],
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
        return self.part(0, count)

    def part(self, start: int, stop: int) -> "Columns":
        """Return the events from place `start` on, up to `stop`."""
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

    def to_json(self, separator: bytes, stamp: str | None = None) -> bytes:
        """Return the events as JSON objects with a comma or a newline between them.

        They are what encoding their outputs one by one gives.
        """
        return self.writer(separator, stamp)(0, len(self))

    def writer(self, separator: bytes, stamp: str | None = None) -> Text:
        """Return what writes the events from one place up to another as `to_json`."""
        head = _encode(self.make(stamp, *(None for _ in self.names)))[:-1]
        text = text_of(RowTexts(head, self.names, separator), self.arrays)
        if text is not None:
            return text
        encode = _encode_list if separator == b"," else _encode_lines

        def by_objects(start: int, stop: int) -> bytes:
            parts = self.part(start, stop)._parts()
            return separator.join([encode(list(p._made(stamp))) for p in parts])

        return by_objects

    def payloads(self, stamp: str | None = None) -> list[bytes]:
        """Return the JSON object of each event."""
        return self.to_json(b"\n", stamp).split(b"\n")

    def _parts(self) -> Iterator["Columns"]:
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield self.part(start, start + ROWS_AT_ONCE)

    def _made(self, stamp: str | None) -> Iterator[Any]:
        lists = (array.tolist() for array in self.arrays)
        return map(self.make, repeat(stamp), *lists)


def _encode_list(outputs: list[Any]) -> bytes:
    return _encode(outputs)[1:-1]


def _encode_lines(outputs: list[Any]) -> bytes:
    return _encoder.encode_lines(outputs)[:-1]


class ColumnRows:
    """The rows of columns for their consumers, made while they are iterated.

    `make_row` makes a row of an output and `stamp`, its timestamp in ns.
    """

    __slots__ = ("_columns", "_make_row", "_stamp")

    def __init__(
        self, columns: Columns, make_row: Callable[[Any, Any], Any], stamp: int | None
    ) -> None:
        self._columns = columns
        self._make_row = make_row
        self._stamp = stamp

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[Any]:
        make_row, stamp = self._make_row, self._stamp
        return (make_row(output, stamp) for output in self._columns.outputs())


def count_events(items: Sequence[Any]) -> int:
    """Return how many events a list of outputs and columns holds."""
    return len(items) + sum(len(i) - 1 for i in items if i.__class__ is Columns)


def each_output(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the output of every event in a list of outputs and columns, in order."""
    for item in items:
        if item.__class__ is Columns:
            yield from item.outputs()
        else:
            yield item


def cut_events(items: list[Any], bound: int) -> None:
    """Keep the first `bound` events of a list of outputs and columns."""
    left = bound
    for at, item in enumerate(items):
        size = len(item) if item.__class__ is Columns else 1
        if size > left:
            items[at:] = [item.take(left)] if left else []
            return
        left -= size
