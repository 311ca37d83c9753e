"""The NATS sink and source against a real server, plain and with JetStream."""

import asyncio
import json

import nats
import pytest

from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.nats_sink import nats_sink
from engine.connectors.nats_source import ACKNOWLEDGE_WAIT_S, nats_source
from tests.integration.connectors.probes import (
    WAIT_S,
    Taker,
    connector,
    numbered,
    numbers,
    subscription,
    wait_until,
)
from tests.integration.connectors.server_process import free_port


def make_sink(url, letters=None, **params):
    spec = connector("nats", {"servers": url, **params})
    return nats_sink(spec, letters or DeadLetters(), Guard())


def make_source(url, topic="plant/#", **params):
    spec = subscription("nats", topic, {"servers": url, **params})
    return nats_source(spec, Guard())


def run(url, work):
    """Run `work(client)` with a client of its own."""

    async def main():
        client = await nats.connect(url, connect_timeout=WAIT_S)
        try:
            result = await work(client)
            await client.flush()
            return result
        finally:
            await client.close()

    return asyncio.run(main())


def publish(url, payloads, subject="plant.b1"):
    async def work(client):
        for payload in payloads:
            await client.publish(subject, payload)

    run(url, work)


def make_stream(url, name="PLANT", subjects=("plant.>",)):
    async def work(client):
        await client.jetstream().add_stream(name=name, subjects=list(subjects))

    run(url, work)


def stored(url, name="PLANT"):
    """Return the payloads a stream holds."""

    async def work(client):
        stream = client.jetstream(timeout=WAIT_S)
        info = await stream.stream_info(name)
        subject = info.config.subjects[0]
        reader = await stream.subscribe(subject, stream=name, ordered_consumer=True)
        count = info.state.messages
        return [(await reader.next_msg(WAIT_S)).data for _ in range(count)]

    return run(url, work)


def consumer(url, name="p-plant__", stream="PLANT"):
    async def work(client):
        return await client.jetstream().consumer_info(stream, name)

    return run(url, work)


def opened(source, taker):
    source.open(taker)
    assert wait_until(lambda: source.connected)
    return source


def test_events_go_from_sink_to_source_in_order(nats_server):
    taker = Taker()
    source = opened(make_source(nats_server.url), taker)
    sink = make_sink(nats_server.url)
    sink.open()
    sink.send("plant/b1", numbered(3000), stream="N")
    assert taker.wait_for(3000) == list(range(3000))
    sink.close(10)
    source.close(10)
    assert {message.topic for message in taker.messages} == {"plant.b1"}
    assert sink.status()["sent"] == 3000


def test_sources_of_one_queue_group_share_messages(nats_server):
    takers = Taker(), Taker()
    sources = [
        opened(make_source(nats_server.url, queue_group="g"), taker) for taker in takers
    ]
    publish(nats_server.url, numbered(200))
    assert wait_until(lambda: sum(len(t.messages) for t in takers) == 200)
    for source in sources:
        source.close(10)
    assert sorted(takers[0].numbers + takers[1].numbers) == list(range(200))
    assert all(taker.messages for taker in takers)


def test_a_server_that_is_killed_and_comes_back_is_found_again(nats_server):
    taker = Taker()
    source = opened(make_source(nats_server.url), taker)
    sink = make_sink(nats_server.url)
    sink.open()
    assert wait_until(lambda: sink.connected)
    nats_server.kill()
    assert wait_until(lambda: not source.connected and not sink.connected)
    sink.send("plant/b1", numbered(5), stream="N")
    nats_server.start()
    assert wait_until(lambda: source.connected and sink.status()["sent"] == 5)
    publish(nats_server.url, numbered(1, start=5))
    assert wait_until(lambda: 5 in taker.numbers)
    sink.close(10)
    source.close(10)


def test_a_subject_nothing_can_be_sent_to_is_dead(nats_server, tmp_path):
    letters = DeadLetters(tmp_path / "letters")
    sink = make_sink(nats_server.url, letters)
    sink.open()
    sink.send("plant/#", numbered(1), stream="N")
    sink.send("plant/b1", numbered(1), stream="N")
    sink.send("plant/b1", [b'"' + b"x" * 2_000_000 + b'"'], stream="N")
    sink.close(10)
    assert (sink.status()["sent"], letters.count) == (1, 2)
    lines = (tmp_path / "letters/p.dlq.jsonl").read_text().splitlines()
    assert "wildcards" in json.loads(lines[0])["reason"]


def test_a_stream_takes_events_in_order(nats_server):
    make_stream(nats_server.url)
    sink = make_sink(nats_server.url, stream="PLANT")
    sink.open()
    sink.send("plant/b1", numbered(3000), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 3000)
    sink.close(20)
    assert numbers(stored(nats_server.url)) == list(range(3000))
    assert sink.status()["sent"] == 3000


