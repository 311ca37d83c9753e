"""The MQTT source: messages are acknowledged once they are processed.

Connecting is paho's; past it we speak for ourselves. paho tells the broker at QoS 2
that it has taken a message over before anybody has processed it, so that a crash then
would lose it.
"""

import contextlib
import selectors
import threading
import time
from collections.abc import Sequence
from functools import partial

from engine.connectors.base import Message, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError
from engine.connectors.mqtt_connection import MqttConnection
from engine.connectors.mqtt_handshake import connect
from engine.connectors.mqtt_params import MqttParams, source_params
from engine.connectors.mqtt_wire import (
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    REFUSED_SUBSCRIPTION,
    SUBACK,
    Published,
    decode_publish,
    encode_answer,
    encode_subscribe,
)
from engine.connectors.polled_source import PolledSource

DEFAULT_TOPIC = "varpulis/events/#"
SUBSCRIBE_TIMEOUT_S = 5.0
GOODBYE_TIMEOUT_S = 1.0
BLOCKS_PER_TURN = 16  # of 64 KiB, then the pipeline gets what there is
SUBSCRIPTION_ID = 1


def mqtt_source(spec: SourceSpec, guard: Guard, owner: str) -> PolledSource:
    """Return the source of one subscription; `owner` names this process durably."""
    params = source_params(spec, owner)
    return PolledSource(
        spec, MqttSubscriber(params, spec.topic or DEFAULT_TOPIC, guard)
    )


class MqttSubscriber:
    """One subscription; what is not acknowledged comes again after a reconnect.

    At QoS 2 the numbers of processed messages are remembered until the broker has
    forgotten them, so that a message which comes again is not processed again.
    """

    def __init__(self, params: MqttParams, topic: str, guard: Guard) -> None:
        self._params = params
        self._topic = topic
        self._guard = guard
        self._session = contextlib.ExitStack()
        self._connection: MqttConnection | None = None
        self._selector: selectors.BaseSelector | None = None
        self._inbox: list[Message] = []
        self._processed: set[int] = set()
        self._answers: list[tuple[MqttConnection, bytes]] = []
        self._answering = threading.Lock()
        self._is_subscribed = False
        self._may_have_more = False

    @property
    def where(self) -> str:
        """Return host and port of the broker."""
        return f"{self._params.host}:{self._params.port}"

    def connect(self) -> None:
        """Connect and subscribe; raises LinkLostError."""
        try:
            opened = self._session.enter_context(connect(self._params, self._guard))
            if not opened.has_session:
                self._processed.clear()
            self._connection = MqttConnection(opened.socket, self._params.keep_alive_s)
            self._selector = self._session.enter_context(selectors.DefaultSelector())
            self._selector.register(opened.socket, selectors.EVENT_READ)
            self._subscribe(self._connection)
        except (OSError, ValueError) as error:
            raise LinkLostError(str(error)) from error

    def receive(self, timeout_s: float) -> Sequence[Message]:
        """Return what has come, after at most `timeout_s`; raises LinkLostError."""
        connection = self._connection
        if connection is None:
            raise LinkLostError("not connected")
        try:
            self._send_answers()
            waits = not (self._inbox or self._may_have_more)
            self._read(connection, timeout_s if waits else 0.0)
            connection.keep_alive()
        except (OSError, ValueError) as error:
            raise LinkLostError(str(error)) from error
        taken, self._inbox = self._inbox, []
        return taken

    def disconnect(self) -> None:
        """Send outstanding acknowledgements and say goodbye."""
        deadline = time.monotonic() + GOODBYE_TIMEOUT_S
        connection, self._connection = self._connection, None
        with contextlib.suppress(OSError):
            self._send_answers()
            while connection and connection.has_output and time.monotonic() < deadline:
                self._wait_to_write(connection)
        with contextlib.suppress(OSError):
            self._session.close()
        self._inbox = []
        self._is_subscribed = self._may_have_more = False

    # --- inside ---

    def _subscribe(self, connection: MqttConnection) -> None:
        packet = encode_subscribe(self._topic, self._params.qos, SUBSCRIPTION_ID)
        connection.write(packet)
        deadline = time.monotonic() + SUBSCRIBE_TIMEOUT_S
        while not self._is_subscribed:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise LinkLostError("no answer to SUBSCRIBE")
            self._read(connection, left_s)

    def _read(self, connection: MqttConnection, timeout_s: float) -> None:
        if self._selector is None:
            raise LinkLostError("not connected")
        events = selectors.EVENT_READ
        if connection.has_output:
            events |= selectors.EVENT_WRITE
        self._selector.modify(connection.socket, events)
        self._selector.select(timeout_s)
        connection.flush()
        packets = 0
        for head, body in connection.read_packets(BLOCKS_PER_TURN):
            packets += 1
            self._handle(connection, head, body)
        self._may_have_more = packets > 0

    def _handle(self, connection: MqttConnection, head: int, body: bytes) -> None:
        kind = head & 0xF0
        if kind == PUBLISH:
            self._receive_message(connection, decode_publish(head, body))
        elif kind == PUBREL & 0xF0:
            message_id = int.from_bytes(body[:2])
            self._processed.discard(message_id)
            connection.write(encode_answer(PUBCOMP, message_id))
        elif kind == SUBACK:
            if body[-1:] == bytes((REFUSED_SUBSCRIPTION,)):
                raise LinkLostError(f"the broker refuses the topic '{self._topic}'")
            self._is_subscribed = True

    def _receive_message(self, connection: MqttConnection, got: Published) -> None:
        if got.qos == 2 and got.message_id in self._processed:
            connection.write(encode_answer(PUBREC, got.message_id))
            return
        acknowledge = partial(self._acknowledge, connection, got.qos, got.message_id)
        self._inbox.append(Message(got.payload, got.topic, None, acknowledge))

    def _acknowledge(self, connection: MqttConnection, qos: int, number: int) -> None:
        if qos == 0:
            return
        if qos == 2:
            self._processed.add(number)
        kind = PUBREC if qos == 2 else PUBACK
        with self._answering:
            self._answers.append((connection, encode_answer(kind, number)))

    def _send_answers(self) -> None:
        """Send acknowledgements; those for an earlier connection are void."""
        with self._answering:
            answers, self._answers = self._answers, []
        connection = self._connection
        packets = b"".join(packet for to, packet in answers if to is connection)
        if connection is not None and packets:
            connection.write(packets)

    def _wait_to_write(self, connection: MqttConnection) -> None:
        if self._selector is not None:
            self._selector.modify(connection.socket, selectors.EVENT_WRITE)
            self._selector.select(0.05)
        connection.flush()
