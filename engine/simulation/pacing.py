"""Replaying events as they came."""

import time
from collections.abc import Callable

from engine.runtime.values import NS_PER_S


class Pacing:
    """Waits before each event as long as passed between it and the first one.

    An event that is older than the one before it waits for nothing.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._first_ns: int | None = None
        self._began_s = 0.0

    def wait_for(self, ns: int) -> None:
        """Return when it is time for an event of this timestamp."""
        if self._first_ns is None:
            self._first_ns, self._began_s = ns, self._monotonic()
        due_s = self._began_s + (ns - self._first_ns) / NS_PER_S
        left_s = due_s - self._monotonic()
        if left_s > 0:
            self._sleep(left_s)
