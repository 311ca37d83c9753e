"""How long to wait before connecting or sending again (vpl.md section 14)."""

from collections.abc import Callable
from random import SystemRandom

FIRST_S = 0.1
LAST_S = 30.0
TRIES_PER_SEND = 5

_draw = SystemRandom().random


class Backoff:
    """Pauses from 0.1 s, doubling to 30 s, with jitter; belongs to one thread.

    Each pause is drawn between half of its length and the whole, so that many clients
    of one server do not come back at the same instant.
    """

    def __init__(self, draw: Callable[[], float] = _draw) -> None:
        self._draw = draw
        self._next_s = FIRST_S

    def reset(self) -> None:
        """Start again at the shortest pause, after a success."""
        self._next_s = FIRST_S

    def next_s(self) -> float:
        """Return the next pause in seconds."""
        pause_s = self._next_s * (0.5 + 0.5 * self._draw())
        self._next_s = min(self._next_s * 2, LAST_S)
        return pause_s
