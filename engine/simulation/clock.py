"""The clock of a simulation: event time instead of wall time."""


class EventClock:
    """Stands at the time of the event at hand; `now()` of programs reads it."""

    def __init__(self, now_ns: int = 0) -> None:
        self.ns = now_ns

    def now_ns(self) -> int:
        """Return integer nanoseconds since 1970 UTC."""
        return self.ns
