"""Windows that hold one stretch of events per key at a time (vpl.md 9.1 and 12.3).

Generated code finds the entry of a key, opens one if there is none, and adds the event
to what the entry collects. Windows of time leave when the clock reaches their end:
generated code runs through `closing`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.runtime.deadlines import EndHeap, EndQueue
from engine.runtime.partitions import Partitions, Slot, entry_class
from engine.runtime.state import END_OF_TIME
from engine.runtime.stream_clock import StreamClock
from engine.runtime.windows_timed import TimedPartitions


class TumblingWindows(TimedPartitions):
    """Windows [s, s + size) that open with their first event, or lie on a fixed grid.

    All times are ns. Entries have the slot `end`. Events older than an open window join
    it; on a grid they are late where their own window is over.
    """

    __slots__ = ("_queue", "is_aligned", "size")

    def __init__(
        self,
        content: Sequence[Slot],
        clock: StreamClock,
        size: int,
        *,
        is_aligned: bool,
    ) -> None:
        slots = (Slot("end"), *content)
        super().__init__(entry_class(slots), slots, clock)
        self.size = size
        self.is_aligned = is_aligned
        self._queue = EndQueue()

    def open(self, entry: Any, ts: int) -> None:
        """Put a new entry, whose first event is at `ts`, among the open windows."""
        start = ts - ts % self.size if self.is_aligned else ts
        entry.end = end = start + self.size
        self.add(entry)
        self._queue.push(entry)
        if end < self.due or end >= END_OF_TIME:
            self.wake(end)

    def is_over(self, ts: int) -> bool:
        """Tell whether the clock has passed the window of the grid that holds `ts`."""
        return ts - ts % self.size + self.size <= self.clock.now

    def closing(self, now: int) -> Iterator[Any]:
        """Take the windows that end at `now` or before, in order."""
        table, find = self.table, self.finder
        try:
            for entry in self._queue.pop_until(now):
                if find(entry.key) is entry:
                    del table[entry.key]
                    yield entry
        finally:
            self.due = self._queue.due

    def ordered(self) -> list[Any]:
        """Return the open windows in the order they close."""
        find = self.finder
        return [entry for entry in self._queue.in_order() if find(entry.key) is entry]

    def restored(self, entries: list[Any]) -> None:
        """Rebuild the order of closing."""
        self._queue.clear()
        for entry in entries:
            self._queue.push(entry)
        self.rewake(self._queue.due)


class SessionWindows(TimedPartitions):
    """Sessions: an event later than the gap after the last one begins the next.

    Entries have the slots `end`, the first time in ns at which the session is over
    (generated code moves it on), and `opened`, their order.
    """

    __slots__ = ("_heap",)

    def __init__(self, content: Sequence[Slot], clock: StreamClock) -> None:
        slots = (Slot("end"), Slot("opened"), *content)
        super().__init__(entry_class(slots), slots, clock)
        self._heap = EndHeap()

    def open(self, entry: Any, end: int) -> None:
        """Put a new entry among the open sessions."""
        entry.end = end
        self.add(entry)
        self._heap.open(entry)
        self.wake(end)

    def closing(self, now: int) -> Iterator[Any]:
        """Take the sessions that are over at `now`, in order."""
        table, find = self.table, self.finder
        try:
            for entry in self._heap.pop_until(now):
                if find(entry.key) is entry:
                    del table[entry.key]
                    yield entry
        finally:
            self.due = self._heap.due

    def restored(self, entries: list[Any]) -> None:
        """Rebuild the order of closing."""
        opened = max((entry.opened for entry in entries), default=0)
        self._heap.restore(entries, opened)
        self.rewake(self._heap.due)


class Collections(Partitions):
    """Entries that stay until generated code takes them out: counts, running values."""

    __slots__ = ()

    def __init__(self, content: Sequence[Slot]) -> None:
        super().__init__(entry_class(content), content)
