"""The MQTT sink: one thread per connector drives a paho client.

The thread owns the client altogether (paho's loop for outside event loops), so
publishing needs no lock and no switch between threads. It keeps a window of messages
in flight instead of waiting for each acknowledgement.
"""

import logging
import os
import random
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from engine.connectors.base import ConnectorSpec
from engine.connectors.buffer import Pending, SinkBuffer
from engine.connectors.dead_letters import DeadLetters, Origin
from engine.connectors.mqtt_params import MqttParams

logger = logging.getLogger("varpulis")

FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 30.0
CONNECT_TIMEOUT_S = 5.0
# Messages sent and not yet acknowledged, by QoS. Brokers hang up on clients with more
# than 20 unfinished messages of QoS 2 (Mosquitto's default), but not of QoS 1.
IN_FLIGHT_WINDOW = {0: 2_000, 1: 2_000, 2: 20}
BATCH = 500  # messages between two looks at the socket
TICK_S = 1.0  # keep-alive bookkeeping

_OK = MQTTErrorCode.MQTT_ERR_SUCCESS


class MqttSink:
    """Publishes events; connects again for ever when the broker goes away.

    Messages of QoS 1 and 2 that were not acknowledged are sent again after a
    reconnect. Order is kept.
    """

    def __init__(self, spec: ConnectorSpec, dead_letters: DeadLetters) -> None:
        self._spec = spec
        self._params = MqttParams.of(spec)
        self._dead_letters = dead_letters
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._buffer = SinkBuffer(self._wake)
        self._thread = threading.Thread(
            target=self._run, name=f"mqtt-{spec.name}", daemon=True
        )
        self._in_flight: dict[int, Pending] = {}
        self._sent = 0
        self._error: str | None = "not connected yet"
        self._backoff_s = FIRST_BACKOFF_S
        self._closing = threading.Event()
        self._deadline = 0.0
        self._client = self._make_client()

    @property
    def connected(self) -> bool:
        """Tell whether the broker has accepted the connection."""
        return self._client.is_connected()

    def open(self) -> None:
        """Start the thread, which connects."""
        self._thread.start()

    def send(self, topic: str, events: Sequence[bytes], *, stream: str) -> None:
        """Buffer events for the thread; the surplus of a stuck broker is dead."""
        name = topic or self._params.topic or f"{stream}-output"
        refused = self._buffer.put([Pending(name, event, stream) for event in events])
        if refused:
            self._bury(refused, f"buffer full: {self._error or 'broker too slow'}")

    def close(self, timeout_s: float) -> None:
        """Send what is buffered and wait for the acknowledgements."""
        self._deadline = time.monotonic() + timeout_s
        self._buffer.close()
        self._closing.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + 1.0)
        left = [*self._in_flight.values(), *self._buffer.take(len(self._buffer))]
        self._reader.close()
        self._writer.close()
        if left:
            self._bury(left, f"closed before delivery: {self._error or 'time is up'}")

    def status(self) -> dict[str, Any]:
        """Return state and counters; `sent` counts what the broker acknowledged."""
        return {
            "type": self._spec.kind,
            "connected": self.connected,
            "sent": self._sent,
            "buffered": len(self._buffer),
            "in_flight": len(self._in_flight),
            "error": self._error,
        }

    def _make_client(self) -> Client:
        params = self._params
        client = Client(CallbackAPIVersion.VERSION2, client_id=params.client_id)
        if params.username is not None:
            client.username_pw_set(params.username, params.password)
        if params.tls:
            client.tls_set()
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)  # the window here is the bound
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, reason: Any, _props: Any
    ) -> None:
        if reason.is_failure:
            self._fail(f"refused by the broker: {reason}")
            return
        self._error = None
        self._backoff_s = FIRST_BACKOFF_S
        logger.info("Connector '%s': connected to %s", self._spec.name, self._where)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, reason: Any, _props: Any
    ) -> None:
        if not self._closing.is_set() and self._error is None:
            self._fail(f"connection lost: {reason}")

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, _reason: Any, _props: Any
    ) -> None:
        if self._in_flight.pop(mid, None) is not None:
            self._sent += 1

    @property
    def _where(self) -> str:
        return f"{self._params.host}:{self._params.port}"

    def _fail(self, reason: str) -> None:
        if self._error != reason:
            logger.warning(
                "Connector '%s' (%s): %s", self._spec.name, self._where, reason
            )
        self._error = reason

    # --- the thread ---

    def _run(self) -> None:
        try:
            while not self._is_done():
                if self._client.socket() is None:
                    self._connect()
                else:
                    self._serve_connection()
            self._client.disconnect()
        except Exception:  # boundary of the thread: nothing above would log it
            logger.exception("Connector '%s' has stopped working", self._spec.name)
            self._error = "stopped by an internal error"

    def _is_done(self) -> bool:
        if not self._closing.is_set():
            return False
        empty = not self._buffer and not self._in_flight
        return empty or time.monotonic() >= self._deadline

    def _connect(self) -> None:
        params = self._params
        try:
            self._client.connect(params.host, params.port, params.keep_alive_s)
        except (OSError, ValueError) as error:
            self._fail(f"cannot connect: {error}")
            self._pause()

    def _pause(self) -> None:
        """Wait out the backoff; a closing sink waits no longer than it may."""
        pause_s = self._backoff_s * (0.5 + 0.5 * random.random())  # noqa: S311 - jitter
        self._backoff_s = min(self._backoff_s * 2, LAST_BACKOFF_S)
        if self._closing.is_set():
            time.sleep(max(0.0, min(pause_s, self._deadline - time.monotonic())))
        else:
            self._closing.wait(pause_s)

    def _serve_connection(self) -> None:
        """Publish and read until the connection or the sink comes to its end."""
        connection: Any = self._client.socket()
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            while self._client.socket() is connection and not self._is_done():
                busy = self._publish_some()
                if self._client.socket() is connection:  # not lost while publishing
                    self._exchange(selector, connection, 0.0 if busy else TICK_S)
        if self._client.socket() is None and not self._is_done():
            self._pause()

    def _publish_some(self) -> bool:
        """Publish a batch; returns whether more may be published at once."""
        room = IN_FLIGHT_WINDOW[self._params.qos] - len(self._in_flight)
        if room <= 0 or self._client.want_write() or not self.connected:
            return False
        batch = self._buffer.take(min(BATCH, room))
        for index, pending in enumerate(batch):
            if not self._publish(pending):
                self._buffer.put_back(batch[index:])
                return False
        return len(batch) == BATCH

    def _publish(self, pending: Pending) -> bool:
        """Give one message to the client; False if the connection is gone."""
        try:
            info = self._client.publish(
                pending.topic, pending.payload, self._params.qos
            )
        except ValueError as error:  # wildcard in the topic, message too long
            self._bury([pending], str(error))
            return True
        if self._params.qos == 0:
            self._sent += info.rc == _OK
            return bool(info.rc == _OK)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False  # all message numbers are taken
        # Kept by the client from here on, and sent again after a reconnect.
        self._in_flight[info.mid] = pending
        return True

    def _exchange(
        self, selector: selectors.BaseSelector, connection: Any, timeout_s: float
    ) -> None:
        if self._closing.is_set():
            timeout_s = min(timeout_s, max(0.0, self._deadline - time.monotonic()))
        events = selectors.EVENT_READ
        if self._client.want_write():
            events |= selectors.EVENT_WRITE
        selector.modify(connection, events)
        for key, ready in selector.select(timeout_s):
            if key.fileobj is self._reader:
                self._drain_wakeups()
                continue
            if ready & selectors.EVENT_WRITE:
                self._client.loop_write()
            if ready & selectors.EVENT_READ:
                self._client.loop_read()
        self._client.loop_misc()

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
        by_stream: dict[str, list[bytes]] = {}
        for pending in events:
            by_stream.setdefault(pending.stream, []).append(pending.payload)
        for stream, payloads in by_stream.items():
            origin = Origin(self._spec.pipeline, stream, self._spec.name, reason)
            self._dead_letters.write(origin, payloads)
