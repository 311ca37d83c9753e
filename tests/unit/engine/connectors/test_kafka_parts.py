"""Keys, offsets and parameters of Kafka connectors, without a broker."""

import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.connectors.base import ConnectorSpec
from engine.connectors.kafka_key import KafkaKey
from engine.connectors.kafka_offsets import PartitionOffsets
from engine.connectors.kafka_params import KafkaParams


def params_of(**params):
    return KafkaParams.of(ConnectorSpec("C", "kafka", params, "plant"), params)


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("", b"Reading"),
        ("sensor", "s\u00e9".encode()),
        ("n", b"7"),
        ("tags", b'["a"]'),
        ("nothing", b"Reading"),
        ("missing", b"Reading"),
        ("event_type", b"Reading"),
    ],
)
def test_the_key_is_a_field_or_else_the_type(field, key):
    event = {
        "event_type": "Reading",
        "sensor": "s\u00e9",
        "n": 7,
        "tags": ["a"],
        "nothing": None,
    }
    assert KafkaKey(field)(msgspec.json.encode(event)) == key


@pytest.mark.parametrize("field", ['a"b', "a\nb", "a b", "7"])
def test_what_can_be_no_field_leaves_the_type(field):
    assert KafkaKey(field)(b'{"event_type":"R","a b":"x","7":1}') == b"R"


@given(st.permutations(range(8)), st.integers(0, 8))
def test_the_next_offset_is_the_first_that_is_not_finished(order, finished):
    offsets = PartitionOffsets()
    entries = [offsets.add(offset + 100) for offset in range(8)]
    latest = None
    for number in order[:finished]:
        offsets.finish(entries[number])
        moved = offsets.take_next()
        assert moved is None or latest is None or moved > latest
        latest = moved if moved is not None else latest
    open_ones = set(range(8)) - set(order[:finished])
    expected = 100 + min(open_ones, default=8)
    assert latest == (expected if expected > 100 else None)


def test_messages_may_be_finished_by_many_threads():
    offsets = PartitionOffsets()
    entries = [offsets.add(offset) for offset in range(1000)]
    threads = [
        threading.Thread(
            target=lambda part=part: [offsets.finish(e) for e in entries[part::4]]
        )
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert offsets.take_next() == 1000
    assert offsets.take_next() is None


def test_the_group_is_the_pipeline_and_starts_at_the_latest():
    settings = params_of().consumer_settings()
    assert settings["group.id"] == "plant"
    assert settings["auto.offset.reset"] == "latest"
    assert settings["enable.auto.offset.store"] is False
    assert settings["bootstrap.servers"] == "localhost:9092"


def test_a_producer_waits_for_all_replicas():
    settings = params_of(
        brokers="kafka://a:1, b", batch_size=5, linger_ms=7, compression_type="lz4"
    ).producer_settings()
    assert settings["acks"] == "all"
    assert settings["bootstrap.servers"] == "a:1,b:9092"
    assert settings["batch.size"] == 5
    assert settings["linger.ms"] == 7
    assert settings["compression.type"] == "lz4"


def test_kafkas_other_names_for_offsets_are_known():
    assert params_of(offset="beginning").offset == "earliest"
    assert params_of(offset="earliest").offset == "earliest"
