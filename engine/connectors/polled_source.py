"""A source with a thread of its own, for any system that can be asked for messages."""

import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from engine.connectors.base import Deliver, Message, SourceSpec
from engine.connectors.link import Link, LinkInterruptedError, LinkLostError

logger = logging.getLogger("varpulis")

POLL_S = 0.5  # the longest wait for a message, and so the slowest answer to a close


class Subscriber(Protocol):
    """A connection that brings messages; used by one thread, except acknowledgements.

    After a LinkLostError, and in the end, `disconnect` is called before anything else.
    """

    @property
    def where(self) -> str:
        """Return the address without secrets, for people."""
        ...

    def connect(self) -> None:
        """Connect, log in and subscribe; raises LinkLostError."""
        ...

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Wait for messages and return them in order; none when the time is up.

        Raises LinkLostError; LinkInterruptedError when it is worth asking again.
        """
        ...

    def disconnect(self) -> None:
        """Pass on outstanding acknowledgements and let go; never raises."""
        ...


class PolledSource:
    """Delivers what a subscriber brings and connects again for ever."""

    def __init__(self, spec: SourceSpec, subscriber: Subscriber) -> None:
        self._spec = spec.connector
        self._subscriber = subscriber
        self._link = Link(spec.connector.name, subscriber.where)
        self._received = 0
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Tell whether the subscription stands."""
        return self._link.connected

    def open(self, deliver: Deliver) -> None:
        """Start the thread, which connects."""
        name = f"{self._spec.kind}-{self._spec.name}-source"
        self._thread = threading.Thread(
            target=self._run, args=(deliver,), name=name, daemon=True
        )
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop taking messages; waits for the delivery that is under way."""
        self._link.begin_closing(timeout_s)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def status(self) -> dict[str, Any]:
        """Return state and counters."""
        return {
            "type": self._spec.kind,
            "connected": self._link.connected,
            "received": self._received,
            "error": self._link.error,
        }

    def _run(self, deliver: Deliver) -> None:
        try:
            while not self._link.closing.is_set():
                self._connect_and_serve(deliver)
        except Exception as error:  # boundary of the thread: nothing above would log it
            logger.exception("Connector '%s' has stopped working", self._spec.name)
            self._link.note_lost(f"stopped by an internal error: {error!r}")

    def _connect_and_serve(self, deliver: Deliver) -> None:
        try:
            self._subscriber.connect()
            self._link.note_connected()
            self._serve(deliver)
        except LinkLostError as error:
            self._link.note_lost(str(error))
        finally:
            self._subscriber.disconnect()
            self._link.connected = False
        if not self._link.closing.is_set():
            self._link.pause()

    def _receive(self) -> Sequence[Message]:
        try:
            messages = self._subscriber.receive(POLL_S)
        except LinkInterruptedError as error:
            self._link.note_lost(str(error))
            return ()
        if not self._link.connected:
            self._link.note_connected()
        return messages

    def _serve(self, deliver: Deliver) -> None:
        while not self._link.closing.is_set():
            messages = self._receive()
            self._link.note_progress()
            # What arrived during a close stays unacknowledged and comes again.
            if messages and not self._link.closing.is_set():
                self._received += len(messages)
                deliver(messages)
