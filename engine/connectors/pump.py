"""The thread between the buffer of a sink and a far side that takes batches."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from engine.connectors.backoff import TRIES_PER_SEND, Backoff
from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending, SinkBuffer
from engine.connectors.dead_letters import DeadLetters, Origin

logger = logging.getLogger("varpulis")

Write = Callable[[Sequence[Pending]], None]
"""Delivers events in order, at least once, or raises `SendFailedError`."""


class SendFailedError(Exception):
    """Some events were not delivered.

    The first `done` of the batch were. The next `failed` ones count as tried, all that
    are left where that is None. `is_final` says that another try cannot help.
    """

    def __init__(
        self,
        reason: str,
        *,
        done: int = 0,
        failed: int | None = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(reason)
        self.done = done
        self.failed = failed
        self.is_final = is_final


class SinkPump:
    """Feeds `write` from a bounded buffer and keeps the failure rules of vpl.md 14.

    A send is tried 5 times, then its events are dead letters. `write` is called from
    the thread of the pump only; `release`, if given, is called there in the end.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        dead_letters: DeadLetters,
        write: Write,
        *,
        batch: int = 500,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._spec = spec
        self._dead_letters = dead_letters
        self._write = write
        self._batch = batch
        self._release = release
        self._arrived = threading.Event()
        self._buffer = SinkBuffer(self._arrived.set)
        self._taken: deque[Pending] = deque()
        self._closing = threading.Event()
        self._deadline = 0.0
        self._backoff = Backoff()
        self._tries = 0
        self._sent = self._retries = self._dead = 0
        self._error: str | None = None
        self._is_reachable = True
        self._thread = threading.Thread(
            target=self._run, name=f"{spec.kind}-{spec.name}", daemon=True
        )

    @property
    def connected(self) -> bool:
        """Tell whether the far side answered the last try; True before the first."""
        return self._is_reachable

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, topic: str, events: Sequence[bytes], stream: str) -> None:
        """Buffer events; what finds no room in time is dead."""
        refused = self._buffer.put([Pending(topic, event, stream) for event in events])
        if refused:
            self._bury(refused, f"buffer full: {self._error or 'too slow'}", 0)

    def close(self, timeout_s: float) -> None:
        """Deliver what is buffered for at most `timeout_s`; the rest is dead."""
        self._deadline = time.monotonic() + timeout_s
        self._buffer.close()
        self._closing.set()
        self._arrived.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + 1.0)
        left = [*self._taken, *self._buffer.take(len(self._buffer))]
        if left:
            why = self._error or "time is up"
            self._bury(left, f"closed before delivery: {why}", self._tries)

    def status(self) -> dict[str, Any]:
        """Return state and counters."""
        return {
            "type": self._spec.kind,
            "connected": self.connected,
            "sent": self._sent,
            "retries": self._retries,
            "dead_letters": self._dead,
            "buffered": len(self._buffer) + len(self._taken),
            "error": self._error,
        }

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._is_done():
                self._turn()
        except Exception:  # boundary of the thread: nothing above would log it
            logger.exception("Connector '%s' has stopped working", self._spec.name)
            self._error = "stopped by an internal error"
            self._is_reachable = False
        finally:
            if self._release is not None:
                self._release()

    def _is_done(self) -> bool:
        if not self._closing.is_set():
            return False
        empty = not (self._buffer or self._taken)
        return empty or time.monotonic() >= self._deadline

    def _turn(self) -> None:
        if not self._taken:
            self._arrived.clear()
            self._taken.extend(self._buffer.take(self._batch))
        if not self._taken:
            self._arrived.wait()
            return
        batch = tuple(self._taken)
        try:
            self._write(batch)
        except SendFailedError as failure:
            self._note_failure(failure, len(batch))
        else:
            self._note_sent(len(batch))

    def _note_sent(self, count: int) -> None:
        for _ in range(count):
            self._taken.popleft()
        self._sent += count
        self._tries = 0
        self._error = None
        self._is_reachable = True
        self._backoff.reset()

    def _note_failure(self, failure: SendFailedError, size: int) -> None:
        if failure.done:
            self._note_sent(failure.done)
        self._complain(str(failure))
        self._is_reachable = failure.is_final
        self._tries += 1
        if failure.is_final or self._tries >= TRIES_PER_SEND:
            left = size - failure.done
            count = left if failure.failed is None else min(left, failure.failed)
            dead = [self._taken.popleft() for _ in range(count)]
            self._bury(dead, str(failure), self._tries)
            self._tries = 0
        else:
            self._retries += 1
            self._pause()

    def _complain(self, reason: str) -> None:
        if self._error != reason:
            logger.warning("Connector '%s': %s", self._spec.name, reason)
        self._error = reason

    def _pause(self) -> None:
        pause_s = self._backoff.next_s()
        if self._closing.is_set():
            time.sleep(max(0.0, min(pause_s, self._deadline - time.monotonic())))
        else:
            self._closing.wait(pause_s)

    def _bury(self, events: Sequence[Pending], reason: str, tries: int) -> None:
        self._dead += len(events)
        by_stream: dict[str, list[bytes]] = {}
        for pending in events:
            by_stream.setdefault(pending.stream, []).append(pending.payload)
        for stream, payloads in by_stream.items():
            origin = Origin(self._spec.pipeline, stream, self._spec.name, reason, tries)
            self._dead_letters.write(origin, payloads)
