"""The MQTT sink against a real broker."""

import json

import pytest

from engine.connectors.base import ConnectorSpec
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.mqtt import MqttSink
from tests.integration.mqtt_broker import free_port, mqtt_broker, wait_until

__all__ = ["mqtt_broker"]


def make_sink(port, letters=None, **params):
    spec = ConnectorSpec(
        "Out", "mqtt", {"host": "127.0.0.1", "port": port, **params}, "p"
    )
    return MqttSink(spec, letters or DeadLetters())


def numbered(count, start=0):
    return [b'{"event_type":"N","n":%d}' % n for n in range(start, start + count)]


def received(messages):
    return [json.loads(payload)["n"] for _, payload in messages]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_events_arrive_in_order_at_every_quality(mqtt_broker, qos):
    with mqtt_broker.subscriber("plant/#") as subscriber:
        sink = make_sink(mqtt_broker.port, qos=qos)
        sink.open()
        sink.send("plant/b1", numbered(3000), stream="N")
        sink.close(20)
        assert received(subscriber.wait_for(3000)) == list(range(3000))
    assert sink.status()["sent"] == 3000
    assert sink.status()["buffered"] == 0


def test_the_topic_falls_back_to_the_connectors_and_then_to_the_streams(mqtt_broker):
    with mqtt_broker.subscriber("#") as subscriber:
        for params in ({"topic": "plant"}, {}):
            sink = make_sink(mqtt_broker.port, **params)
            sink.open()
            sink.send("", numbered(1), stream="Hot")
            sink.close(10)
        topics = [topic for topic, _ in subscriber.wait_for(2)]
    assert topics == ["plant", "Hot-output"]


def test_more_events_than_the_buffer_holds_slow_the_sender_down(mqtt_broker):
    letters = DeadLetters()
    sink = make_sink(mqtt_broker.port, letters)
    sink.open()
    sink.send("t", numbered(25_000), stream="N")
    sink.close(30)
    assert (sink.status()["sent"], letters.count) == (25_000, 0)


def test_a_broker_that_comes_later_gets_everything(mqtt_broker):
    mqtt_broker.stop()
    sink = make_sink(mqtt_broker.port)
    sink.open()
    sink.send("t", numbered(10), stream="N")
    assert wait_until(lambda: "cannot connect" in str(sink.status()["error"]))
    assert not sink.connected
    mqtt_broker.start()
    assert wait_until(lambda: sink.status()["sent"] == 10)
    assert sink.connected
    sink.close(10)


def test_a_broker_that_goes_and_comes_back_loses_nothing(mqtt_broker):
    sink = make_sink(mqtt_broker.port)
    sink.open()
    sink.send("t", numbered(5), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 5)
    mqtt_broker.stop()
    assert wait_until(lambda: not sink.connected)
    sink.send("t", numbered(5, start=5), stream="N")
    mqtt_broker.start()
    with mqtt_broker.subscriber("t"):
        assert wait_until(lambda: sink.status()["sent"] == 10)
    sink.close(10)


def test_what_no_broker_takes_is_dead_at_close(tmp_path):
    letters = DeadLetters(tmp_path)
    sink = make_sink(free_port(), letters)
    sink.open()
    sink.send("t", numbered(3), stream="N")
    sink.close(0.2)
    lines = (tmp_path / "p.dlq.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"]["n"] for line in lines] == [0, 1, 2]
    assert "closed before delivery" in json.loads(lines[0])["reason"]


def test_a_topic_no_broker_takes_is_dead_and_the_next_event_is_sent(mqtt_broker):
    letters = DeadLetters()
    sink = make_sink(mqtt_broker.port, letters)
    sink.open()
    sink.send("plant/#", numbered(1), stream="N")
    sink.send("plant", numbered(1), stream="N")
    sink.close(10)
    assert (sink.status()["sent"], letters.count) == (1, 1)


def test_a_sink_that_was_never_opened_closes(mqtt_broker):
    make_sink(mqtt_broker.port).close(1)
