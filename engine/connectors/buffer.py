"""The bounded buffer between a pipeline and the thread that feeds a sink."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

CAPACITY = 10_000  # events
HOLD_UP_S = 5.0


class Pending(NamedTuple):
    """One event on its way to a sink."""

    topic: str
    payload: bytes
    stream: str


class SinkBuffer:
    """A queue of at most 10 000 events that slows its producers down when full.

    A producer that finds no room waits up to 5 s for each event. After that the far
    side counts as stuck: until there is room again, producers are not held up any more and what they
    bring is handed back. `wake` is called whenever events arrive for a consumer that
    found nothing.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        capacity: int = CAPACITY,
        hold_up_s: float = HOLD_UP_S,
    ) -> None:
        self._wake = wake
        self._capacity = capacity
        self._hold_up_s = hold_up_s
        self._events: deque[Pending] = deque()
        self._room = threading.Condition()
        self._is_stuck = False
        self._consumer_waits = True
        self._closed = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, events: Sequence[Pending]) -> Sequence[Pending]:
        """Append events in order; returns those that found no room in time."""
        deadline: float | None = None
        done = 0
        with self._room:
            while done < len(events):
                space = self._capacity - len(self._events)
                if space > 0:
                    self._append(events[done : done + space])
                    done += min(space, len(events) - done)
                    deadline = None
                    continue
                if self._is_stuck or self._closed:
                    break
                deadline = deadline or time.monotonic() + self._hold_up_s
                if not self._room.wait(deadline - time.monotonic()):
                    self._is_stuck = True
        return events[done:]

    def take(self, limit: int) -> list[Pending]:
        """Remove and return up to `limit` events; never waits."""
        with self._room:
            count = min(limit, len(self._events))
            taken = [self._events.popleft() for _ in range(count)]
            if taken:
                self._is_stuck = False
                self._room.notify_all()
            self._consumer_waits = not self._events
        return taken

    def put_back(self, events: Sequence[Pending]) -> None:
        """Return events that were taken and could not be sent, in front."""
        with self._room:
            self._events.extendleft(reversed(events))

    def close(self) -> None:
        """Hold nobody up any more."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    def _append(self, events: Sequence[Pending]) -> None:
        self._events.extend(events)
        if self._consumer_waits:
            self._consumer_waits = False
            self._wake()
