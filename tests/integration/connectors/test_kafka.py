"""The Kafka sink and source against librdkafka's own broker."""

import json
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.kafka_sink import kafka_sink
from engine.connectors.kafka_source import kafka_source
from tests.integration.connectors.probes import (
    Taker,
    connector,
    numbered,
    subscription,
    wait_until,
)
from tests.integration.connectors.server_process import free_port


def make_sink(brokers, letters=None, **params):
    spec = connector("kafka", {"brokers": brokers, **params})
    return kafka_sink(spec, letters or DeadLetters(), Guard())


def make_source(brokers, topic="in", **params):
    spec = subscription("kafka", topic, {"brokers": brokers, **params})
    return kafka_source(spec, Guard())


def opened(source, taker, cluster, group="p", topic="in"):
    """Open a source and wait until its group has a place in the topic."""
    source.open(taker)
    assert wait_until(lambda: committed(cluster, group, topic) >= 0)
    return source


def produce(cluster, payloads, topic="in", **options):
    producer = Producer({"bootstrap.servers": cluster.brokers, "log_level": 0})
    for payload in payloads:
        producer.produce(topic, payload, **options)
    assert producer.flush(20) == 0


def consumer_of(cluster, group):
    return Consumer({
        "bootstrap.servers": cluster.brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "log_level": 0,
    })


def committed(cluster, group="p", topic="in"):
    """Return the offset a group goes on from; negative without one."""
    consumer = consumer_of(cluster, group)
    try:
        return consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset
    finally:
        consumer.close()


def read(cluster, topic, count):
    """Return (key, number) of the first `count` records of a topic."""
    consumer = consumer_of(cluster, uuid.uuid4().hex)
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    wait_until(
        lambda: (
            found.extend(consumer.consume(count - len(found), 0.1))
            or len(found) >= count
        )
    )
    consumer.close()
    return [(record.key(), json.loads(record.value())["n"]) for record in found]


@pytest.fixture
def topic(kafka_cluster):
    kafka_cluster.make_topic("in")
    kafka_cluster.make_topic("out")
    return kafka_cluster


def test_events_arrive_in_order_with_their_type_as_key(topic):
    sink = make_sink(topic.brokers)
    sink.open()
    sink.send("out", numbered(3000), stream="N")
    sink.close(30)
    found = read(topic, "out", 3000)
    assert [number for _, number in found] == list(range(3000))
    assert {key for key, _ in found} == {b"N"}
    assert sink.status()["sent"] == 3000


def test_the_key_is_the_field_that_the_connector_names(topic):
    sink = make_sink(topic.brokers, key="n", topic="out", compression_type="gzip")
    sink.open()
    sink.send("", numbered(3), stream="N")
    sink.close(30)
    assert read(topic, "out", 3) == [(b"0", 0), (b"1", 1), (b"2", 2)]


def test_a_topic_with_slashes_has_dots(topic):
    topic.make_topic("plant.b1")
    sink = make_sink(topic.brokers)
    sink.open()
    sink.send("plant/b1", numbered(1), stream="N")
    sink.close(30)
    assert read(topic, "plant.b1", 1) == [(b"N", 0)]


def test_brokers_that_go_and_come_back_get_everything(topic):
    sink = make_sink(topic.brokers)
    sink.open()
    sink.send("out", numbered(5), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 5)
    topic.stop()
    sink.send("out", numbered(5, start=5), stream="N")
    assert wait_until(lambda: not sink.connected)
    topic.start()
    assert wait_until(lambda: sink.status()["sent"] == 10)
    sink.close(10)
    assert sorted({number for _, number in read(topic, "out", 10)}) == list(range(10))


def test_an_event_that_is_too_large_is_dead_and_the_next_is_sent(topic, tmp_path):
    letters = DeadLetters(tmp_path)
    sink = make_sink(topic.brokers, letters)
    sink.open()
    sink.send("out", [b'{"n":"' + b"x" * 2_000_000 + b'"}'], stream="N")
    sink.send("out", numbered(1), stream="N")
    sink.close(30)
    assert read(topic, "out", 1) == [(b"N", 0)]
    line = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert line["attempts"] == 1
    assert "large" in line["reason"].lower()


