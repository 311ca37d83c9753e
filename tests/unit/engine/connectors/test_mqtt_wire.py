"""MQTT packets, byte for byte (MQTT 3.1.1 section 3)."""

import pytest

from engine.connectors.buffer import Pending
from engine.connectors.mqtt_window import MqttWindow
from engine.connectors.mqtt_wire import (
    PUBACK,
    BadTopicError,
    FrameReader,
    encode_publish,
    encode_size,
    encode_topic,
)


def test_a_publish_of_qos_0_has_no_message_id():
    packet = encode_publish(encode_topic("a/b"), b"xy", 0, 7)
    assert packet == b"\x30\x07\x00\x03a/bxy"


def test_a_publish_of_qos_1_has_one():
    packet = encode_publish(encode_topic("a/b"), b"xy", 1, 258)
    assert packet == b"\x32\x09\x00\x03a/b\x01\x02xy"


@pytest.mark.parametrize(
    ("size", "encoded"),
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_384, b"\x80\x80\x01"),
        (268_435_455, b"\xff\xff\xff\x7f"),
    ],
)
def test_sizes_are_seven_bits_a_byte(size, encoded):
    assert encode_size(size) == encoded


def test_a_message_beyond_256_mib_is_refused():
    with pytest.raises(ValueError, match="256 MiB"):
        encode_size(268_435_456)


@pytest.mark.parametrize("topic", ["", "a/#", "+/b", "a\0", "x" * 65_536])
def test_topics_that_no_broker_takes_are_refused(topic):
    with pytest.raises(BadTopicError):
        encode_topic(topic)


def test_packets_are_read_however_they_are_cut():
    data = b"\x40\x02\x00\x01\xd0\x00\x40\x02\x01\x00"
    for cut in range(len(data)):
        reader = FrameReader()
        found = [*reader.feed(data[:cut]), *reader.feed(data[cut:])]
        assert found == [(PUBACK, 1), (0xD0, 0), (PUBACK, 256)]


def test_bytes_that_are_no_packet_are_refused():
    with pytest.raises(ValueError, match="broken"):
        list(FrameReader().feed(b"\x40\xff\xff\xff\xff\x01"))


def test_numbers_in_flight_are_not_given_twice():
    window = MqttWindow(1)
    slow = window.add(Pending("t", b"", "S"))
    given = set()
    for _ in range(65_534):
        number = window.add(Pending("t", b"", "S"))
        given.add(number)
        window.finish(number)
    assert slow not in given
    assert window.add(Pending("t", b"", "S")) not in {slow, 0}


def test_an_acknowledgement_counts_once():
    window = MqttWindow(1)
    number = window.add(Pending("t", b"", "S"))
    assert window.finish(number)
    assert not window.finish(number)
    assert len(window) == 0
