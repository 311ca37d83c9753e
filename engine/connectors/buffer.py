"""The bounded buffer between a pipeline and the thread that feeds a sink."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of one stream to one topic, in order, of `events` events each.

    They stay together where they can: an object for each costs as much as sending it.
    """

    topic: str
    payloads: Sequence[bytes]
    stream: str
    events: int = 1

    def __len__(self) -> int:
        return len(self.payloads)

    def part(self, start: int, stop: int | None = None) -> "Messages":
        """Return those from place `start` on, up to `stop`."""
        return replace(self, payloads=self.payloads[start:stop])

    def singly(self) -> list[Pending]:
        """Return each by itself."""
        topic, stream, events = self.topic, self.stream, self.events
        return [Pending(topic, payload, stream, events) for payload in self.payloads]


def singly(blocks: Iterable[Messages]) -> list[Pending]:
    """Return each message by itself."""
    return [pending for messages in blocks for pending in messages.singly()]


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
        self._blocks: deque[Messages] = deque()
        self._count = self._events = 0
        self._room = threading.Condition()
        self._is_stuck = False
        self._consumer_waits = True
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def put(self, messages: Messages) -> Messages:
        """Append messages in order; returns those that found no room in time."""
        deadline: float | None = None
        done = 0
        with self._room:
            while done < len(messages):
                space = (self._capacity - self._events) // messages.events
                if space > 0:
                    self._append(messages.part(done, done + space))
                    done += space
                    deadline = None
                    continue
                if self._is_stuck or self._closed:
                    break
                deadline = deadline or time.monotonic() + self._hold_up_s
                if not self._room.wait(deadline - time.monotonic()):
                    self._is_stuck = True
        return messages.part(done)

    def take(self, limit: int) -> list[Messages]:
        """Remove and return up to `limit` messages; never waits."""
        taken = []
        with self._room:
            while self._blocks and limit > 0:
                block = self._blocks.popleft()
                if len(block) > limit:
                    self._blocks.appendleft(block.part(limit))
                    block = block.part(0, limit)
                limit -= len(block)
                self._count -= len(block)
                self._events -= len(block) * block.events
                taken.append(block)
            if taken:
                self._is_stuck = False
                self._room.notify_all()
            self._consumer_waits = not self._blocks
        return taken

    def close(self) -> None:
        """Hold nobody up any more."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    def _append(self, messages: Messages) -> None:
        self._blocks.append(messages)
        self._count += len(messages)
        self._events += len(messages) * messages.events
        if self._consumer_waits:
            self._consumer_waits = False
            self._wake()
