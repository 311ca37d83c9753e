"""The MQTT sink: one thread per connector.

The thread keeps a window of messages in flight instead of waiting for each
acknowledgement, and sends many of them in one call.
"""

import logging
import os
import random
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Messages, Pending, SinkBuffer, by_stream, singly
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.connectors.guard import Guard
from engine.connectors.mqtt_connection import MqttConnection
from engine.connectors.mqtt_handshake import connect
from engine.connectors.mqtt_params import MqttParams
from engine.connectors.mqtt_window import MqttWindow
from engine.connectors.mqtt_wire import (
    PUBACK,
    PUBCOMP,
    PUBREC,
    PublishHeads,
    encode_number,
    encode_release,
)

logger = logging.getLogger("varpulis")

FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 30.0
BATCH = 500  # messages between two looks at the socket
TICK_S = 1.0  # keep-alive bookkeeping
ACKS_TICK_S = 0.02  # while many acknowledgements are to come
KNOWN_TOPICS = 1_000


class MqttSink:
    """Publishes events in order; connects again for ever when the broker goes away.

    Messages of QoS 1 and 2 that were not acknowledged are sent again after a
    reconnect, so they may arrive twice.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        dead_letters: DeadLetters,
        guard: Guard | None = None,
    ) -> None:
        self._spec = spec
        self._guard = guard or Guard()
        self._params = MqttParams.of(spec)
        self._dead_letters = dead_letters
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._buffer = SinkBuffer(self._wake)
        self._window = MqttWindow(self._params.qos)
        self._heads: dict[str, PublishHeads] = {}
        self._connected = False
        self._sent = self._retries = self._dead = 0
        self._error: str | None = "not connected yet"
        self._backoff_s = FIRST_BACKOFF_S
        self._closing = threading.Event()
        self._deadline = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"mqtt-{spec.name}", daemon=True
        )

    @property
    def connected(self) -> bool:
        """Tell whether the broker has accepted the connection."""
        return self._connected

    def open(self) -> None:
        """Start the thread, which connects."""
        self._thread.start()

    def send(
        self, topic: str, messages: Sequence[bytes], *, stream: str, events: int = 1
    ) -> None:
        """Buffer messages for the thread; the surplus of a stuck broker is dead."""
        name = topic or self._params.topic or f"{stream}-output"
        refused = self._buffer.put(Messages(name, messages, stream, events))
        if refused:
            self._bury(
                refused.singly(), f"buffer full: {self._error or 'broker too slow'}"
            )

    def close(self, timeout_s: float) -> None:
        """Send what is buffered and wait for the acknowledgements."""
        self._deadline = time.monotonic() + timeout_s
        self._buffer.close()
        self._closing.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + 1.0)
        self._reader.close()
        self._writer.close()
        waiting = singly(self._buffer.take(len(self._buffer)))
        left = [*self._window.unfinished(), *waiting]
        if left:
            self._bury(left, f"closed before delivery: {self._error or 'time is up'}")

    def status(self) -> dict[str, Any]:
        """Return state and counters; `sent` counts what the broker acknowledged, at
        QoS 0 what was given to the network."""
        return {
            "type": self._spec.kind,
            "connected": self._connected,
            "sent": self._sent,
            "buffered": len(self._buffer),
            "in_flight": len(self._window),
            "retries": self._retries,
            "dead_letters": self._dead,
            "error": self._error,
        }

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._is_done():
                self._connect_and_serve()
        except Exception:  # boundary of the thread: nothing above would log it
            logger.exception("Connector '%s' has stopped working", self._spec.name)
            self._error = "stopped by an internal error"
        finally:
            self._connected = False

    def _is_done(self) -> bool:
        if not self._closing.is_set():
            return False
        empty = not (self._buffer or self._window)
        return empty or time.monotonic() >= self._deadline

    def _connect_and_serve(self) -> None:
        try:
            with connect(self._params, self._guard) as opened:
                connection = MqttConnection(opened.socket, self._params.keep_alive_s)
                self._note_connected()
                self._serve(connection)
        except OSError as error:
            self._fail(str(error))
            self._pause()
        finally:
            self._connected = False

    def _note_connected(self) -> None:
        self._connected = True
        self._error = None
        self._backoff_s = FIRST_BACKOFF_S
        logger.info("Connector '%s': connected to %s", self._spec.name, self._where)

    def _serve(self, connection: MqttConnection) -> None:
        """Publish and read until the sink is done; raises OSError when cut off."""
        self._retries += len(self._window)
        connection.write(
            b"".join([self._again(*sent) for sent in self._window.items()])
        )
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.register(connection.socket, selectors.EVENT_READ)
            while connection.has_output or not self._is_done():
                busy = self._publish_some(connection)
                self._exchange(selector, connection, 0.0 if busy else TICK_S)
                if self._is_overdue():
                    return

    def _is_overdue(self) -> bool:
        return self._closing.is_set() and time.monotonic() >= self._deadline

    def _publish_some(self, connection: MqttConnection) -> bool:
        """Publish a batch; returns whether more may be published at once."""
        room = 0 if connection.is_congested else self._window.room
        blocks = self._buffer.take(min(BATCH, room)) if room > 0 else []
        packets = b"".join([self._packets(messages) for messages in blocks])
        if packets:
            connection.write(packets)
        return sum(map(len, blocks)) == BATCH

    def _packets(self, messages: Messages) -> bytes:
        """Return messages as packets; those no broker takes are dead."""
        try:
            heads = self._heads_of(messages.topic)
            found = list(map(heads.__getitem__, map(len, messages.payloads)))
        except ValueError as error:
            if len(messages) > 1:  # one too large: the others shall go
                return b"".join([
                    self._packets(messages.part(at, at + 1))
                    for at in range(len(messages))
                ])
            self._bury(messages.singly(), str(error))
            return b""
        if self._params.qos == 0:
            self._sent += len(messages)
            return b"".join(chain.from_iterable(zip(found, messages.payloads)))  # noqa: B905 - as many
        numbers = map(encode_number, map(self._window.add, messages.singly()))
        parts = zip(found, numbers, messages.payloads)  # noqa: B905 - as many
        return b"".join(chain.from_iterable(parts))

    def _again(self, message_id: int, pending: Pending) -> bytes:
        return self._heads_of(pending.topic).packet(pending.payload, message_id)

    def _heads_of(self, topic: str) -> PublishHeads:
        """Return how packets to a topic begin; raises BadTopicError."""
        known = self._heads.get(topic)
        if known is None:
            if len(self._heads) >= KNOWN_TOPICS:
                self._heads.clear()
            self._heads[topic] = known = PublishHeads(topic, self._params.qos)
        return known

    def _exchange(
        self,
        selector: selectors.BaseSelector,
        connection: MqttConnection,
        timeout_s: float,
    ) -> None:
        if connection.expect(len(self._window)):
            timeout_s = min(timeout_s, ACKS_TICK_S)
        if self._closing.is_set():
            timeout_s = min(timeout_s, max(0.0, self._deadline - time.monotonic()))
        events = selectors.EVENT_READ
        if connection.has_output:
            events |= selectors.EVENT_WRITE
        selector.modify(connection.socket, events)
        for key, _ in selector.select(timeout_s):
            if key.fileobj is self._reader:
                self._drain_wakeups()
        connection.flush()
        for kind, message_id in connection.read():
            self._acknowledge(connection, kind, message_id)
        connection.keep_alive()

    def _acknowledge(
        self, connection: MqttConnection, kind: int, message_id: int
    ) -> None:
        if kind in {PUBACK, PUBCOMP}:
            self._sent += self._window.finish(message_id)
        elif kind == PUBREC:
            connection.write(encode_release(message_id))

    @property
    def _where(self) -> str:
        return f"{self._params.host}:{self._params.port}"

    def _fail(self, reason: str) -> None:
        if self._error != reason:
            logger.warning(
                "Connector '%s' (%s): %s", self._spec.name, self._where, reason
            )
        self._error = reason

    def _pause(self) -> None:
        """Wait out the backoff; a closing sink waits no longer than it may."""
        pause_s = self._backoff_s * (0.5 + 0.5 * random.random())  # noqa: S311 - jitter
        self._backoff_s = min(self._backoff_s * 2, LAST_BACKOFF_S)
        if self._closing.is_set():
            time.sleep(max(0.0, min(pause_s, self._deadline - time.monotonic())))
        else:
            self._closing.wait(pause_s)

    def _wake(self) -> None:
        try:
            self._writer.send(b"\0")
        except (BlockingIOError, OSError):
            return  # full: the thread has been woken already; closed: it has ended

    def _drain_wakeups(self) -> None:
        try:
            while os.read(self._reader.fileno(), 4096):
                pass
        except BlockingIOError:
            return

    def _bury(self, events: Sequence[Pending], reason: str) -> None:
        self._dead += sum(pending.events for pending in events)
        for stream, payloads in by_stream(events).items():
            origin = Origin(self._spec.pipeline, stream, self._spec.name, reason)
            self._dead_letters.write(origin, payloads)
