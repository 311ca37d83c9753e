"""What all windows share that leave when the clock gets to their end."""

from collections.abc import Sequence

from engine.runtime.partitions import Entry, Partitions, Slot
from engine.runtime.state import END_OF_TIME, FOREVER
from engine.runtime.stream_clock import StreamClock


class TimedPartitions(Partitions):
    """Partitions in which something is due: `due` is the next time, in ns.

    Whatever would end after all time is due when time runs out.
    """

    __slots__ = ("clock", "due")

    def __init__(
        self, make: type[Entry], content: Sequence[Slot], clock: StreamClock
    ) -> None:
        super().__init__(make, content)
        self.clock = clock
        self.due = FOREVER

    def wake(self, end: int) -> None:
        """Have the stream look for what is due at `end`."""
        if end < self.due:
            self.due = end
            if end < self.clock.due:
                self.clock.due = end
        elif self.due == FOREVER:
            self.wake(END_OF_TIME)

    def rewake(self, due: int) -> None:
        """Take over what is due next, after a restore; FOREVER if nothing is."""
        self.due = FOREVER
        if due < FOREVER:
            self.wake(due)
