"""The thread that feeds a sink: order, tries, dead letters."""

import json
import threading

import pytest

from engine.connectors import pump as pump_module
from engine.connectors.backoff import Backoff
from engine.connectors.base import ConnectorSpec
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.pump import SendFailedError, SinkPump

SPEC = ConnectorSpec("Out", "http", {}, "p")


class FarSide:
    """Fails as often as told, then takes everything."""

    def __init__(self, *failures):
        self.taken = []
        self.tries = 0
        self.done = threading.Event()
        self._failures = list(failures)

    def write(self, batch):
        self.tries += 1
        if self._failures:
            failure = self._failures.pop(0)
            self.taken += [p.payload for p in batch[: failure.done]]
            raise failure
        self.taken += [pending.payload for pending in batch]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(pump_module, "Backoff", lambda: Backoff(lambda: -1.0))


def run(far_side, events, letters=None):
    pump = SinkPump(SPEC, letters or DeadLetters(), far_side.write)
    pump.send("t", events, "S")
    pump.open()
    pump.close(10)
    return pump


def test_events_arrive_in_order():
    far_side = FarSide()
    events = [b"%d" % n for n in range(1200)]
    pump = run(far_side, events)
    assert far_side.taken == events
    assert pump.status()["sent"] == 1200
    assert pump.connected


def test_a_failed_send_is_tried_again_from_where_it_stood():
    far_side = FarSide(SendFailedError("gone", done=1), SendFailedError("gone"))
    pump = run(far_side, [b"1", b"2", b"3"])
    assert far_side.taken == [b"1", b"2", b"3"]
    assert (pump.status()["sent"], pump.status()["retries"]) == (3, 2)


def test_the_fifth_failure_makes_dead_letters(tmp_path):
    letters = DeadLetters(tmp_path)
    far_side = FarSide(*[SendFailedError("gone", failed=1)] * 5)
    pump = run(far_side, [b"1", b"2"], letters)
    assert far_side.taken == [b"2"]
    line = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert (line["event"], line["attempts"], line["reason"]) == (1, 5, "gone")
    assert (line["stream"], line["connector"]) == ("S", "Out")
    assert pump.status()["dead_letters"] == 1


def test_what_cannot_succeed_is_not_tried_again():
    letters = DeadLetters()
    far_side = FarSide(SendFailedError("404", failed=1, is_final=True))
    pump = run(far_side, [b"1", b"2"], letters)
    assert far_side.taken == [b"2"]
    assert (letters.count, far_side.tries) == (1, 2)
    assert pump.status()["retries"] == 0


def test_a_far_side_that_refuses_an_event_counts_as_reachable():
    far_side = FarSide(SendFailedError("404", is_final=True))
    pump = run(far_side, [b"1"])
    assert pump.connected
    assert pump.status()["error"] == "404"


def test_events_left_at_close_are_dead():
    letters = DeadLetters()
    pump = SinkPump(SPEC, letters, FarSide().write)
    pump.send("t", [b"1", b"2"], "S")
    pump.close(0)
    assert letters.count == 2


def test_an_internal_error_is_told(caplog):
    def broken(_batch):
        raise ZeroDivisionError

    pump = SinkPump(SPEC, DeadLetters(), broken)
    pump.send("t", [b"1"], "S")
    pump.open()
    pump.close(10)
    assert not pump.connected
    assert "has stopped working" in caplog.text


def test_the_connection_is_released_in_the_end():
    released = threading.Event()
    pump = SinkPump(SPEC, DeadLetters(), FarSide().write, release=released.set)
    pump.open()
    pump.close(10)
    assert released.is_set()
