"""Timers: events that time itself brings (vpl.md section 11).

In event time ticks follow the timestamps of the events of the whole program, between
the first and the last of them. In wall time they follow the clock of the machine.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.state import FOREVER, Codec
from engine.runtime.stream_clock import NEVER

TICK_FIELD: Final = "tick"
MakeRow = Callable[[dict[str, Any], int | None], Any]
"""Makes a row of fields and a timestamp in ns."""


class Timer:
    """One timer stream: its period, and the number and time of its next tick.

    All times are integer ns. `next_ns` is None until time has begun.
    """

    __slots__ = ("delay_ns", "every_ns", "frame", "next_ns", "tick", "ticks", "type")

    def __init__(self, event_type: str, every_ns: int, delay_ns: int) -> None:
        self.type = event_type
        self.every_ns = every_ns
        self.delay_ns = delay_ns
        self.tick = 0
        self.next_ns: int | None = None
        self.frame: Frame | None = None
        self.ticks: Ticks | None = None

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream."""
        self.frame = frame

    def begin(self, now: int) -> int:
        """Return the time of the next tick; time begins at `now` unless it has."""
        if self.next_ns is None:
            self.next_ns = now + self.delay_ns
        return self.next_ns

    def take(self) -> tuple[int, int]:
        """Return time and number of the next tick, and go on to the one after it."""
        moment, number = self.next_ns or 0, self.tick
        self.next_ns = moment + self.every_ns
        self.tick += 1
        return moment, number

    def skip_to(self, now: int) -> None:
        """Leave out and count the ticks up to and including `now`."""
        if self.next_ns is None or self.next_ns > now:
            return
        missed = (now - self.next_ns) // self.every_ns + 1
        self.next_ns += missed * self.every_ns
        self.miss(missed)

    def miss(self, missed: int) -> None:
        """Count ticks that were left out; they keep their numbers."""
        self.tick += missed
        if self.frame is not None:
            self.frame.drop("ticks", missed)

    def snapshot(self, codec: Codec) -> Any:
        """Return the next tick."""
        return {"tick": self.tick, "next": self.next_ns}

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.tick = int(data["tick"])
        following = data["next"]
        self.next_ns = None if following is None else int(following)
        if self.ticks is not None:
            self.ticks.due = NEVER


class Ticks:
    """The ticks of all timers of a program, in event time.

    `every` are its timers, `timers` those that follow event time: all of them or none.
    `due` is the time in ns from which on `until` has to be asked: that of the next
    tick, and before the first event any time. At most `bound` ticks come of one event;
    those before them are left out and counted.
    """

    def __init__(
        self, timers: Sequence[Timer], make_row: MakeRow, limits: Limits
    ) -> None:
        self.every = timers
        self.timers = timers
        self.due = NEVER if timers else FOREVER
        self._make_row = make_row
        self._bound = limits.ticks_per_event
        for timer in timers:
            timer.ticks = self

    @property
    def frame(self) -> Frame:
        """Return the counters that faults of all ticks together go to."""
        frame = self.timers[0].frame
        if frame is None:
            raise RuntimeError("the timer has no stream yet")
        return frame

    def stop(self) -> None:
        """Take ticks from event time no more: wall time brings them."""
        self.timers = ()
        self.due = FOREVER

    def until(self, now: int) -> Iterator[tuple[str, Any]]:
        """Yield types and rows of the ticks up to and including `now`, in order.

        At one instant the timer declared first comes first.
        """
        for timer in self.timers:
            timer.begin(now)
        self._leave_out(now)
        while self.timers:
            timer = min(self.timers, key=_next)
            self.due = _next(timer)
            if self.due > now:
                return
            moment, number = timer.take()
            yield timer.type, self._make_row({TICK_FIELD: number}, moment)

    def _leave_out(self, now: int) -> None:
        """Skip the first ticks where an event is so far ahead that they are too many."""
        share = max(1, self._bound // max(1, len(self.timers)))
        for timer in self.timers:
            timer.skip_to(now - share * timer.every_ns)


def _next(timer: Timer) -> int:
    return FOREVER if timer.next_ns is None else timer.next_ns
