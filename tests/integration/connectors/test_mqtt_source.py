"""The MQTT source against a real broker."""

import json
import threading

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.guard import Guard
from engine.connectors.mqtt_source import mqtt_source
from tests.integration.mqtt_broker import free_port, mqtt_broker, wait_until

__all__ = ["mqtt_broker"]


class Taker:
    """Stands for a pipeline: keeps messages, acknowledges those it is told to."""

    def __init__(self, acknowledges=True):
        self.numbers = []
        self.topics = []
        self.acknowledges = acknowledges
        self.gate = threading.Event()
        self.gate.set()

    def deliver(self, messages):
        self.gate.wait(20)
        for message in messages:
            self.numbers.append(json.loads(message.payload)["n"])
            self.topics.append(message.topic)
            if self.acknowledges:
                message.acknowledge()


@pytest.fixture
def opened():
    sources = []

    def open_source(port, taker, topic="t/#", owner="", guard=None, **params):
        known = {"host": "127.0.0.1", "port": port, **params}
        connector = ConnectorSpec("In", "mqtt", known, "p")
        source = mqtt_source(
            SourceSpec(connector, topic, known), guard or Guard(), owner
        )
        source.open(taker.deliver)
        sources.append(source)
        return source

    yield open_source
    for source in sources:
        source.close(5)


@pytest.fixture
def publish(mqtt_broker):
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", mqtt_broker.port)
    client.loop_start()

    def send(numbers, topic="t/x", qos=1):
        for number in numbers:
            sent = client.publish(topic, json.dumps({"n": number}), qos=qos)
        sent.wait_for_publish(20)

    yield send
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_in_order_at_every_quality(mqtt_broker, publish, opened, qos):
    taker = Taker()
    source = opened(mqtt_broker.port, taker, qos=qos)
    assert wait_until(lambda: source.connected)
    publish(range(2000), qos=qos)
    assert wait_until(lambda: len(taker.numbers) == 2000)
    assert taker.numbers == list(range(2000))
    assert set(taker.topics) == {"t/x"}
    assert source.status()["received"] == 2000


@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_not_acknowledged_comes_again_after_a_restart(
    mqtt_broker, publish, opened, qos
):
    first = Taker(acknowledges=False)
    source = opened(mqtt_broker.port, first, owner="w1", qos=qos)
    assert wait_until(lambda: source.connected)
    publish(range(5), qos=qos)
    assert wait_until(lambda: len(first.numbers) == 5)
    source.close(5)
    second = Taker()
    opened(mqtt_broker.port, second, owner="w1", qos=qos)
    assert wait_until(lambda: len(second.numbers) == 5)
    assert second.numbers == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_acknowledged_does_not_come_again(mqtt_broker, publish, opened, qos):
    first = Taker()
    source = opened(mqtt_broker.port, first, client_id="mine", qos=qos)
    assert wait_until(lambda: source.connected)
    publish(range(5), qos=qos)
    assert wait_until(lambda: len(first.numbers) == 5)
    source.close(5)
    publish(range(5, 7), qos=qos)  # while nobody is there
    second = Taker()
    opened(mqtt_broker.port, second, client_id="mine", qos=qos)
    publish([7], qos=qos)
    assert wait_until(lambda: 7 in second.numbers)
    assert second.numbers == [5, 6, 7]


def test_messages_wait_while_the_pipeline_is_busy(mqtt_broker, publish, opened):
    taker = Taker()
    source = opened(mqtt_broker.port, taker, qos=1)
    assert wait_until(lambda: source.connected)
    taker.gate.clear()
    publish(range(300))
    assert taker.numbers == []
    taker.gate.set()
    assert wait_until(lambda: len(taker.numbers) == 300)
    assert taker.numbers == list(range(300))


def test_it_connects_once_the_broker_is_there_and_again_when_it_was_away(
    mqtt_broker, opened
):
    mqtt_broker.stop()
    taker = Taker()
    source = opened(mqtt_broker.port, taker)
    assert wait_until(lambda: "cannot connect" in str(source.status()["error"]))
    assert not source.connected
    mqtt_broker.start()
    assert wait_until(lambda: source.connected)
    assert source.status()["error"] is None
    mqtt_broker.stop()
    assert wait_until(lambda: not source.connected)
    mqtt_broker.start()
    assert wait_until(lambda: source.connected)


def test_an_idle_connection_is_kept_alive(mqtt_broker, publish, opened):
    taker = Taker()
    source = opened(mqtt_broker.port, taker, keep_alive=1)
    assert wait_until(lambda: source.connected)
    # The broker hangs up 1.5 s after the last packet of a client that says nothing.
    assert not wait_until(lambda: not source.connected, seconds=2.5)
    publish([1])
    assert wait_until(lambda: taker.numbers == [1])


def test_two_subscriptions_of_one_connector_do_not_throw_each_other_out(
    mqtt_broker, publish, opened
):
    takers = Taker(), Taker()
    sources = [
        opened(mqtt_broker.port, taker, topic=topic, client_id="same")
        for taker, topic in zip(takers, ("a/#", "b/#"), strict=True)
    ]
    assert wait_until(lambda: all(source.connected for source in sources))
    publish([1], topic="a/x")
    publish([2], topic="b/x")
    assert wait_until(lambda: [t.numbers for t in takers] == [[1], [2]])


def test_an_address_that_is_not_allowed_is_not_connected_to(opened):
    guard = Guard(is_strict=True)
    source = opened(free_port(), Taker(), guard=guard, host="169.254.169.254")
    assert wait_until(lambda: "not allowed" in str(source.status()["error"]))
    assert not source.connected


def test_a_topic_that_is_none_is_told(mqtt_broker, opened):
    source = opened(mqtt_broker.port, Taker(), topic="a/\0")
    assert wait_until(lambda: "NUL" in str(source.status()["error"]))


def test_a_closed_source_delivers_nothing_more(mqtt_broker, publish, opened):
    taker = Taker()
    source = opened(mqtt_broker.port, taker)
    assert wait_until(lambda: source.connected)
    source.close(5)
    publish([1])
    assert taker.numbers == []
    assert not source.connected
