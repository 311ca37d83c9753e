"""Outputs as JSON that is no longer than an answer may be.

Values share their parts, so a few outputs of a small program can be far longer written
out than they are in memory. They are weighed before they are written.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from engine.encoding import encode
from engine.runtime.columns import Columns

ANSWER_BYTES: Final = 16 * 1024 * 1024  # of the outputs in one answer
ELEMENT_BYTES: Final = 8  # what an element of an array or map counts beside its text
NUMBER_BYTES: Final = 24
MAX_LEVELS: Final = 100  # arrays and maps inside each other
PART_BYTES: Final = 256 * 1024  # of outputs that are written together

_astuple = msgspec.structs.astuple
_CONTAINERS: Final = frozenset((list, dict))


class OutputText:
    """Collects outputs as elements of a JSON array, the first ones that have room.

    `is_cut` tells that some were left out; none is added after that.
    """

    def __init__(self, most_bytes: int = ANSWER_BYTES) -> None:
        self._parts: list[bytes] = []
        self._left = most_bytes
        self.is_cut = False

    def add(self, outputs: list[Any], most_bytes: int | None = None) -> None:
        """Append outputs, and columns for many of them, as far as there is room.

        They are not weighed if somebody knows that they have at most `most_bytes`.
        """
        if most_bytes is not None and most_bytes <= self._left:
            self._write(outputs)
            return
        for part in self._weighed(outputs):
            if self.is_cut:
                return
            self._write(part)

    def _weighed(self, outputs: list[Any]) -> Iterator[list[Any]]:
        """Yield outputs in parts of bounded size as long as one more may have room."""
        held: list[Any] = []
        held_bytes = 0
        for output in outputs:
            fitting, size = self._fitting(output)
            if held_bytes + size > PART_BYTES:
                yield held
                held, held_bytes = [], 0
            if fitting is not None:
                held.append(fitting)
                held_bytes += size
            if fitting is not output:
                yield held
                self.is_cut = True
                return
        yield held

    def _fitting(self, output: Any) -> tuple[Any, int]:
        """Return as much of an output or columns as may have room, and its size."""
        if output.__class__ is Columns:
            names = output.names
            each = sum(map(len, names)) + NUMBER_BYTES * (len(names) + 1)
            count = min(len(output), self._left // each)
            fitting = output if count == len(output) else output.take(count)
            return fitting if count else None, each * count
        size = estimate(output, self._left)
        return (output, size) if size <= self._left else (None, 0)

    def _write(self, outputs: list[Any]) -> None:
        """Append outputs that were made sure to be of bounded size, if they fit."""
        if not outputs or self.is_cut:
            return
        text = encode(outputs)
        if len(text) <= self._left:
            self._parts.append(text[1:-1])
            self._left -= len(text)
        elif len(outputs) > 1:
            for output in outputs:
                self._write([output])
        else:
            self.is_cut = True

    def to_json(self) -> msgspec.Raw:
        """Return the array."""
        return msgspec.Raw(b"[%b]" % b",".join(self._parts))


def estimate(output: Any, most: int) -> int:
    """Return about how many bytes an output has as JSON, without writing it.

    Texts count their characters, everything else a few bytes. Returns more than `most`
    as soon as that is sure, and for what is nested too deeply to be written.
    """
    level: list[Any] = [_values_of(output)]
    size = 0
    for _ in range(MAX_LEVELS):
        below: list[Any] = []
        for container in level:
            size += _weigh(container, below)
            if size > most:
                return size
        if not below:
            return size
        level = below
    return most + 1


def _values_of(output: Any) -> Any:
    return _astuple(output) if isinstance(output, msgspec.Struct) else output


def _weigh(container: Any, below: list[Any]) -> int:
    """Add what is inside containers to `below`; return the size of the others."""
    size = ELEMENT_BYTES * (len(container) + 1)
    members: Iterable[Any] = container
    if container.__class__ is dict:
        size += sum(map(len, container))
        members = container.values()
    for member in members:
        if member.__class__ is str:
            size += len(member)
        elif member.__class__ in _CONTAINERS:
            below.append(member)
    return size
