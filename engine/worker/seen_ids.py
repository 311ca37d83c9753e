"""The event ids a pipeline has taken lately, so that a repeat is not done twice."""

from collections import OrderedDict
from collections.abc import Callable

MAX_IDS = 100_000
WINDOW_S = 600.0


class SeenIds:
    """Remember the last 100 000 ids of the last 10 minutes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._taken: OrderedDict[str, float] = OrderedDict()

    def take(self, event_id: str) -> bool:
        """Remember an id; return False if it was taken within the window."""
        now = self._clock()
        self._forget_before(now - WINDOW_S)
        if event_id in self._taken:
            return False
        self._taken[event_id] = now
        if len(self._taken) > MAX_IDS:
            self._taken.popitem(last=False)
        return True

    def release(self, event_id: str) -> None:
        """Forget an id whose event was refused after all."""
        self._taken.pop(event_id, None)

    def _forget_before(self, moment: float) -> None:
        while self._taken and next(iter(self._taken.values())) < moment:
            self._taken.popitem(last=False)
