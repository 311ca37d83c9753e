"""Wall time as an argument."""

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the present instant; tests hand in one that stands still."""

    def now_ns(self) -> int:
        """Return integer nanoseconds since 1970 UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ns(self) -> int:
        """Return integer nanoseconds since 1970 UTC."""
        return time.time_ns()
