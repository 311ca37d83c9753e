"""The process that runs its share of a simulation, without the process."""

import io
import json
import sys

import pytest

from engine.management.share import serve
from engine.runtime.values import Duration, Timestamp
from engine.simulation.frames import (
    Dated,
    Job,
    Setup,
    decode_answer,
    read_frame,
    write_frame,
)


def answers(program, *jobs, wants_outputs=True):
    """Return the answers to jobs."""
    inward, outward, before = io.BytesIO(), io.BytesIO(), sys.stdout
    write_frame(inward, Setup("a.vpl", program, wants_outputs))
    for job in jobs:
        write_frame(inward, job)
    inward.seek(0)
    try:
        serve(inward, outward)
    finally:
        sys.stdout = before
    outward.seek(0)
    found = []
    while (frame := read_frame(outward)) is not None:
        found.append(decode_answer(frame))
    return found


def line(**fields):
    return json.dumps({"event_type": "X", "timestamp": 1000, **fields}).encode()


PROGRAM = "stream S = X .print(v) .where(v > 1) .emit(v: v)"


def test_results_have_the_places_of_their_events():
    job = Job([3, 7, 9], [line(v=1), line(v=2), b"{oops"])
    (answer,) = answers(PROGRAM, job)
    assert (answer.events, answer.outputs) == (2, 1)
    assert [result.at for result in answer.results] == [3, 7, 9]
    assert [result.outputs for result in answer.results] == [
        b"",
        b'{"event_type":"S","v":2}\n',
        b"",
    ]
    assert [result.printed for result in answer.results] == ["S: 1\n", "S: 2\n", ""]
    assert "no valid JSON" in answer.results[2].rejected


def test_events_with_nothing_to_say_are_left_out():
    program = "stream S = X .where(v > 1) .emit(v: v)"
    (answer,) = answers(program, Job([0, 1], [line(v=1), line(v=2)]))
    assert [result.at for result in answer.results] == [1]


def test_outputs_may_be_counted_only():
    (answer,) = answers(PROGRAM, Job([0], [line(v=2)]), wants_outputs=False)
    assert (answer.outputs, answer.results[0].outputs) == (1, b"")


def test_durations_and_instants_come_over():
    program = "stream S = X .emit(d: type_of(d), t: t, at: now())"
    fields = {"d": Duration(5), "t": Timestamp(0), "deep": [Timestamp(1)]}
    job = Job([0], [Dated("X", fields, 2_000_000_000)])
    (answer,) = answers(program, job)
    assert json.loads(answer.results[0].outputs) == {
        "event_type": "S",
        "d": "duration",
        "t": "1970-01-01T00:00:00Z",
        "at": "1970-01-01T00:00:02Z",
    }


def test_errors_at_run_time_come_over():
    program = "fn f(n):\n    f(n + 1)\nstream S = X .emit(v: f(1))"
    (answer,) = answers(program, Job([0], [line()]))
    assert answer.results[0].faults[0]["code"] == "R002"


def test_counters_are_told_when_asked():
    _, answer = answers(PROGRAM, Job([0, 1], [line(v=1), line(v=2)]), Job([], []))
    assert answer.streams["S"].events_in == 2


@pytest.mark.parametrize("cut", [0, 3, 6])
def test_a_stream_that_breaks_off_is_at_its_end(cut):
    stream = io.BytesIO()
    write_frame(stream, Job([1], [b"x"]))
    assert read_frame(io.BytesIO(stream.getvalue()[:cut])) is None
