"""The Redis sink, source and look-up against a real server."""

import json

import pytest
import redis

from engine.connectors.base import LookupFailedError
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.redis_lookup import RedisLookup
from engine.connectors.redis_sink import redis_sink
from engine.connectors.redis_source import redis_source
from tests.integration.connectors.probes import (
    Taker,
    connector,
    numbered,
    numbers,
    subscription,
    wait_until,
)
from tests.integration.connectors.server_process import free_port


@pytest.fixture
def client(redis_server):
    with redis.Redis(port=redis_server.port) as opened:
        yield opened


def make_sink(url, letters=None, **params):
    spec = connector("redis", {"url": url, **params})
    return redis_sink(spec, letters or DeadLetters(), Guard())


def make_source(url, topic="in", **params):
    spec = subscription("redis", topic, {"url": url, **params})
    return redis_source(spec, Guard())


def entries(client, stream):
    return numbers([fields[b"event"] for _, fields in client.xrange(stream)])


def add(client, count, start=0):
    for payload in numbered(count, start):
        client.xadd("in", {"event": payload})


def test_events_arrive_in_order(redis_server, client):
    sink = make_sink(redis_server.url)
    sink.open()
    sink.send("out", numbered(3000), stream="N")
    sink.close(20)
    assert entries(client, "out") == list(range(3000))
    assert sink.status()["sent"] == 3000


def test_a_stream_keeps_about_maxlen_entries(redis_server, client):
    sink = make_sink(redis_server.url, maxlen=100, topic="few")
    sink.open()
    sink.send("", numbered(2000), stream="N")
    sink.close(20)
    assert 100 <= client.xlen("few") <= 300
    assert entries(client, "few")[-1] == 1999


def test_a_server_that_is_killed_and_comes_back_gets_everything(redis_server, client):
    sink = make_sink(redis_server.url)
    sink.open()
    sink.send("out", numbered(5), stream="N")
    assert wait_until(lambda: sink.status()["sent"] == 5)
    redis_server.kill()
    assert wait_until(lambda: not sink.connected)
    sink.send("out", numbered(5, start=5), stream="N")
    redis_server.start()
    assert wait_until(lambda: sink.status()["sent"] == 10)
    sink.close(10)
    assert sorted(set(entries(client, "out"))) == list(range(10))


def test_a_key_that_is_no_stream_is_dead_and_the_next_event_is_sent(
    redis_server, client, tmp_path
):
    client.set("text", "x")
    letters = DeadLetters(tmp_path / "letters")
    sink = make_sink(redis_server.url, letters)
    sink.open()
    sink.send("text", numbered(1), stream="N")
    sink.send("out", numbered(1, start=1), stream="N")
    sink.close(10)
    assert entries(client, "out") == [1]
    line = json.loads((tmp_path / "letters/p.dlq.jsonl").read_text())
    assert (line["event"]["n"], line["attempts"]) == (0, 1)
    assert "WRONGTYPE" in line["reason"]


def test_a_full_server_is_tried_five_times(redis_server, client, tmp_path):
    client.config_set("maxmemory", "1")
    letters = DeadLetters(tmp_path / "letters")
    sink = make_sink(redis_server.url, letters)
    sink.open()
    sink.send("out", numbered(2), stream="N")
    assert wait_until(lambda: letters.count == 2)
    sink.close(10)
    lines = (tmp_path / "letters/p.dlq.jsonl").read_text().splitlines()
    assert [json.loads(line)["attempts"] for line in lines] == [5, 5]
    assert sink.status()["retries"] == 8


def test_messages_are_acknowledged_after_processing(redis_server, client):
    add(client, 3)
    taker = Taker()
    taker.may_go_on.clear()
    source = make_source(redis_server.url)
    source.open(taker)
    assert wait_until(lambda: len(taker.messages) == 3)
    assert client.xpending("in", "p")["pending"] == 3
    taker.may_go_on.set()
    assert wait_until(lambda: client.xpending("in", "p")["pending"] == 0)
    source.close(10)
    assert taker.numbers == [0, 1, 2]
    assert {message.topic for message in taker.messages} == {"in"}
    assert source.status()["received"] == 3


