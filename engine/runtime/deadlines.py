"""What is due when: entries by the end of their time, then by opening."""

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from engine.runtime.state import END_OF_TIME, FOREVER

BEYOND: Final = 2**65
"""No event and no length of time goes there, in ns."""


def reached(now: int) -> int:
    """Return up to when things are over: everything is when time runs out."""
    return BEYOND if now >= END_OF_TIME else now


class EndQueue:
    """Entries by `end`, which never changes; ties go by order of insertion.

    Ends mostly grow from one entry to the next, so they stand in a line; those that do
    not are strays in a heap. A stray ends before the greatest end of the line at its
    time, so of equal ends the line's was there first.
    """

    __slots__ = ("_count", "_highest", "_line", "_strays")

    def __init__(self) -> None:
        self._line: deque[Any] = deque()
        self._strays: list[tuple[int, int, Any]] = []
        self._highest = -FOREVER
        self._count = 0

    def push(self, entry: Any) -> None:
        """Add an entry."""
        end = entry.end
        if end >= self._highest:
            self._highest = end
            self._line.append(entry)
        else:
            self._count += 1
            heapq.heappush(self._strays, (end, self._count, entry))

    @property
    def due(self) -> int:
        """Return the least end, at most the end of all time; FOREVER if empty."""
        line, strays = self._line, self._strays
        if not (line or strays):
            return FOREVER
        end: int = line[0].end if line else END_OF_TIME
        if strays and strays[0][0] < end:
            end = strays[0][0]
        return min(END_OF_TIME, end)

    def pop_until(self, now: int) -> Iterator[Any]:
        """Take the entries that end at `now` or before, in order."""
        line, strays = self._line, self._strays
        now = reached(now)
        while strays:
            if line and line[0].end <= strays[0][0]:
                if line[0].end > now:
                    return
                yield line.popleft()
            elif strays[0][0] <= now:
                yield heapq.heappop(strays)[2]
            else:
                return
        while line and line[0].end <= now:
            yield line.popleft()

    def in_order(self) -> list[Any]:
        """Return all entries in the order they would be taken."""
        ranked = [(entry.end, 0, at, entry) for at, entry in enumerate(self._line)]
        ranked += [(end, 1, at, entry) for end, at, entry in self._strays]
        return [item[3] for item in sorted(ranked, key=lambda item: item[:3])]

    def clear(self) -> None:
        """Forget everything."""
        self._line.clear()
        self._strays.clear()
        self._highest = -FOREVER


class EndHeap:
    """Entries by an end that may move on; ties go by their `opened` number.

    An entry is asked for its present end when the one it was put in with is reached.
    """

    __slots__ = ("_heap", "opened")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Any]] = []
        self.opened = 0

    def open(self, entry: Any) -> None:
        """Add an entry and number it."""
        self.opened += 1
        entry.opened = self.opened
        heapq.heappush(self._heap, (entry.end, entry.opened, entry))

    @property
    def due(self) -> int:
        """Return a time before which nothing ends, at most the end of all time."""
        return min(self._heap[0][0], END_OF_TIME) if self._heap else FOREVER

    def pop_until(self, now: int) -> Iterator[Any]:
        """Take the entries that end at `now` or before, in order."""
        now = reached(now)
        while self._heap and self._heap[0][0] <= now:
            end, opened, entry = self._heap[0]
            if entry.end != end:
                heapq.heapreplace(self._heap, (entry.end, opened, entry))
            else:
                heapq.heappop(self._heap)
                yield entry

    def restore(self, entries: list[Any], opened: int) -> None:
        """Take over entries that have their numbers."""
        self._heap = [(entry.end, entry.opened, entry) for entry in entries]
        heapq.heapify(self._heap)
        self.opened = opened
