"""The bounded buffer between a pipeline and the thread that feeds a sink."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from engine.connectors.messages import events_of

CAPACITY = 10_000  # events
HOLD_UP_S = 5.0


class Pending(NamedTuple):
    """One message on its way to a sink: an event, or an array of `events`."""

    topic: str
    payload: bytes
    stream: str
    events: int = 1


def pendings(
    topic: str, messages: Sequence[bytes], stream: str, events: int
) -> list[Pending]:
    """Return messages of one stream, of `events` events each, to one topic."""
    fields = zip(repeat(topic), messages, repeat(stream), repeat(events))
    # a million messages a second: the class's own way costs five times as much
    return list(map(tuple.__new__, repeat(Pending), fields))


def by_stream(messages: Iterable[Pending]) -> dict[str, list[bytes]]:
    """Return the single events of messages, by the stream they come from."""
    found: dict[str, list[bytes]] = {}
    for pending in messages:
        found.setdefault(pending.stream, []).extend(events_of(pending.payload))
    return found


class SinkBuffer:
    """Messages of at most 10 000 events; slows its producers down when full.

    A producer that finds no room waits up to 5 s for each message. After that the far
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
        self._messages: deque[Pending] = deque()
        self._events = 0
        self._room = threading.Condition()
        self._is_stuck = False
        self._consumer_waits = True
        self._closed = False

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, messages: Sequence[Pending]) -> Sequence[Pending]:
        """Append messages in order; returns those that found no room in time.

        They hold equally many events, at most as many as there is room for in all.
        """
        weight = messages[0].events if messages else 1
        deadline: float | None = None
        done = 0
        with self._room:
            while done < len(messages):
                space = (self._capacity - self._events) // weight
                if space > 0:
                    self._append(messages[done : done + space], weight)
                    done += min(space, len(messages) - done)
                    deadline = None
                    continue
                if self._is_stuck or self._closed:
                    break
                deadline = deadline or time.monotonic() + self._hold_up_s
                if not self._room.wait(deadline - time.monotonic()):
                    self._is_stuck = True
        return messages[done:]

    def take(self, limit: int) -> list[Pending]:
        """Remove and return up to `limit` messages; never waits."""
        with self._room:
            messages = self._messages
            count = min(limit, len(messages))
            taken = [messages.popleft() for _ in range(count)]
            if taken:
                self._events -= sum(pending.events for pending in taken)
                self._is_stuck = False
                self._room.notify_all()
            self._consumer_waits = not messages
        return taken

    def close(self) -> None:
        """Hold nobody up any more."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    def _append(self, messages: Sequence[Pending], weight: int) -> None:
        self._messages.extend(messages)
        self._events += weight * len(messages)
        if self._consumer_waits:
            self._consumer_waits = False
            self._wake()
