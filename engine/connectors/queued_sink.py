"""A sink with a buffer and a thread of its own, for any system that takes batches."""

import logging
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Messages, Pending, SinkBuffer, by_stream, singly
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.connectors.link import Link, LinkLostError

logger = logging.getLogger("varpulis")

BATCH = 1_000  # events
TICK_S = 1.0  # between two looks at an idle connection
TRIES = 5


class Refused(NamedTuple):
    """An event the far side did not take; `is_final` when trying again is no use."""

    pending: Pending
    reason: str
    is_final: bool


class Publisher(Protocol):
    """A connection to a system that takes events; used by one thread.

    After a LinkLostError, and in the end, `disconnect` is called before anything else.
    """

    @property
    def where(self) -> str:
        """Return the address without secrets, for people."""
        ...

    def connect(self) -> None:
        """Connect and log in; raises LinkLostError."""
        ...

    def publish(self, events: Sequence[Pending]) -> Sequence[Refused]:
        """Send in order and wait until the far side has them; returns the rest.

        Raises LinkLostError when it is not known what arrived: all are sent again.
        """
        ...

    def check(self) -> None:
        """Serve an idle connection; raises LinkLostError if it has gone."""
        ...

    def disconnect(self) -> None:
        """Let go; never raises."""
        ...


class QueuedSink:
    """Sends events in order and connects again for ever.

    A batch that was on its way when the connection broke is sent again, so events may
    arrive twice. After five tries an event is a dead letter.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        dead_letters: DeadLetters,
        publisher: Publisher,
        topic: str = "",
        *,
        batch: int = BATCH,
    ) -> None:
        self._spec = spec
        self._dead_letters = dead_letters
        self._publisher = publisher
        self._default_topic = topic
        self._batch_limit = batch
        self._link = Link(spec.name, publisher.where)
        self._arrived = threading.Event()
        self._buffer = SinkBuffer(self._arrived.set)
        self._batch: Sequence[Pending] = ()
        self._tries = 0
        self._sent = 0
        self._retries = 0
        self._dead = 0
        self._thread = threading.Thread(
            target=self._run, name=f"{spec.kind}-{spec.name}", daemon=True
        )

    @property
    def connected(self) -> bool:
        """Tell whether the far side has accepted the connection."""
        return self._link.connected

    def open(self) -> None:
        """Start the thread, which connects."""
        self._thread.start()

    def send(
        self, topic: str, messages: Sequence[bytes], *, stream: str, events: int = 1
    ) -> None:
        """Buffer messages for the thread; the surplus of a stuck far side is dead."""
        name = topic or self._default_topic or f"{stream}-output"
        block = Messages(name, messages, stream, events)
        if not _is_sound(name):
            self._bury(block.singly(), "the topic is no valid text")
            return
        refused = self._buffer.put(block)
        if refused:
            self._bury(
                refused.singly(), f"buffer full: {self._link.error or 'sink too slow'}"
            )

    def close(self, timeout_s: float) -> None:
        """Send what is buffered, for at most `timeout_s`; the rest is dead."""
        self._link.begin_closing(timeout_s)
        self._buffer.close()
        self._arrived.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + 1.0)
        left = [*self._batch, *singly(self._buffer.take(len(self._buffer)))]
        if left:
            why = self._link.error or "time is up"
            self._bury(left, f"closed before delivery: {why}", self._tries)

    def status(self) -> dict[str, Any]:
        """Return state and counters; `sent` counts what the far side has taken."""
        return {
            "type": self._spec.kind,
            "connected": self._link.connected,
            "sent": self._sent,
            "retries": self._retries,
            "dead_letters": self._dead,
            "buffered": len(self._buffer),
            "in_flight": len(self._batch),
            "error": self._link.error,
        }

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._is_done():
                self._connect_and_serve()
        except Exception as error:  # boundary of the thread: nothing above would log it
            logger.exception("Connector '%s' has stopped working", self._spec.name)
            self._link.note_lost(f"stopped by an internal error: {error!r}")

    def _is_done(self) -> bool:
        if not self._link.closing.is_set():
            return False
        return self._link.is_overdue or not (self._batch or self._buffer)

    def _connect_and_serve(self) -> None:
        try:
            self._publisher.connect()
            self._link.note_connected()
            while not self._is_done():
                self._serve()
        except LinkLostError as error:
            self._link.note_lost(str(error))
        finally:
            self._publisher.disconnect()
            self._link.connected = False
        if not self._is_done():
            self._link.pause()

    def _serve(self) -> None:
        if not self._batch:
            self._arrived.clear()
            self._batch = singly(self._buffer.take(self._batch_limit))
            self._tries = 0
        if self._batch:
            self._publish_batch()
        elif self._arrived.wait(TICK_S):
            return
        else:
            self._publisher.check()

    def _publish_batch(self) -> None:
        self._retries += len(self._batch) if self._tries else 0
        self._tries += 1
        try:
            refused = self._publisher.publish(self._batch)
        except LinkLostError as error:
            if self._tries >= TRIES:
                self._bury(self._batch, str(error), self._tries)
                self._batch = ()
            raise
        self._sent += len(self._batch) - len(refused)
        self._link.note_progress()
        self._batch = self._worth_a_try(refused)
        if self._batch:
            self._link.error = refused[0].reason
            self._link.pause()
        else:
            self._link.error = None

    def _worth_a_try(self, refused: Sequence[Refused]) -> Sequence[Pending]:
        again = []
        for pending, reason, is_final in refused:
            if is_final or self._tries >= TRIES:
                self._bury([pending], reason, self._tries)
            else:
                again.append(pending)
        return again

    def _bury(self, events: Sequence[Pending], reason: str, attempts: int = 0) -> None:
        self._dead += sum(pending.events for pending in events)
        for stream, payloads in by_stream(events).items():
            origin = Origin(
                self._spec.pipeline, stream, self._spec.name, reason, attempts
            )
            self._dead_letters.write(origin, payloads)


def _is_sound(topic: str) -> bool:
    """Tell whether a topic can be sent at all; programs may make others (half pairs)."""
    try:
        topic.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in topic