def test_a_stream_that_does_not_take_the_subject_is_told(nats_server, tmp_path):
    letters = DeadLetters(tmp_path / "letters")
    sink = make_sink(nats_server.url, letters, stream="PLANT")
    sink.open()
    sink.send("plant/b1", numbered(1), stream="N")
    assert wait_until(lambda: letters.count == 1)
    sink.close(10)
    line = json.loads((tmp_path / "letters/p.dlq.jsonl").read_text())
    assert line["attempts"] == 5
    assert "nats stream add PLANT --subjects plant.b1" in line["reason"]


def test_a_stream_gets_everything_across_a_kill_of_the_server(nats_server):
    make_stream(nats_server.url)
    sink = make_sink(nats_server.url, stream="PLANT")
    sink.open()
    sink.send("plant/b1", numbered(500), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 500)
    nats_server.kill()
    sink.send("plant/b1", numbered(500, start=500), stream="N")
    assert wait_until(lambda: not sink.connected)
    nats_server.start()
    assert wait_until(lambda: sink.status()["sent"] == 1000)
    sink.close(10)
    assert sorted(set(numbers(stored(nats_server.url)))) == list(range(1000))


def test_messages_of_a_stream_are_acknowledged_after_processing(nats_server):
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(3))
    taker = Taker()
    taker.may_go_on.clear()
    source = opened(make_source(nats_server.url, stream="PLANT"), taker)
    assert wait_until(lambda: len(taker.messages) >= 3)
    assert consumer(nats_server.url).num_ack_pending == 3
    taker.may_go_on.set()
    assert wait_until(lambda: consumer(nats_server.url).num_ack_pending == 0)
    source.close(10)
    assert taker.numbers == [0, 1, 2]


def test_what_was_not_processed_comes_again_at_once(nats_server):
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(3))
    died = Taker(acknowledges=False)
    first = opened(make_source(nats_server.url, stream="PLANT"), died)
    assert died.wait_for(3) == [0, 1, 2]
    died.messages[1].acknowledge()
    first.close(10)
    taker = Taker()
    second = opened(make_source(nats_server.url, stream="PLANT"), taker)
    assert wait_until(lambda: len(taker.messages) == 2, ACKNOWLEDGE_WAIT_S / 2)
    second.close(10)
    assert sorted(taker.numbers) == [0, 2]


def test_a_stream_has_more_than_one_request_asks_for(nats_server):
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(2200))
    taker = Taker()
    source = opened(make_source(nats_server.url, stream="PLANT"), taker)
    assert taker.wait_for(2200) == list(range(2200))
    source.close(10)


def test_pipelines_that_name_one_durable_go_on_where_it_stands(nats_server):
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(3))
    for start in (0, 3):
        taker = Taker()
        source = make_source(nats_server.url, stream="PLANT", durable="ours")
        opened(source, taker)
        assert wait_until(lambda taker=taker: len(taker.messages) == 3)
        assert taker.numbers == list(range(start, start + 3))
        source.close(10)
        publish(nats_server.url, numbered(3, start=start + 3))


def test_nothing_of_a_stream_is_lost_when_the_server_is_killed(nats_server):
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(10))
    taker = Taker()
    source = opened(make_source(nats_server.url, stream="PLANT"), taker)
    assert taker.wait_for(10) == list(range(10))
    nats_server.kill()
    assert wait_until(lambda: not source.connected)
    nats_server.start()
    publish(nats_server.url, numbered(10, start=10))
    assert sorted(set(taker.wait_for(20))) == list(range(20))
    source.close(10)


def test_a_stream_that_is_missing_is_told_and_found_once_it_is_there(nats_server):
    taker = Taker()
    source = make_source(nats_server.url, stream="PLANT")
    source.open(taker)
    assert wait_until(
        lambda: (
            "nats stream add PLANT --subjects plant.>" in str(source.status()["error"])
        )
    )
    make_stream(nats_server.url)
    publish(nats_server.url, numbered(1))
    assert taker.wait_for(1) == [0]
    source.close(10)


@pytest.mark.parametrize("kind", ["sink", "source"])
def test_a_server_that_is_not_there_is_told_without_the_password(kind):
    url = f"nats://user:secret@127.0.0.1:{free_port()}"
    if kind == "sink":
        one = make_sink(url)
        one.open()
    else:
        one = make_source(url)
        one.open(Taker())
    assert wait_until(lambda: "cannot connect" in str(one.status()["error"]))
    assert "secret" not in str(one.status())
    one.close(1)
