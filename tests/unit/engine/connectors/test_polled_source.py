"""What a source that asks for messages does with them, and when asking fails."""

import threading

import pytest

from engine.connectors import polled_source as module
from engine.connectors.base import ConnectorSpec, Message, SourceSpec
from engine.connectors.link import LinkInterruptedError, LinkLostError
from engine.connectors.polled_source import PolledSource

WAIT_S = 20.0


def message(text):
    return Message(text.encode(), "t", None, lambda: None)


class FakeSubscriber:
    """Answers each call with the next of `answers`, then has nothing more."""

    where = "there"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.connections = 0
        self.goodbyes = 0
        self.has_nothing_more = threading.Event()

    def connect(self):
        self.connections += 1

    def receive(self, timeout_s):
        if not self.answers:
            self.has_nothing_more.set()
            return []
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [message(text) for text in answer]

    def disconnect(self):
        self.goodbyes += 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(module.Link, "pause", lambda _link: None)


def make(subscriber):
    spec = ConnectorSpec("C", "fake", {}, "p")
    return PolledSource(SourceSpec(spec, "t"), subscriber)


def run(subscriber):
    """Return the source and what it delivered until there was nothing more."""
    taken = []
    source = make(subscriber)
    source.open(lambda messages: taken.append([m.payload for m in messages]))
    assert subscriber.has_nothing_more.wait(WAIT_S)
    return source, taken


def test_messages_are_delivered_as_they_come():
    subscriber = FakeSubscriber(["1", "2"], [], ["3"])
    source, taken = run(subscriber)
    assert source.connected
    source.close(WAIT_S)
    assert taken == [[b"1", b"2"], [b"3"]]
    assert source.status()["received"] == 3
    assert (source.connected, subscriber.goodbyes) == (False, 1)


def test_a_lost_connection_is_made_again():
    subscriber = FakeSubscriber(LinkLostError("cut"), LinkLostError("cut"), ["1"])
    source, taken = run(subscriber)
    source.close(WAIT_S)
    assert (subscriber.connections, subscriber.goodbyes) == (3, 3)
    assert taken == [[b"1"]]


def test_an_interrupted_connection_is_kept():
    subscriber = FakeSubscriber(LinkInterruptedError("brokers down"), ["1"])
    source, taken = run(subscriber)
    assert source.connected
    assert source.status()["error"] is None
    source.close(WAIT_S)
    assert subscriber.connections == 1
    assert taken == [[b"1"]]


def test_an_interruption_is_told():
    subscriber = FakeSubscriber()
    source = make(subscriber)
    told = []

    def receive(_timeout_s):
        if len(told) == 2:
            subscriber.has_nothing_more.set()
            return []
        told.append(source.status())
        raise LinkInterruptedError("brokers down")

    subscriber.receive = receive
    source.open(lambda _messages: None)
    assert subscriber.has_nothing_more.wait(WAIT_S)
    source.close(WAIT_S)
    assert (told[1]["connected"], told[1]["error"]) == (False, "brokers down")


def test_what_arrives_during_a_close_is_not_delivered():
    subscriber = FakeSubscriber()
    source = make(subscriber)
    asked, closing = threading.Event(), threading.Event()

    def receive(_timeout_s):
        asked.set()
        assert closing.wait(WAIT_S)
        return [message("late")]

    subscriber.receive = receive
    taken = []
    source.open(taken.append)
    assert asked.wait(WAIT_S)
    source.close(0)
    closing.set()
    source.close(WAIT_S)
    assert taken == []


def test_a_bug_is_told_and_logged(caplog):
    subscriber = FakeSubscriber(KeyError("oops"))
    source = make(subscriber)
    source.open(lambda _messages: None)
    source._thread.join(WAIT_S)
    assert "internal error" in source.status()["error"]
    assert "has stopped working" in caplog.text


def test_a_source_that_was_never_opened_closes():
    source = make(FakeSubscriber())
    source.close(0)
    assert not source.connected
