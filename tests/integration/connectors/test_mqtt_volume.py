"""Many events on their way to a real broker: every one arrives, whatever the form."""

import json
from pathlib import Path

import pytest

from engine import Event, compile_program
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.registry import SinkMaker, Surroundings
from tests.integration.mqtt_broker import Broker, mqtt_broker, wait_until

__all__ = ["mqtt_broker"]

PIXELS = """
fn tile(n: int):
    for at in 0..n:
        emit Pixel(at: at, x: at / 7.0, odd: at % 2 == 1)

context c
stream Tile = Compute .context(c) .process(tile(n))
    .to(Out, topic: "pixels/" + part)
"""


def program(broker: Broker, qos: int, more: str = "") -> str:
    """Return a program that sends pixels to the broker."""
    out = f'connector Out = mqtt (host: "127.0.0.1", port: {broker.port}, qos: {qos})'
    return out + PIXELS.replace('"pixels/" + part', f'"pixels"{more}')


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_thousands_of_messages_arrive_in_order(mqtt_broker: Broker, qos: int) -> None:
    count = 5_000 if qos < 2 else 500
    letters = DeadLetters()
    with mqtt_broker.subscriber("pixels") as subscriber:
        pipeline = compile_program(
            program(mqtt_broker, qos),
            sinks=SinkMaker(Surroundings(dead_letters=letters)),
        )
        reply = pipeline.inject(Event("Compute", {"n": count}, 0))
        (sink,) = pipeline.sinks.values()
        arrived = subscriber.wait_for(count)
        assert wait_until(lambda: sink.status()["sent"] == count)
        pipeline.close()
    assert [json.loads(payload) for _, payload in arrived] == [
        {"timestamp": "1970-01-01T00:00:00Z", **output} for output in reply.outputs
    ]
    assert letters.count == 0
    assert pipeline.metrics().streams["Tile"].sink_sent == count


def test_arrays_hold_the_same_events(mqtt_broker: Broker) -> None:
    with mqtt_broker.subscriber("pixels") as subscriber:
        source = program(mqtt_broker, 1, ", batch: 400")
        pipeline = compile_program(source, sinks=SinkMaker())
        reply = pipeline.inject(Event("Compute", {"n": 5_000}, 0))
        arrived = [json.loads(payload) for _, payload in subscriber.wait_for(13)]
        (sink,) = pipeline.sinks.values()
        assert wait_until(lambda: sink.status()["sent"] == 13)
        pipeline.close()
    assert [len(array) for array in arrived] == [400] * 12 + [200]
    assert [event for array in arrived for event in array] == [
        {"timestamp": "1970-01-01T00:00:00Z", **output} for output in reply.outputs
    ]


def test_closing_delivers_what_an_array_holds(mqtt_broker: Broker) -> None:
    with mqtt_broker.subscriber("pixels") as subscriber:
        source = program(mqtt_broker, 1, ", batch: 10_000")
        pipeline = compile_program(source, sinks=SinkMaker())
        pipeline.inject(Event("Compute", {"n": 3}, 0))
        pipeline.close()
        ((_, payload),) = subscriber.wait_for(1)
    assert [event["at"] for event in json.loads(payload)] == [0, 1, 2]


def test_arrays_no_broker_took_are_dead_letters_event_by_event(
    mqtt_broker: Broker, tmp_path: Path
) -> None:
    mqtt_broker.stop()
    letters = DeadLetters(tmp_path)
    source = program(mqtt_broker, 1, ", batch: 400")
    pipeline = compile_program(
        source, name="rows", sinks=SinkMaker(Surroundings(dead_letters=letters))
    )
    pipeline.inject(Event("Compute", {"n": 900}, 0))
    pipeline.close(0.1)
    lines = (tmp_path / "rows.dlq.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"]["at"] for line in lines] == list(range(900))
    assert letters.count == 900
