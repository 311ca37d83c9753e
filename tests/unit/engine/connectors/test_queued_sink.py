"""What a sink with a queue does when sending fails."""

import json
import threading

import pytest

from engine.connectors import queued_sink as module
from engine.connectors.base import ConnectorSpec
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.link import LinkLostError
from engine.connectors.queued_sink import QueuedSink, Refused

WAIT_S = 20.0


class FakePublisher:
    """Answers each call with the next of `answers`, then takes everything."""

    where = "there"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.taken = []
        self.connections = 0
        self.checked = threading.Event()

    def connect(self):
        self.connections += 1

    def publish(self, events):
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        refused = [
            Refused(event, reason, is_final)
            for event in events
            for payload, reason, is_final in answer
            if event.payload == payload
        ]
        gone = {refusal.pending for refusal in refused}
        self.taken += [event.payload for event in events if event not in gone]
        return refused

    def check(self):
        self.checked.set()

    def disconnect(self):
        return


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(module.Link, "pause", lambda _link: None)
    monkeypatch.setattr(module, "TICK_S", 0.001)


def run(publisher, events, folder):
    spec = ConnectorSpec("C", "fake", {}, "p")
    sink = QueuedSink(spec, DeadLetters(folder), publisher)
    sink.send("t", events, stream="S")
    sink.open()
    sink.close(WAIT_S)
    return sink


def letters(folder):
    path = folder / "p.dlq.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def test_a_batch_is_sent_again_after_the_connection_broke(tmp_path):
    publisher = FakePublisher(LinkLostError("cut"), LinkLostError("cut"))
    sink = run(publisher, [b"1", b"2"], tmp_path)
    assert publisher.taken == [b"1", b"2"]
    assert publisher.connections == 3
    assert (sink.status()["sent"], sink.status()["retries"]) == (2, 4)
    assert letters(tmp_path) == []


def test_after_five_tries_a_batch_is_dead_and_the_next_is_sent(tmp_path):
    publisher = FakePublisher(*[LinkLostError("cut")] * 5)
    run(publisher, [b"1"] * module.BATCH + [b"2"], tmp_path)
    dead = letters(tmp_path)
    assert len(dead) == module.BATCH
    assert {(letter["attempts"], letter["reason"]) for letter in dead} == {(5, "cut")}
    assert publisher.taken == [b"2"]


def test_a_refused_event_is_tried_five_times_alone(tmp_path):
    publisher = FakePublisher(*[[(b"1", "busy", False)]] * 5)
    sink = run(publisher, [b"0", b"1", b"2"], tmp_path)
    assert publisher.taken == [b"0", b"2"]
    assert [letter["attempts"] for letter in letters(tmp_path)] == [5]
    assert publisher.connections == 1
    assert sink.status()["retries"] == 4


def test_an_event_that_is_refused_for_good_is_tried_once(tmp_path):
    publisher = FakePublisher([(b"1", "never", True)])
    run(publisher, [b"0", b"1"], tmp_path)
    assert publisher.taken == [b"0"]
    (letter,) = letters(tmp_path)
    assert (letter["attempts"], letter["reason"]) == (1, "never")
    assert (letter["connector"], letter["stream"]) == ("C", "S")


def test_what_is_left_at_the_end_is_dead(tmp_path):
    class Unreachable(FakePublisher):
        def connect(self):
            raise LinkLostError("nobody there")

    spec = ConnectorSpec("C", "fake", {}, "p")
    sink = QueuedSink(spec, DeadLetters(tmp_path), Unreachable())
    sink.open()
    sink.send("t", [b"1"], stream="S")
    sink.close(0.05)
    (letter,) = letters(tmp_path)
    assert letter["reason"] == "closed before delivery: nobody there"
    assert letter["attempts"] == 0


@pytest.mark.parametrize("topic", ["\ud800", "a\0b"])
def test_a_topic_that_is_no_text_is_dead_at_once(tmp_path, topic):
    publisher = FakePublisher()
    spec = ConnectorSpec("C", "fake", {}, "p")
    sink = QueuedSink(spec, DeadLetters(tmp_path), publisher)
    sink.send(topic, [b"1"], stream="S")
    sink.send("t", [b"2"], stream="S")
    sink.open()
    sink.close(WAIT_S)
    assert publisher.taken == [b"2"]
    assert [letter["reason"] for letter in letters(tmp_path)] == [
        "the topic is no valid text"
    ]


def test_an_idle_connection_is_checked(tmp_path):
    publisher = FakePublisher()
    sink = QueuedSink(ConnectorSpec("C", "fake"), DeadLetters(tmp_path), publisher)
    sink.open()
    assert publisher.checked.wait(WAIT_S)
    sink.close(WAIT_S)


def test_a_sink_that_was_never_opened_closes(tmp_path):
    sink = QueuedSink(
        ConnectorSpec("C", "fake"), DeadLetters(tmp_path), FakePublisher()
    )
    sink.close(0)
    assert not sink.connected
