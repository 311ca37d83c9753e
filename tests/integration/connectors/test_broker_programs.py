"""Programs that read from one system and write to another, whole pipelines of them."""

import json

import pytest
import redis

from engine.compiling import compile_program
from engine.connectors.registry import LookupMaker, SinkMaker, SourceMaker
from tests.integration.connectors.probes import wait_until
from tests.integration.connectors.test_kafka import read
from tests.integration.connectors.test_nats import make_stream, publish, stored

READINGS = [
    {"event_type": "Reading", "sensor": f"s{n % 3}", "n": n, "temp": 20.0 + n}
    for n in range(300)
]


def encoded(events):
    return [json.dumps(event).encode() for event in events]


@pytest.fixture
def start():
    opened = []

    def compile_and_start(source, name="plant"):
        pipeline = compile_program(
            source,
            name=name,
            sinks=SinkMaker(),
            sources=SourceMaker(),
            lookups=LookupMaker(),
        )
        opened.append(pipeline)
        pipeline.start()
        return pipeline

    yield compile_and_start
    for pipeline in opened:
        pipeline.close(20)


def test_events_go_from_a_nats_stream_through_redis_to_kafka(
    start, nats_server, redis_server, kafka_cluster
):
    make_stream(nats_server.url)
    kafka_cluster.make_topic("hot")
    publish(nats_server.url, encoded(READINGS))
    start(
        f'connector In = nats (servers: "{nats_server.url}", stream: PLANT)\n'
        f'connector Mid = redis (url: "{redis_server.url}", topic: mid)\n'
        'stream Warm = Reading.from(In, topic: "plant/#")\n'
        "    .where(temp >= 120)\n"
        "    .emit(sensor, n)\n"
        "    .to(Mid)\n",
        "first",
    )
    start(
        f'connector Mid = redis (url: "{redis_server.url}", topic: mid)\n'
        f'connector Out = kafka (brokers: "{kafka_cluster.brokers}", topic: hot,\n'
        "    key: sensor)\n"
        "stream Hot = Warm.from(Mid)\n"
        "    .where(n % 2 == 0)\n"
        "    .emit(sensor, n)\n"
        "    .to(Out)\n",
        "second",
    )
    wanted = [
        (event["sensor"].encode(), event["n"])
        for event in READINGS
        if event["temp"] >= 120 and event["n"] % 2 == 0
    ]
    assert read(kafka_cluster, "hot", len(wanted)) == wanted


def test_records_from_redis_enrich_events(start, nats_server, redis_server):
    with redis.Redis(port=redis_server.port) as client:
        client.hset("s1", mapping={"room": "kitchen"})
    make_stream(nats_server.url, "ROOMS", ["rooms.>"])
    pipeline = start(
        f'connector Rooms = redis (url: "{redis_server.url}")\n'
        f'connector Out = nats (servers: "{nats_server.url}", subject: "rooms.out",\n'
        "    stream: ROOMS)\n"
        "stream Placed = Reading\n"
        '    .enrich(Rooms, key: sensor, fields: [room], fallback: "?")\n'
        "    .emit(n, room, status: enrich_status)\n"
        "    .to(Out)\n"
    )
    for event in READINGS[:3]:
        pipeline.process(json.dumps(event).encode())
    assert wait_until(lambda: len(stored(nats_server.url, "ROOMS")) == 3)
    found = [json.loads(payload) for payload in stored(nats_server.url, "ROOMS")]
    assert [event["room"] for event in found] == ["?", "kitchen", "?"]
    assert found[1]["status"] == "ok"


def test_a_pipeline_that_stops_and_starts_loses_nothing_of_a_stream(
    start, redis_server
):
    source = (
        f'connector R = redis (url: "{redis_server.url}")\n'
        "stream Copy = Reading.from(R, topic: readings)\n"
        "    .emit(n)\n"
        '    .to(R, topic: "copies")\n'
    )
    with redis.Redis(port=redis_server.port) as client:
        for begin in range(0, 300, 100):
            pipeline = start(source)
            for payload in encoded(READINGS[begin : begin + 100]):
                client.xadd("readings", {"event": payload})
            if begin == 100:
                redis_server.kill()
                redis_server.start()
            assert wait_until(lambda end=begin + 50: client.xlen("copies") >= end)
            pipeline.close(20)
        start(source)
        assert wait_until(lambda: {*range(300)} <= copied(client))


def copied(client):
    entries = client.xrange("copies")
    return {json.loads(fields[b"event"])["n"] for _, fields in entries}