def test_a_topic_no_broker_takes_is_dead_and_the_next_event_is_sent(topic):
    letters = DeadLetters()
    sink = make_sink(topic.brokers, letters)
    sink.open()
    for name in ("a b", "x" * 1000, "\ud800"):
        sink.send(name, numbered(1), stream="N")
    sink.send("out", numbered(1), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 1)
    sink.close(30)
    assert read(topic, "out", 1) == [(b"N", 0)]
    assert letters.count == 3


def test_a_topic_that_is_missing_is_dead_and_holds_up_no_other(topic, tmp_path):
    topic.refuse_topic("gone")
    letters = DeadLetters(tmp_path)
    sink = make_sink(topic.brokers, letters)
    sink.open()
    sink.send("gone", numbered(1), stream="N")
    sink.send("out", numbered(3, start=1), stream="N")
    assert wait_until(lambda: letters.count == 1)
    assert wait_until(lambda: sink.status()["sent"] == 3)
    sink.close(30)
    assert [number for _, number in read(topic, "out", 3)] == [1, 2, 3]
    line = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert "topic" in line["reason"].lower()


def test_a_new_group_starts_at_the_latest_message(topic):
    produce(topic, numbered(3))
    taker = Taker()
    source = opened(make_source(topic.brokers), taker, topic)
    produce(topic, numbered(3, start=3), key="k")
    assert wait_until(lambda: len(taker.messages) == 3)
    source.close(10)
    assert taker.numbers == [3, 4, 5]
    assert {(m.topic, m.key) for m in taker.messages} == {("in", "k")}


def test_a_new_group_may_start_at_the_earliest_message(topic):
    produce(topic, numbered(3))
    taker = Taker()
    source = make_source(topic.brokers, offset="earliest", group_id="g")
    source.open(taker)
    assert taker.wait_for(3) == [0, 1, 2]
    source.close(10)
    assert committed(topic, "g") == 3


def test_a_wildcard_subscribes_to_all_topics_below(topic):
    topic.make_topic("plant.b1")
    produce(topic, numbered(1), topic="plant.b1")
    taker = Taker()
    source = make_source(topic.brokers, topic="plant/#", offset="earliest")
    source.open(taker)
    assert taker.wait_for(1) == [0]
    source.close(10)
    assert taker.messages[0].topic == "plant.b1"


def test_offsets_are_committed_after_processing(topic):
    taker = Taker()
    source = opened(make_source(topic.brokers), taker, topic)
    taker.may_go_on.clear()
    produce(topic, numbered(3))
    assert wait_until(lambda: len(taker.messages) >= 1)
    assert committed(topic) == 0
    taker.may_go_on.set()
    assert wait_until(lambda: committed(topic) == 3)
    source.close(10)


def test_what_was_not_processed_comes_again_after_a_restart(topic):
    died = Taker(acknowledges=False)
    first = opened(make_source(topic.brokers), died, topic)
    produce(topic, numbered(3))
    assert died.wait_for(3) == [0, 1, 2]
    died.messages[0].acknowledge()
    died.messages[2].acknowledge()  # 1 is missing: neither it nor 2 may be skipped
    first.close(10)
    assert committed(topic) == 1
    taker = Taker()
    second = make_source(topic.brokers)
    second.open(taker)
    assert wait_until(lambda: len(taker.messages) == 2)
    second.close(10)
    assert taker.numbers == [1, 2]


def test_nothing_is_lost_when_the_brokers_go_and_come_back(topic):
    taker = Taker()
    source = opened(make_source(topic.brokers), taker, topic)
    produce(topic, numbered(10))
    assert taker.wait_for(10) == list(range(10))
    topic.stop()
    assert wait_until(lambda: not source.connected)
    topic.start()
    produce(topic, numbered(10, start=10))
    assert sorted(set(taker.wait_for(20))) == list(range(20))
    source.close(10)


@pytest.mark.parametrize("kind", ["sink", "source"])
def test_brokers_that_are_not_there_are_told(kind):
    brokers = f"127.0.0.1:{free_port()}"
    if kind == "sink":
        one = make_sink(brokers)
        one.open()
    else:
        one = make_source(brokers)
        one.open(Taker())
    assert wait_until(lambda: "cannot connect" in str(one.status()["error"]))
    assert not one.connected
    one.close(1)
