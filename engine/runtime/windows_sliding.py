"""Windows that share events from one pass to the next (vpl.md 9.1)."""

from collections import deque
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.partitions import DequeSlot, Partitions, Slot, entry_class
from engine.runtime.stream_clock import StreamClock

Item = tuple[Any, Any, Any]
"""Row, type and output of an event."""
_TIMED: Final = (DequeSlot("rows"), Slot("passed"))


class SlidingWindows(Partitions):
    """The events of the last `size` ns, passed at most every `step` ns.

    Entries have the slots `rows`, by arrival, and `passed`, the time of the last pass.
    With a watermark an event older than the clock by more than `size` is left out.
    """

    __slots__ = ("clock", "frame", "has_watermark", "size", "step")

    def __init__(
        self, clock: StreamClock, size: int, step: int, *, has_watermark: bool
    ) -> None:
        super().__init__(entry_class(_TIMED), _TIMED)
        self.clock = clock
        self.size = size
        self.step = step
        self.has_watermark = has_watermark

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds."""
        super().bind(frame, limits)
        self.frame = frame

    def put(self, key: Any, shown: Any, item: Item, ts: int) -> list[Item] | None:
        """Add an event and return the content of the window if it passes now."""
        if self.has_watermark and ts < self.clock.now - self.size:
            self.frame.tally("late_events")
            return None
        entry = self.table.get(key)
        if entry is None:
            entry = self.new(shown)
            entry.rows, entry.passed = deque(), None
            self.add(entry)
        elif self.tracks:
            self.touch(entry)
        rows, oldest = entry.rows, ts - self.size
        rows.append(item)
        while rows[0][0].ts < oldest:
            rows.popleft()
        if entry.passed is not None and ts < entry.passed + self.step:
            return None
        entry.passed = ts
        return [kept for kept in rows if kept[0].ts >= oldest]


class SlidingCountWindows(Partitions):
    """The last `size` events, passed once there are that many and every `step` events.

    Entries have the slots `rows` and `since`, the events since the last pass.
    """

    __slots__ = ("size", "step")

    def __init__(self, size: int, step: int) -> None:
        slots = (DequeSlot("rows", bound=size), Slot("since"))
        super().__init__(entry_class(slots), slots)
        self.size = size
        self.step = step

    def put(self, key: Any, shown: Any, item: Item) -> list[Item] | None:
        """Add an event and return the content of the window if it passes now."""
        entry = self.table.get(key)
        if entry is None:
            entry = self.new(shown)
            entry.rows, entry.since = deque(maxlen=self.size), self.step
            self.add(entry)
        elif self.tracks:
            self.touch(entry)
        entry.rows.append(item)
        entry.since += 1
        if len(entry.rows) < self.size or entry.since < self.step:
            return None
        entry.since = 0
        return list(entry.rows)
