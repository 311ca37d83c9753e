"""Events on their way into messages of several: `.to(C, batch: N)`."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.runtime.columns import Columns
from engine.runtime.outgoing import Entry, encode_for_sink
from engine.runtime.values import iso_text


class Array(NamedTuple):
    """A message: a JSON array and how many events it holds."""

    payload: bytes
    events: int


class _Unfinished:
    """An array that is not full: the JSON texts of its events."""

    def __init__(self) -> None:
        self._texts = [b"["]
        self.events = 0

    def add(self, text: bytes, events: int) -> None:
        """Take events, with commas between them."""
        self._texts += (text, b",")
        self.events += events

    def finish(self) -> Array:
        """Return the array and start anew."""
        self._texts[-1] = b"]"
        array = Array(b"".join(self._texts), self.events)
        self._texts, self.events = [b"["], 0
        return array


class ArrayBatches:
    """Puts the events of one `.to` into arrays of `size`, by topic, in their order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_topic: dict[str, _Unfinished] = {}

    def add(self, topic: str, entries: Iterable[Entry]) -> list[Array]:
        """Take events of one topic and return the arrays that are full."""
        array = self._by_topic.setdefault(topic, _Unfinished())
        full = []
        for _, output, stamp in entries:
            if output.__class__ is not Columns:
                array.add(encode_for_sink(output, stamp), 1)
                if array.events == self._size:
                    full.append(array.finish())
                continue
            full += self._cut(array, output, iso_text(stamp))
        return full

    def _cut(self, array: _Unfinished, columns: Columns, stamp: str) -> Iterator[Array]:
        """Take columns and yield the arrays that are full."""
        text = columns.writer(b",", stamp)
        start = 0
        while start < len(columns):
            stop = min(start + self._size - array.events, len(columns))
            array.add(text(start, stop), stop - start)
            start = stop
            if array.events == self._size:
                yield array.finish()

    def rest(self) -> Iterator[tuple[str, Array]]:
        """Return what is left by topic, and start anew."""
        kept, self._by_topic = self._by_topic, {}
        for topic, array in kept.items():
            if array.events:
                yield topic, array.finish()
