"""QoS 2 when connections break at the worst moment: a broker of our own plays it."""

import socket
import threading

import pytest

from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.mqtt_source import mqtt_source
from engine.connectors.mqtt_wire import PacketReader, PublishHeads

CONNACK_NEW, CONNACK_KNOWN = b"\x20\x02\x00\x00", b"\x20\x02\x01\x00"
SUBACK = b"\x90\x03\x00\x01\x02"
MESSAGE = PublishHeads("t/x", 2).packet(b"7", 1)
AGAIN = bytes((MESSAGE[0] | 8,)) + MESSAGE[1:]  # with the flag DUP
PUBREL = b"\x62\x02\x00\x01"
CONNECT, SUBSCRIBE, PUBREC, PUBCOMP = 0x10, 0x82, 0x50, 0x70


class Broker:
    """Accepts one connection after the other; the test says what it answers."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.port = self._listener.getsockname()[1]
        self._connection = None

    def accept(self, connack):
        """Take the next connection up to its subscription."""
        self.hang_up()
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(20)
        self._packets = self._read()
        assert next(self._packets)[0] == CONNECT
        self.send(connack)
        assert next(self._packets)[0] == SUBSCRIBE
        self.send(SUBACK)

    def send(self, data):
        self._connection.sendall(data)

    def expect(self):
        """Return the head of the next packet."""
        return next(self._packets)[0]

    def hang_up(self):
        if self._connection is not None:
            self._connection.close()

    def close(self):
        self.hang_up()
        self._listener.close()

    def _read(self):
        reader = PacketReader()
        while data := self._connection.recv(4096):
            yield from reader.feed(data)


@pytest.fixture
def broker():
    made = Broker()
    yield made
    made.close()


@pytest.fixture
def received(broker):
    payloads = []
    arrived = threading.Semaphore(0)

    def deliver(messages):
        for message in messages:
            payloads.append(message.payload)
            message.acknowledge()
            arrived.release()

    params = {"host": "127.0.0.1", "port": broker.port, "qos": 2}
    connector = ConnectorSpec("In", "mqtt", params, "p")
    source = mqtt_source(SourceSpec(connector, "t/#", params), Guard(), "w1")
    source.open(deliver)
    yield payloads
    source.close(5)


def test_a_message_that_comes_again_is_not_processed_again(broker, received):
    broker.accept(CONNACK_NEW)
    broker.send(MESSAGE)
    assert broker.expect() == PUBREC
    broker.hang_up()  # as if PUBREC had been lost
    broker.accept(CONNACK_KNOWN)
    broker.send(AGAIN)
    assert broker.expect() == PUBREC
    broker.send(PUBREL)
    assert broker.expect() == PUBCOMP
    assert received == [b"7"]


def test_a_number_that_is_free_again_is_another_message(broker, received):
    broker.accept(CONNACK_NEW)
    for _ in range(2):
        broker.send(MESSAGE)
        assert broker.expect() == PUBREC
        broker.send(PUBREL)
        assert broker.expect() == PUBCOMP
    assert received == [b"7", b"7"]


def test_a_broker_that_has_forgotten_us_starts_its_numbers_anew(broker, received):
    broker.accept(CONNACK_NEW)
    broker.send(MESSAGE)
    assert broker.expect() == PUBREC
    broker.hang_up()
    broker.accept(CONNACK_NEW)
    broker.send(MESSAGE)
    assert broker.expect() == PUBREC
    assert received == [b"7", b"7"]


def test_a_broken_packet_ends_the_connection_and_the_next_one_works(broker, received):
    broker.accept(CONNACK_NEW)
    broker.send(b"\x30\xff\xff\xff\xff\xff")
    broker.accept(CONNACK_NEW)
    broker.send(MESSAGE)
    assert broker.expect() == PUBREC
    assert received == [b"7"]
