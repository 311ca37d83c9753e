"""Which messages of a Kafka partition are processed, so that a commit skips none."""

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class Delivered:
    """A message handed to the pipeline."""

    offset: int
    is_done: bool = False


class PartitionOffsets:
    """Knows the first message that is not processed.

    Messages may be finished out of order and from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delivered: deque[Delivered] = deque()
        self._next: int | None = None

    def add(self, offset: int) -> Delivered:
        """Remember a message in the order of offsets."""
        entry = Delivered(offset)
        with self._lock:
            self._delivered.append(entry)
        return entry

    def finish(self, entry: Delivered) -> None:
        """Count a message as processed."""
        with self._lock:
            entry.is_done = True
            while self._delivered and self._delivered[0].is_done:
                self._next = self._delivered.popleft().offset + 1

    def take_next(self) -> int | None:
        """Return the offset to start from next time, if it has moved since."""
        with self._lock:
            moved, self._next = self._next, None
            return moved
