"""Sending files of events: order, pace, repeats and what is told of it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.management.coordinator_calls import CallError
from cluster.management.event_receivers import Outcome
from cluster.management.file_batches import EventsOfFile, FileBatch
from cluster.management.file_sending import Clock, FileSender, Pace, Sent
from cluster.management.sending_progress import LINE_EVERY_S, SendingProgress


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, self.sleep)


class Script:
    """A receiver that answers what a test says, and takes everything after that."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.bodies: list[bytes] = []
        self._outcomes = list(outcomes)

    def send(self, body: bytes, count: int) -> Outcome:
        assert body.count(b"\n") == count - 1
        self.bodies.append(body)
        return self._outcomes.pop(0) if self._outcomes else Outcome(accepted=count)

    def close(self) -> None:
        """Do nothing."""


def batch(*lines: bytes, first: int = 1) -> FileBatch:
    return FileBatch(lines, range(first, first + len(lines)))


def sender(receiver: Script, time: Time, **pace: float) -> FileSender:
    return FileSender(receiver, Sent(), pace=Pace(**pace), clock=time.clock())


def test_batches_go_out_in_order_and_are_counted() -> None:
    receiver, seen = Script(Outcome(accepted=2, output_count=1)), []
    sending = sender(receiver, Time())
    batches = [batch(b"a", b"b"), batch(b"c", first=3)]
    sending.send_all(batches, lambda sent: seen.append(sent.accepted))
    assert receiver.bodies == [b"a\nb", b"c"]
    assert (seen, sending.sent.output_count, sending.sent.last_place) == ([2, 3], 1, 3)


def test_a_full_receiver_gets_the_same_events_after_the_time_it_asks_for() -> None:
    full = Outcome(again=[0, 1], wait_s=3.0)
    receiver, time = Script(full, full), Time()
    sending = sender(receiver, time)
    sending.send_all([batch(b"a", b"b"), batch(b"c")], lambda _: None)
    assert receiver.bodies == [b"a\nb", b"a\nb", b"a\nb", b"c"]
    assert (time.slept, sending.sent.waits, sending.sent.accepted) == ([3.0, 3.0], 2, 3)


def test_only_what_found_no_room_is_sent_again_before_anything_later() -> None:
    receiver = Script(Outcome(accepted=1, failed=1, again=[1, 3], wait_s=1.0))
    sending = sender(receiver, Time())
    sending.send_all([batch(b"a", b"b", b"c", b"d"), batch(b"e")], lambda _: None)
    assert receiver.bodies == [b"a\nb\nc\nd", b"b\nd", b"e"]
    assert (sending.sent.accepted, sending.sent.failed) == (4, 1)


def test_faults_of_repeated_events_name_their_own_places() -> None:
    receiver = Script(
        Outcome(accepted=1, again=[1, 2]), Outcome(1, 1, faults=[(1, "bad")])
    )
    sending = sender(receiver, Time())
    sending.send_all([batch(b"a", b"b", b"c", first=10)], lambda _: None)
    assert sending.sent.faults == [("12", "bad")]


def test_a_receiver_that_takes_nothing_is_given_up() -> None:
    receiver = Script(*[Outcome(again=[0], wait_s=20.0)] * 9)
    time = Time()
    with pytest.raises(CallError, match="nothing was taken for 60 s"):
        sender(receiver, time, patience_s=60.0).send_all([batch(b"a")], lambda _: None)
    assert len(time.slept) == 3


def test_patience_begins_anew_whenever_something_is_taken() -> None:
    some = Outcome(accepted=1, again=[1], wait_s=50.0)
    receiver = Script(some, Outcome(again=[0], wait_s=50.0))
    sending = sender(receiver, Time(), patience_s=100.0)
    sending.send_all([batch(b"a", b"b")], lambda _: None)
    assert sending.sent.accepted == 2


def test_the_rate_is_kept_over_all_batches() -> None:
    time = Time()
    batches = [batch(*[b"x"] * 10) for _ in range(5)]
    sender(Script(), time, rate=100.0).send_all(batches, lambda _: None)
    assert time.now_s == pytest.approx(0.5)