def test_what_was_not_acknowledged_comes_again_after_a_restart(redis_server, client):
    add(client, 3)
    died = Taker(acknowledges=False)
    first = make_source(redis_server.url)
    first.open(died)
    assert died.wait_for(3) == [0, 1, 2]
    first.close(10)
    add(client, 2, start=3)
    taker = Taker()
    second = make_source(redis_server.url)
    second.open(taker)
    assert taker.wait_for(5) == [0, 1, 2, 3, 4]
    second.close(10)


def test_nothing_is_lost_when_the_server_is_killed(redis_server, client):
    add(client, 10)
    taker = Taker()
    source = make_source(redis_server.url)
    source.open(taker)
    assert taker.wait_for(10) == list(range(10))
    redis_server.kill()
    assert wait_until(lambda: not source.connected)
    redis_server.start()
    add(client, 10, start=10)
    assert sorted(set(taker.wait_for(20))) == list(range(20))
    assert source.connected
    source.close(10)


def test_processing_that_outlasts_the_connection_is_not_repeated(redis_server, client):
    add(client, 3)
    taker = Taker()
    taker.may_go_on.clear()
    source = make_source(redis_server.url)
    source.open(taker)
    assert wait_until(lambda: len(taker.messages) == 3)
    redis_server.kill()
    redis_server.start()
    taker.may_go_on.set()
    assert wait_until(lambda: client.xpending("in", "p")["pending"] == 0)
    source.close(10)
    assert taker.numbers == [0, 1, 2]


def test_entries_of_others_become_objects_of_texts(redis_server, client):
    client.xadd("in", {"event_type": "Reading", "sensor": "s1"})
    taker = Taker()
    source = make_source(redis_server.url)
    source.open(taker)
    assert wait_until(lambda: len(taker.messages) == 1)
    source.close(10)
    found = json.loads(taker.messages[0].payload)
    assert found == {"event_type": "Reading", "sensor": "s1"}


def test_a_server_that_is_not_there_is_told(redis_server):
    source = make_source(f"redis://:secret@127.0.0.1:{free_port()}/0")
    source.open(Taker())
    assert wait_until(lambda: "cannot connect" in str(source.status()["error"]))
    assert "secret" not in str(source.status())
    source.close(10)


def test_a_look_up_finds_a_hash_or_a_json_text(redis_server, client):
    client.hset("s1", mapping={"room": "kitchen", "floor": "2"})
    client.set("s2", '{"room": "attic", "floor": 3}')
    lookup = RedisLookup(connector("redis", {"url": redis_server.url}), Guard())
    assert lookup.find("s1", 5.0) == {"room": "kitchen", "floor": "2"}
    assert lookup.find("s2", 5.0) == {"room": "attic", "floor": 3}
    assert lookup.find("s3", 5.0) is None
    lookup.close()


@pytest.mark.parametrize("text", ["no json", "[1]"])
def test_a_look_up_fails_on_a_text_that_is_no_object(redis_server, client, text):
    client.set("s1", text)
    lookup = RedisLookup(connector("redis", {"url": redis_server.url}), Guard())
    with pytest.raises(LookupFailedError, match="JSON"):
        lookup.find("s1", 5.0)
    lookup.close()


def test_a_look_up_fails_on_other_kinds_and_without_a_server(redis_server, client):
    client.rpush("list", "x")
    lookup = RedisLookup(connector("redis", {"url": redis_server.url}), Guard())
    with pytest.raises(LookupFailedError, match="neither a hash nor a text"):
        lookup.find("list", 5.0)
    redis_server.kill()
    with pytest.raises(LookupFailedError):
        lookup.find("list", 1.0)
    redis_server.start()
    assert lookup.find("s1", 5.0) is None
    lookup.close()


def test_half_a_pair_as_key_is_a_failure_and_the_next_key_is_found(
    redis_server, client
):
    client.hset("s1", "room", "kitchen")
    lookup = RedisLookup(connector("redis", {"url": redis_server.url}), Guard())
    with pytest.raises(LookupFailedError):
        lookup.find("\ud800", 5.0)
    assert lookup.find("s1", 5.0) == {"room": "kitchen"}
    lookup.close()


def test_a_look_up_ends_when_its_time_is_up(redis_server, client):
    lookup = RedisLookup(connector("redis", {"url": redis_server.url}), Guard())
    assert lookup.find("s1", 5.0) is None
    client.client_pause(20_000)
    with pytest.raises(LookupFailedError):
        lookup.find("s1", 0.1)
    lookup.close()
