"""The WebSocket source against a real server."""

import pytest

from engine.connectors.guard import Guard
from engine.connectors.websocket_source import websocket_source
from tests.integration.connectors.probes import (
    Taker,
    numbered,
    subscription,
    wait_until,
)
from tests.integration.connectors.server_process import free_port
from tests.integration.connectors.websocket_server import WebsocketServer


@pytest.fixture
def server():
    started = WebsocketServer()
    started.start()
    yield started
    started.stop()


def make_source(url, topic="", guard=None, **params):
    spec = subscription("websocket", topic, {"url": url, **params})
    return websocket_source(spec, guard or Guard())


def texts(count, start=0):
    return [payload.decode() for payload in numbered(count, start)]


def opened(source, taker):
    source.open(taker)
    assert wait_until(lambda: source.connected)
    return source


def test_messages_arrive_in_order(server):
    taker = Taker()
    source = opened(make_source(server.url), taker)
    assert wait_until(lambda: len(server.headers) == 1)
    server.send(*texts(2000))
    assert taker.wait_for(2000) == list(range(2000))
    source.close(10)
    assert source.status()["received"] == 2000
    assert server.subscriptions == []


def test_the_topic_is_sent_as_subscription_with_the_headers(server):
    taker = Taker()
    source = make_source(server.url, topic="trades", headers="X-Token: t1, X-Via: us")
    opened(source, taker)
    assert wait_until(lambda: server.subscriptions == ["trades"])
    server.send(*texts(1))
    assert taker.wait_for(1) == [0]
    source.close(10)
    assert taker.messages[0].topic == "trades"
    assert server.headers[0]["X-Token"] == "t1"
    assert server.headers[0]["X-Via"] == "us"


def test_a_server_that_goes_and_comes_back_is_subscribed_to_again():
    first = WebsocketServer()
    first.start()
    taker = Taker()
    source = opened(make_source(first.url, topic="trades"), taker)
    first.stop()
    assert wait_until(lambda: not source.connected)
    second = WebsocketServer(first.port)
    second.start()
    assert wait_until(lambda: second.subscriptions == ["trades"])
    second.send(*texts(3))
    assert taker.wait_for(3) == [0, 1, 2]
    source.close(10)
    second.stop()


def test_a_message_far_too_long_ends_the_connection_and_is_told(server):
    taker = Taker()
    source = opened(make_source(server.url), taker)
    assert wait_until(lambda: len(server.headers) == 1)
    server.send("x" * 3_000_000)
    assert wait_until(lambda: len(server.headers) == 2 and source.connected)
    server.send(*texts(1))
    assert taker.wait_for(1) == [0]
    source.close(10)


def test_a_redirect_is_not_followed(server):
    source = make_source(server.url.replace("feed", "moved"))
    source.open(Taker())
    assert wait_until(lambda: "302" in str(source.status()["error"]))
    source.close(10)
    assert server.headers == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "starts with ws:// or wss://"),
        ("ws://169.254.169.254/latest", "not allowed"),
    ],
)
def test_an_address_the_host_does_not_allow_is_told(url, reason):
    source = make_source(url, guard=Guard(is_strict=True))
    source.open(Taker())
    assert wait_until(lambda: reason in str(source.status()["error"]))
    source.close(10)


def test_a_server_that_is_not_there_is_told_without_the_password():
    source = make_source(f"ws://user:secret@127.0.0.1:{free_port()}/?token=secret")
    source.open(Taker())
    assert wait_until(lambda: "cannot connect" in str(source.status()["error"]))
    assert "secret" not in str(source.status())
    source.close(10)