def lines_of(path: Path, most: int = 1000) -> list[list[bytes]]:
    bad: list[str] = []
    events = EventsOfFile(str(path), None, lambda place, why: bad.append(place + why))
    found = [list(found.lines) for found in events.batches(most)]
    events.close()
    assert not bad
    return found


def test_batches_are_bounded_in_events_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    line = json.dumps({"event_type": "X", "t": "x" * 500_000}).encode()
    path.write_bytes((line + b"\n") * 20 + b'{"event_type": "Y"}\n' * 5)
    sizes = [len(found) for found in lines_of(path, 10)]
    assert sizes == [8, 8, 9]
    assert [len(found) for found in lines_of(path, 3)] == [3] * 8 + [1]


def test_events_that_nobody_takes_are_left_out_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"event_type": "X"}, {"t": "x" * 2**20}]))
    sent = Sent()
    events = EventsOfFile(str(path), None, sent.fault)
    assert [list(found.places) for found in events.batches(9)] == [[1]]
    events.close()
    assert sent.faults == [("event 2", "longer than 1 MiB")]


def test_a_summary_lists_the_first_faults_and_counts_all() -> None:
    sent = Sent(accepted=5)
    for at in range(150):
        sent.fault(str(at), "bad")
    summary = sent.to_json()
    assert (summary["events_failed"], len(summary["errors"])) == (150, 100)
    assert summary["errors_truncated"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_line_now_and_then_where_nobody_looks() -> None:
    stream, time = io.StringIO(), Time()
    progress = SendingProgress("a.json", 200, stream=stream, now=lambda: time.now_s)
    for position in range(0, 200, 10):
        time.now_s += LINE_EVERY_S / 4
        progress.update(position * 3, position)
    progress.close()
    assert stream.getvalue().splitlines()[0] == "a.json: 90 events, 15 %"
    assert stream.getvalue().count("\n") == 5


def test_progress_of_a_stream_tells_events_only() -> None:
    stream, time = io.StringIO(), Time()
    progress = SendingProgress("<stdin>", 0, stream=stream, now=lambda: time.now_s)
    time.now_s += LINE_EVERY_S
    progress.update(7, 0)
    assert stream.getvalue() == "<stdin>: 7 events\n"


@pytest.mark.parametrize("size", [0, 1000])
def test_progress_is_a_bar_on_a_terminal(size: int) -> None:
    stream: Any = Terminal()
    progress = SendingProgress("[b]a.json", size, stream=stream)
    progress.update(1234, 500)
    progress.close()
    assert "[b]a.json" in stream.getvalue()
    assert "1,234 events" in stream.getvalue()


def test_giving_up_says_why_nothing_was_taken() -> None:
    dead = Outcome(again=[0], wait_s=20.0, reason="no worker is up (503 not_ready)")
    sending = sender(Script(*[dead] * 9), Time(), patience_s=60.0)
    with pytest.raises(CallError, match=r"60 s: no worker is up \(503 not_ready\);"):
        sending.send_all([batch(b"a")], lambda _: None)
    assert sending.sent.unknown == 0


@pytest.mark.parametrize(
    ("error", "unknown"),
    [(KeyboardInterrupt(), 2), (CallError("gone", 3), 2), (CallError("no", 1), 0)],
)
def test_events_on_their_way_are_counted_as_unknown(
    error: BaseException, unknown: int
) -> None:
    class Broken(Script):
        def send(self, body: bytes, count: int) -> Outcome:
            if self.bodies:
                raise error
            return super().send(body, count)

    sending = sender(Broken(), Time())
    with pytest.raises(type(error)):
        sending.send_all([batch(b"a"), batch(b"b", b"c")], lambda _: None)
    assert (sending.sent.accepted, sending.sent.unknown) == (1, unknown)


def test_equal_faults_are_folded_to_their_first_place() -> None:
    sent = Sent(faults=[("1", "bad"), ("2", "worse"), ("3", "bad")])
    assert sent.folded() == [("1", "bad", 2), ("2", "worse", 1)]
