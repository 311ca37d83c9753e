"""MQTT packets, byte for byte (MQTT 3.1.1 section 3)."""

import pytest

from engine.connectors.buffer import Pending
from engine.connectors.mqtt_window import MqttWindow
from engine.connectors.mqtt_wire import (
    KNOWN_SIZES,
    PUBACK,
    PUBREC,
    BadTopicError,
    FrameReader,
    PacketReader,
    Published,
    PublishHeads,
    decode_publish,
    encode_answer,
    encode_size,
    encode_subscribe,
    encode_topic,
)


def test_a_publish_of_qos_0_has_no_message_id():
    assert PublishHeads("a/b", 0).packet(b"xy", 7) == b"\x30\x07\x00\x03a/bxy"


def test_a_publish_of_qos_1_has_one():
    packet = PublishHeads("a/b", 1).packet(b"xy", 258)
    assert packet == b"\x32\x09\x00\x03a/b\x01\x02xy"


def test_heads_of_many_sizes_are_forgotten_again():
    heads = PublishHeads("t", 0)
    found = [heads[size] for size in range(5 * KNOWN_SIZES)]
    assert found == [PublishHeads("t", 0)[size] for size in range(5 * KNOWN_SIZES)]
    assert len(heads) <= KNOWN_SIZES


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


def test_large_arrays_fill_the_window_by_their_events():
    window = MqttWindow(1)
    numbers = [window.add(Pending("t", b"", "S", 9_000)) for _ in range(3)]
    assert window.room == 0
    window.finish(numbers[1])
    assert window.room > 0


def test_a_subscription_names_its_filter_and_quality():
    assert encode_subscribe("a/#", 1, 258) == b"\x82\x08\x01\x02\x00\x03a/#\x01"


@pytest.mark.parametrize("topic", ["", "a\0", "x" * 65_536])
def test_a_filter_no_broker_takes_is_refused(topic):
    with pytest.raises(BadTopicError):
        encode_subscribe(topic, 0, 1)


def test_answers_carry_the_number_of_the_message():
    assert encode_answer(PUBACK, 258) == b"\x40\x02\x01\x02"
    assert encode_answer(PUBREC, 1) == b"\x50\x02\x00\x01"


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_received_message_is_what_was_published(qos):
    packet = PublishHeads("a/\u00e9", qos).packet(b"xy", 7)
    for cut in range(len(packet)):
        reader = PacketReader()
        ((head, body),) = [*reader.feed(packet[:cut]), *reader.feed(packet[cut:])]
        wanted = Published("a/\u00e9", b"xy", qos, 7 if qos else 0)
        assert decode_publish(head, body) == wanted


@pytest.mark.parametrize("body", [b"", b"\x00\x05ab", b"\x00\x01a\x01"])
def test_a_broken_message_is_refused(body):
    with pytest.raises(ValueError, match="broken"):
        decode_publish(0x32, body)


def test_packets_before_a_broken_one_are_given():
    reader = PacketReader()
    packets = reader.feed(b"\xd0\x00\x40\xff\xff\xff\xff\x01")
    assert next(packets) == (0xD0, b"")
    with pytest.raises(ValueError, match="broken"):
        next(packets)
