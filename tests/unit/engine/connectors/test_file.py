"""Files as sources and sinks."""

import json
import os

import pytest

from engine.connectors.base import ConnectorSpec, SourceSpec
from engine.connectors.buffer import Pending
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.file_lines import MAX_LINE_BYTES
from engine.connectors.file_sink import FilePublisher, file_sink
from engine.connectors.file_source import FileSubscriber
from engine.connectors.guard import Guard
from engine.connectors.link import LinkLostError


@pytest.fixture
def subscribe(tmp_path):
    opened = []

    def make(path="in.jsonl", *, connects=True, **params):
        known = {"path": path, **params}
        connector = ConnectorSpec("In", "file", known, "p")
        spec = SourceSpec(connector, "", known)
        subscriber = FileSubscriber(spec, Guard(workdir=tmp_path))
        opened.append(subscriber)
        if connects:
            subscriber.connect()
        return subscriber

    yield make
    for subscriber in opened:
        subscriber.disconnect()


def received(subscriber, turns=4):
    return [m.payload for _ in range(turns) for m in subscriber.receive(0)]


# --- sources ---


def test_a_file_is_read_once_line_by_line(subscribe, tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf{"n":1}\r\n\n  \n{"n":2}')
    assert [json.loads(p)["n"] for p in received(subscribe())] == [1, 2]
    (tmp_path / "in.jsonl").write_bytes(b'{"n":1}\n' * 2000)
    assert len(received(subscribe(), turns=6)) == 2000


def test_without_tail_what_is_appended_later_is_not_read(subscribe, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"1\n")
    subscriber = subscribe()
    assert received(subscriber) == [b"1"]
    path.write_bytes(b"1\n2\n")
    assert received(subscriber) == []


def test_with_tail_lines_are_read_as_they_are_completed(subscribe, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"1\n2")
    subscriber = subscribe(tail=True)
    assert received(subscriber) == [b"1"]
    with path.open("ab") as file:
        file.write(b"2\n3\n")
    assert received(subscriber) == [b"22", b"3"]


def test_a_tailed_file_that_is_replaced_is_read_from_its_start(subscribe, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"1\n2\n")
    subscriber = subscribe(tail=True)
    assert received(subscriber) == [b"1", b"2"]
    path.rename(tmp_path / "in.jsonl.1")
    assert received(subscriber) == []
    path.write_bytes(b"3\n4\n5\n")
    assert received(subscriber) == [b"3", b"4", b"5"]


def test_a_tailed_file_that_is_cut_is_read_from_its_start(subscribe, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"1\n2\n")
    subscriber = subscribe(tail=True)
    assert received(subscriber) == [b"1", b"2"]
    path.write_bytes(b"3\n")
    assert received(subscriber) == [b"3"]


def test_an_overlong_line_is_cut_and_the_next_one_is_read(subscribe, tmp_path):
    long = b"x" * (MAX_LINE_BYTES * 2)
    (tmp_path / "in.jsonl").write_bytes(long + b"\n1\n" + long)
    first, second, *_ = received(subscribe(), turns=40)
    assert MAX_LINE_BYTES < len(first) < len(long)
    assert second == b"1"


def test_events_of_evt_files_become_payloads(subscribe, tmp_path):
    lines = '# note\n@10s Boiler { temp: 95.5, unit: b1 }\nBoiler { wait: 1h30m };\n{"event_type": "A", "x": 1}\nnonsense here\n'
    (tmp_path / "in.evt").write_text(lines)
    first, second, third, bad = received(subscribe("in.evt"))
    assert json.loads(first) == {
        "event_type": "Boiler",
        "timestamp": "1970-01-01T00:00:10Z",
        "fields": {"temp": 95.5, "unit": "b1"},
    }
    assert json.loads(second)["fields"] == {"wait": "1h30m"}
    assert json.loads(third)["fields"] == {"x": 1}
    assert bad == b"nonsense here"


@pytest.mark.parametrize("path", ["none.jsonl", "folder", "pipe", "../up.jsonl"])
def test_what_cannot_be_read_is_a_lost_link(subscribe, tmp_path, path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LinkLostError):
        subscribe(path, connects=False).connect()


def test_the_path_is_that_of_the_connectors_name_by_default(tmp_path):
    connector = ConnectorSpec("In", "file", {}, "p")
    assert FileSubscriber(SourceSpec(connector, ""), Guard()).where == "In.jsonl"


# --- sinks ---


@pytest.fixture
def publisher(tmp_path):
    spec = ConnectorSpec("Out", "file", {"path": "out.jsonl"}, "p")
    made = FilePublisher(spec, Guard(workdir=tmp_path))
    made.connect()
    yield made
    made.disconnect()


def pending(*payloads):
    return [Pending("", payload, "S") for payload in payloads]


def test_events_are_appended_as_lines(publisher, tmp_path):
    (tmp_path / "out.jsonl").write_bytes(b"0\n")
    assert publisher.publish(pending(b"1", b"2")) == ()
    publisher.publish(pending(b"3"))
    assert (tmp_path / "out.jsonl").read_bytes() == b"0\n1\n2\n3\n"


def test_a_file_that_was_moved_away_is_made_again(publisher, tmp_path):
    publisher.publish(pending(b"1"))
    (tmp_path / "out.jsonl").rename(tmp_path / "old")
    publisher.publish(pending(b"2"))
    assert (tmp_path / "old").read_bytes() == b"1\n"
    assert (tmp_path / "out.jsonl").read_bytes() == b"2\n"


def test_a_full_disk_leaves_no_half_lines(publisher, tmp_path, monkeypatch):
    publisher.publish(pending(b"1"))
    write = os.write

    def full(descriptor, data):
        if len(data) > 4:
            return write(descriptor, bytes(data[:4]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LinkLostError, match="No space left"):
        publisher.publish(pending(b"22222222"))
    monkeypatch.undo()
    publisher.publish(pending(b"3"))
    assert (tmp_path / "out.jsonl").read_bytes() == b"1\n3\n"


def test_a_sink_delivers_and_counts(tmp_path):
    spec = ConnectorSpec("Out", "file", {"path": "out.jsonl"}, "p")
    sink = file_sink(spec, DeadLetters(), Guard(workdir=tmp_path))
    sink.open()
    sink.send("", [b"%d" % n for n in range(3000)], stream="S")
    sink.close(20)
    assert len((tmp_path / "out.jsonl").read_bytes().split()) == 3000
    assert sink.status()["sent"] == 3000


def test_a_folder_is_no_file_to_write_to(tmp_path):
    (tmp_path / "out.jsonl").mkdir()
    spec = ConnectorSpec("Out", "file", {"path": "out.jsonl"}, "p")
    letters = DeadLetters()
    sink = file_sink(spec, letters, Guard(workdir=tmp_path))
    sink.open()
    sink.send("", [b"1"], stream="S")
    sink.close(0.2)
    assert letters.count == 1
    assert "out.jsonl" in str(sink.status()["error"])
