"""Sessions under a watermark: late events may join, open and unite them (vpl.md 12.2)."""

from collections.abc import Hashable, Iterable, Iterator
from operator import itemgetter
from typing import Any

from engine.limits import Limits
from engine.runtime.deadlines import EndHeap
from engine.runtime.frame import Frame
from engine.runtime.partitions import Entry
from engine.runtime.state import Codec
from engine.runtime.stream_clock import StreamClock
from engine.runtime.windows_timed import TimedPartitions

Item = tuple[Any, Any, Any]
"""Row, type and output of an event."""


class Session:
    """One open session: the stretch from `first` to `last`, both in ns.

    `items` are its events with the number of their arrival; `end` is the first time at
    which it is over, `opened` its order. A session that was united with another, or
    dropped, is no longer `is_open`.
    """

    __slots__ = ("end", "first", "is_open", "items", "last", "opened", "owner")

    def __init__(self, owner: "Sessions", first: int, last: int) -> None:
        self.owner = owner
        self.first = first
        self.last = last
        self.items: list[tuple[int, Item]] = []
        self.is_open = True
        self.end = 0
        self.opened = 0

    @property
    def shown(self) -> Any:
        """Return the key as it was first seen."""
        return self.owner.shown

    @property
    def rows(self) -> list[Item]:
        """Return the events by arrival."""
        return [item for _, item in sorted(self.items, key=itemgetter(0))]


class Sessions(Entry):
    """The open sessions of one key."""

    __slots__ = ("open",)

    open: list[Session]


class WatermarkedSessions(TimedPartitions):
    """Sessions that close when the clock has passed their last event by gap + lateness.

    An event within `gap` of a session joins it, one near two of them unites them; one
    whose own session would be over is left out and counted. All times are ns.
    """

    __slots__ = ("_arrivals", "_frame_late", "_heap", "gap", "lateness")

    def __init__(self, clock: StreamClock, gap: int, lateness: int) -> None:
        super().__init__(Sessions, (), clock)
        self.gap = gap
        self.lateness = lateness
        self._arrivals = 0
        self._heap = EndHeap()
        self._frame_late: Frame | None = None

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream and the bounds."""
        super().bind(frame, limits)
        self._frame_late = frame

    def put(self, key: Hashable, shown: Any, item: Item, ts: int) -> None:
        """Add an event to the session it belongs to, which may be a new one."""
        entry = self.table.get(key)
        near = [] if entry is None else [s for s in entry.open if self._fits(s, ts)]
        if not near and self._end(ts) <= self.clock.now:
            if self._frame_late is not None:
                self._frame_late.tally("late_events")
            return
        if entry is None:
            entry = self.new(shown)
            entry.open = []
            self.add(entry)
        elif self.tracks:
            self.touch(entry)
        session = near[0] if near else self._open(entry, ts)
        self._unite(session, near[1:])
        session.first, session.last = min(session.first, ts), max(session.last, ts)
        session.end = self._end(session.last)
        self._arrivals += 1
        session.items.append((self._arrivals, item))

    def _fits(self, session: Session, ts: int) -> bool:
        return session.first - self.gap <= ts <= session.last + self.gap

    def _end(self, last: int) -> int:
        """Return the first time at which a session with this last event is over."""
        return last + self.gap + self.lateness + 1

    def _open(self, entry: Any, ts: int) -> Session:
        session = Session(entry, ts, ts)
        session.end = self._end(ts)
        entry.open.append(session)
        self._heap.open(session)
        self.wake(session.end)
        return session

    def _unite(self, session: Session, others: Iterable[Session]) -> None:
        for other in others:
            other.is_open = False
            session.owner.open.remove(other)
            session.items += other.items
            session.first = min(session.first, other.first)
            session.last = max(session.last, other.last)

    def closing(self, now: int) -> Iterator[Session]:
        """Take the sessions that are over at `now`, in order."""
        try:
            for session in self._heap.pop_until(now):
                if session.is_open:
                    owner = session.owner
                    owner.open.remove(session)
                    if not owner.open:
                        del self.table[owner.key]
                    yield session
        finally:
            self.due = self._heap.due

    def dropped(self, entry: Any) -> None:
        """Forget the sessions of a key."""
        for session in entry.open:
            session.is_open = False

    def save(self, entry: Any, codec: Codec) -> Any:
        """Return the sessions of a key as JSON-able data."""
        sessions = [
            [s.first, s.last, s.opened, codec.to_data(s.items)] for s in entry.open
        ]
        return [codec.to_data(entry.shown), entry.used, sessions]

    def load(self, data: Any, codec: Codec) -> Any:
        """Return the sessions of a key from what `save` gave."""
        shown, used, sessions = data
        entry = self.new(codec.from_data(shown))
        entry.used, entry.open = used, []
        for first, last, opened, items in sessions:
            session = Session(entry, first, last)
            session.opened, session.end = opened, self._end(last)
            session.items = codec.from_data(items)
            entry.open.append(session)
        return entry

    def restored(self, entries: list[Any]) -> None:
        """Rebuild the order of closing and go on counting arrivals."""
        sessions = [session for entry in entries for session in entry.open]
        arrivals = [number for session in sessions for number, _ in session.items]
        self._arrivals = max(arrivals, default=0)
        opened = max((session.opened for session in sessions), default=0)
        self._heap.restore(sessions, opened)
        self.rewake(self._heap.due)
