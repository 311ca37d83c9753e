"""Windows under a watermark: several of a key may be open at once (vpl.md 12.2, 12.3)."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.deadlines import EndHeap
from engine.runtime.frame import Frame
from engine.runtime.partitions import Entry, Slot, entry_class
from engine.runtime.state import Codec
from engine.runtime.stream_clock import StreamClock
from engine.runtime.windows_timed import TimedPartitions

Make = Callable[[Hashable, Any], Any]
_OWN: Final = (Slot("end"), Slot("opened"))


class Grid(Entry):
    """The windows of one key: where their grid begins, and those open by their end."""

    __slots__ = ("start", "windows")

    start: int
    windows: dict[int, Any]


class _Window(Entry):
    """A window that knows its grid."""

    __slots__ = ("grid",)


class GridWindows(TimedPartitions):
    """Windows [s + k * size, s + (k + 1) * size) that close `lateness` after their end.

    s is the first event's timestamp of each key, or 0 for the aligned grid. An event of
    a closed window is left out and counted. All times are ns.
    """

    __slots__ = (
        "_frame_late",
        "_heap",
        "is_aligned",
        "lateness",
        "size",
        "window",
        "window_content",
    )

    def __init__(
        self,
        content: Sequence[Slot],
        clock: StreamClock,
        size: int,
        lateness: int,
        *,
        is_aligned: bool,
    ) -> None:
        super().__init__(Grid, (), clock)
        self.window_content = (*_OWN, *content)
        self.window = entry_class(self.window_content, _Window)
        self.size = size
        self.lateness = lateness
        self.is_aligned = is_aligned
        self._heap = EndHeap()
        self._frame_late: Frame | None = None

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds."""
        super().bind(frame, limits)
        self._frame_late = frame

    def find(self, key: Hashable, shown: Any, ts: int, make: Make) -> Any:
        """Return the window of an event at `ts`, opened by `make` if need be.

        None if that window is closed.
        """
        grid: Any = self.table.get(key)
        is_new = grid is None
        if is_new:
            grid = self.new(shown)
            grid.start, grid.windows = 0 if self.is_aligned else ts, {}
        elif self.tracks:
            self.touch(grid)
        at = (ts - grid.start) // self.size
        end = grid.start + (at + 1) * self.size + self.lateness
        is_over = end <= self.clock.now
        if is_new and not (is_over and self.is_aligned):
            self.add(grid)
        window = grid.windows.get(end)
        if window is not None:
            return window
        if is_over:
            if self._frame_late is not None:
                self._frame_late.tally("late_events")
            return None
        return self._open(grid, end, make(key, grid.shown))

    def _open(self, grid: Grid, end: int, window: Any) -> Any:
        window.grid, window.end = grid, end
        grid.windows[end] = window
        self._heap.open(window)
        self.wake(end)
        return window

    def closing(self, now: int) -> Iterator[Any]:
        """Take the windows that are due at `now`, in order."""
        table, find = self.table, self.finder
        try:
            for window in self._heap.pop_until(now):
                grid = window.grid
                if find(grid.key) is grid:
                    del grid.windows[window.end]
                    if self.is_aligned and not grid.windows:
                        del table[grid.key]
                    yield window
        finally:
            self.due = self._heap.due

    def save(self, entry: Any, codec: Codec) -> Any:
        """Return a grid with its windows as JSON-able data."""
        windows = [
            [slot.save(window, codec) for slot in self.window_content]
            for window in entry.windows.values()
        ]
        return [codec.to_data(entry.shown), entry.used, entry.start, windows]

    def load(self, data: Any, codec: Codec) -> Any:
        """Return a grid from what `save` gave."""
        shown, used, start, windows = data
        grid = self.new(codec.from_data(shown))
        grid.used, grid.start, grid.windows = used, start, {}
        for content in windows:
            window: Any = self.window()
            window.key, window.shown, window.used = grid.key, grid.shown, 0
            window.grid = grid
            for slot, item in zip(self.window_content, content, strict=True):
                slot.load(window, item, codec)
            grid.windows[window.end] = window
        return grid

    def restored(self, entries: list[Any]) -> None:
        """Rebuild the order of closing."""
        windows = [window for grid in entries for window in grid.windows.values()]
        opened = max((window.opened for window in windows), default=0)
        self._heap.restore(windows, opened)
        self.rewake(self._heap.due)
