"""The clock of a stream (vpl.md 12.2)."""

from typing import Any, Final

from engine.runtime.state import FOREVER, Codec

NEVER: Final = -(2**63)
"""What a clock shows before the first event, in ns."""


class StreamClock:
    """How far a stream is in event time, and when something is due.

    `now` and `due` are integer ns. Generated code moves `now`, which never runs back;
    states lower `due`. `heard` has the greatest timestamp of each source where the
    clock follows the least of several.
    """

    __slots__ = ("due", "heard", "now")

    def __init__(self) -> None:
        self.now = NEVER
        self.due = FOREVER
        self.heard: list[int] = []

    def listen(self, sources: int) -> None:
        """Follow several sources."""
        self.heard = [NEVER] * sources

    def hear(self, source: int, stamp: int, lag: int) -> None:
        """Move to the least of the sources that have sent something, minus `lag`."""
        heard = self.heard
        before = heard[source]
        if stamp <= before:
            return
        heard[source] = stamp
        if before - lag > self.now:
            return  # another source is behind this one
        least = stamp
        for time in heard:
            if NEVER < time < least:
                least = time
        if least - lag > self.now:
            self.now = least - lag

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data; what is due follows from the states."""
        return {"now": self.now, "heard": list(self.heard)}

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.now = int(data["now"])
        self.heard = [int(time) for time in data["heard"]]
