"""Clocks, timers and the idle timer sentence by sentence (vpl.md 11, 12 and 13)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import Event, InvalidProgramError, Pipeline, compile_program
from engine.encoding import to_plain
from tests.unit.engine.programs import tight

S = 1_000_000_000
NOON = 1_772_366_400 * S
CONTEXT = "context side\n"


class Wall:
    """A clock of the machine that stands still until it is moved."""

    def __init__(self) -> None:
        self.passed = 0

    def now_ns(self) -> int:
        """Return the present instant, in ns."""
        return NOON + self.passed

    def monotonic_ns(self) -> int:
        """Return the time that has passed, in ns."""
        return 7 * S + self.passed


Timed = Callable[..., tuple[Pipeline, Callable[[float], list[Any]]]]


@pytest.fixture
def made() -> Iterator[list[Pipeline]]:
    pipelines: list[Pipeline] = []
    yield pipelines
    for pipeline in pipelines:
        pipeline.close()


@pytest.fixture
def timed(made: list[Pipeline]) -> Timed:
    """Return a maker of pipelines on a server: `wait(s)` lets time pass and looks."""

    def make(source: str) -> tuple[Pipeline, Callable[[float], list[Any]]]:
        wall = Wall()
        pipeline = compile_program(source, clock=wall)
        made.append(pipeline)
        idle = pipeline.run_clock(wall.monotonic_ns, in_thread=False)
        got: list[Any] = []
        pipeline.on_outputs = got.extend
        idle.look()

        def wait(seconds: float) -> list[Any]:
            idle.look()  # as it does all the time: it has seen what came
            wall.passed += round(seconds * S)
            before = len(got)
            idle.look()
            return [plain(output) for output in got[before:]]

        return pipeline, wait

    return make


def plain(output: Any) -> Any:
    """Return an output as it leaves the pipeline."""
    return to_plain(output)


def give(pipeline: Pipeline, event_type: str, at: float, **fields: Any) -> list[Any]:
    """Inject an event dated in seconds and return its outputs."""
    return pipeline.inject(Event(event_type, fields, round(at * S))).outputs


def late_events(pipeline: Pipeline, stream: str = "S") -> int:
    return pipeline.metrics().streams[stream].counts.get("late_events", 0)


# --- watermarks ---------------------------------------------------------------------


def test_the_clock_of_several_sources_is_the_least_that_has_sent() -> None:
    source = (
        "stream S = merge(A, B) .watermark(out_of_order: 1s) .allowed_lateness(0s)"
        " .emit(v)"
    )
    pipeline = compile_program(source)
    give(pipeline, "A", 100, v=1)
    assert give(pipeline, "A", 90, v=2) == []  # only A has sent something: 99 s
    assert give(pipeline, "B", 50, v=3) == []  # the clock never runs back
    give(pipeline, "A", 200, v=4)
    assert len(give(pipeline, "B", 99, v=5)) == 1  # still 99 s: the least of both
    assert len(give(pipeline, "A", 150, v=6)) == 1
    give(pipeline, "B", 180, v=7)
    assert give(pipeline, "A", 150, v=8) == []
    assert late_events(pipeline) == 3


def test_an_event_exactly_as_late_as_allowed_is_taken() -> None:
    source = "stream S = A .watermark(out_of_order: 2s) .allowed_lateness(3s) .emit(v)"
    pipeline = compile_program(source)
    give(pipeline, "A", 20, v=1)
    assert len(give(pipeline, "A", 15, v=2)) == 1
    assert give(pipeline, "A", 14.9, v=3) == []
    assert late_events(pipeline) == 1


def test_late_events_are_late_for_one_stream_only() -> None:
    source = (
        "stream S = A .watermark(out_of_order: 0s) .allowed_lateness(0s) .emit(v)\n"
        "stream T = A .emit(v)"
    )
    pipeline = compile_program(source)
    give(pipeline, "A", 20, v=1)
    assert [o["event_type"] for o in give(pipeline, "A", 10, v=2)] == ["T"]


def test_clocks_survive_a_restore() -> None:
    source = "stream S = merge(A, B) .watermark(out_of_order: 0s) .allowed_lateness(0s) .emit(v)"
    before, after = compile_program(source), compile_program(source)
    give(before, "A", 100, v=1)
    give(before, "B", 90, v=1)
    after.restore(before.checkpoint())
    assert give(after, "A", 89, v=2) == []
    assert len(give(after, "B", 110, v=3)) == 1
    assert give(after, "A", 99, v=4) == []


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(InvalidProgramError, match="line 1"):
        compile_program("stream S = A .watermark(out_of_order: -1s) .emit(v)")
    with pytest.raises(InvalidProgramError, match="line 1"):
        compile_program("stream T = timer(0s) .emit(tick)")


# --- timers in event time -----------------------------------------------------------


def test_ticks_follow_the_time_of_all_events_in_order() -> None:
    source = (
        "stream Slow = timer(4s) .emit(n: tick, at: epoch_ms(timestamp))\n"
        "stream Fast = timer(2s, initial_delay: 0s) .emit(n: tick)\n"
        "stream After = Slow .emit(m: n)"
    )
    pipeline = compile_program(source)
    assert [o["event_type"] for o in give(pipeline, "Unknown", 10)] == ["Fast"]
    got = give(pipeline, "Unknown", 14)
    assert [o["event_type"] for o in got] == ["Fast", "Slow", "After", "Fast"]
    assert got[1] == {"event_type": "Slow", "n": 0, "at": 14_000}
    assert give(pipeline, "Unknown", 12) == []
    assert give(pipeline, "Unknown", 14) == []


def test_ticks_stand_in_the_reply_of_a_batch_before_their_event() -> None:
    source = "stream T = timer(10s) .emit(n: tick)\nstream S = A .emit(v)"
    pipeline = compile_program(source)
    payload = b"\n".join(
        b'{"event_type":"A","timestamp":%d,"v":%d}' % (at * 1000, at)
        for at in (0, 9, 10, 25)
    )
    got = pipeline.inject_batch(payload, form="ndjson").outputs
    assert [o.get("v", "tick") for o in got] == [0, 9, "tick", 10, "tick", 25]


def test_a_timer_event_may_be_injected_and_consumed_by_its_type() -> None:
    source = "stream T = timer(10s) .emit(n: tick)\nstream S = Timer_T .emit(m: tick)"
    pipeline = compile_program(source)
    got = give(pipeline, "Timer_T", 3, tick=77)
    assert got == [{"event_type": "T", "n": 77}, {"event_type": "S", "m": 77}]


def test_flush_lets_no_timer_tick() -> None:
    pipeline = compile_program("stream T = timer(1s) .emit(n: tick)")
    give(pipeline, "A", 5)
    assert pipeline.flush().outputs == []


def test_ticks_beyond_the_bound_are_left_out_and_counted() -> None:
    limits = tight(ticks_per_event=3)
    pipeline = compile_program("stream T = timer(1s) .emit(n: tick)", limits=limits)
    give(pipeline, "A", 0)
    assert [o["n"] for o in give(pipeline, "A", 1000)] == [997, 998, 999]
    assert pipeline.metrics().streams["T"].state_dropped == {"ticks": 997}


def test_ticks_of_one_event_are_bounded_like_its_outputs() -> None:
    limits = tight(outputs_per_event=4)
    pipeline = compile_program("stream T = timer(1s) .emit(n: tick)", limits=limits)
    give(pipeline, "A", 0)
    reply = pipeline.inject(Event("A", {}, 10 * S))
    assert [o["n"] for o in reply.outputs] == [0, 1, 2, 3]
    assert [error["code"] for error in reply.errors] == ["R003"]


def test_a_timer_goes_on_after_a_restore() -> None:
    source = "stream T = timer(10s) .emit(n: tick)"
    before, after = compile_program(source), compile_program(source)
    give(before, "A", 0)
    give(before, "A", 14)
    give(after, "A", 500)
    after.restore(before.checkpoint())
    assert [o["n"] for o in give(after, "A", 20)] == [1]


def test_timers_tick_in_contexts(made: list[Pipeline]) -> None:
    source = CONTEXT + (
        "stream T = timer(10s) .context(side) .emit(n: tick)\n"
        "stream S = A .emit(v)\nstream C = T .emit(m: n)"
    )
    pipeline = compile_program(source)
    made.append(pipeline)
    give(pipeline, "A", 0, v=1)
    got = give(pipeline, "A", 10, v=2)
    assert [o["event_type"] for o in got] == ["T", "C", "S"]


# --- time that runs on ---------------------------------------------------------------

WINDOW = "stream S = A .window(10s) .aggregate(n: count()) .emit(n)\n"
QUEUED = WINDOW + "stream C = S .emit(m: n)\n"


def test_a_window_closes_by_the_idle_timer(timed: Timed) -> None:
    pipeline, wait = timed(WINDOW)
    give(pipeline, "A", 100)
    give(pipeline, "A", 103)
    assert wait(7.4) == []  # the clock shows 103 s + 7.4 s - 0.5 s grace
    assert wait(0.1) == [{"event_type": "S", "n": 2}]
    assert wait(100) == []
    assert give(pipeline, "A", 104) == []
    assert wait(11) == [{"event_type": "S", "n": 1}]


def test_what_the_idle_timer_causes_flows_on(timed: Timed) -> None:
    pipeline, wait = timed(QUEUED)
    give(pipeline, "A", 100)
    assert [o["event_type"] for o in wait(10.5)] == ["S", "C"]


def test_the_idle_timer_reaches_streams_in_contexts(timed: Timed) -> None:
    source = CONTEXT + QUEUED.replace(".window", ".context(side) .window")
    pipeline, wait = timed(source)
    give(pipeline, "A", 100)
    assert [o["event_type"] for o in wait(10.5)] == ["S", "C"]


def test_a_stream_is_idle_while_others_are_not(timed: Timed) -> None:
    pipeline, wait = timed(WINDOW + "stream T = B .window(1h) .aggregate(n: count())")
    give(pipeline, "A", 100)
    for _ in range(10):
        assert wait(1) == []
        give(pipeline, "B", 100)
    assert wait(1) == [{"event_type": "S", "n": 1}]


def test_outputs_of_time_stay_out_of_replies(timed: Timed) -> None:
    pipeline, wait = timed(WINDOW)
    give(pipeline, "A", 100)
    assert wait(20) == [{"event_type": "S", "n": 1}]
    assert give(pipeline, "A", 200) == []


def test_a_window_under_a_watermark_closes_once(timed: Timed) -> None:
    source = WINDOW.replace(".window", ".watermark(out_of_order: 2s) .window")
    pipeline, wait = timed(source)
    give(pipeline, "A", 100)
    assert wait(12) == []
    assert wait(0.5) == [{"event_type": "S", "n": 1}]
    assert give(pipeline, "A", 105) == []
    assert late_events(pipeline) == 1
    assert wait(100) == []


def test_an_absence_is_noticed_by_the_idle_timer(timed: Timed) -> None:
    source = (
        "stream S = Order as o .not(Payment where id == o.id) .within(10s)"
        " .emit(id: o.id)"
    )
    pipeline, wait = timed(source)
    give(pipeline, "Order", 100, id=1)
    assert wait(10.5) == []  # the deadline is inclusive
    assert wait(0.01) == [{"event_type": "S", "id": 1}]


def test_without_run_clock_time_moves_with_events_only(made: list[Pipeline]) -> None:
    wall = Wall()
    pipeline = compile_program(WINDOW, clock=wall)
    made.append(pipeline)
    pipeline.inject(Event("A", {}))
    wall.passed += 1000 * S
    assert pipeline.inject(Event("B", {})).outputs == []


def test_a_timer_on_a_server_follows_the_wall(timed: Timed) -> None:
    pipeline, wait = timed("stream T = timer(10s) .emit(n: tick, t: timestamp)")
    assert give(pipeline, "A", 5) == give(pipeline, "A", 500) == []
    assert wait(9.9) == []
    assert wait(0.2) == [{"event_type": "T", "n": 0, "t": "2026-03-01T12:00:10Z"}]


def test_missed_ticks_are_skipped_and_counted(timed: Timed) -> None:
    pipeline, wait = timed("stream T = timer(10s, initial_delay: 1s) .emit(n: tick)")
    assert [o["n"] for o in wait(35)] == [3]
    assert pipeline.metrics().streams["T"].state_dropped == {"ticks": 3}
    assert [o["n"] for o in wait(6)] == [4]


def test_a_reload_keeps_windows_and_ticks_going(timed: Timed) -> None:
    source = WINDOW + "stream T = timer(60s) .emit(n: tick)\n"
    pipeline, wait = timed(source)
    give(pipeline, "A", 100)
    assert wait(5) == []
    pipeline.reload(source + "stream More = B .emit(v)\n")
    assert [o["event_type"] for o in wait(10.5)] == ["S"]
    assert [o["event_type"] for o in wait(44.5)] == ["T"]


def test_the_thread_of_the_clock_ends_with_the_pipeline(made: list[Pipeline]) -> None:
    pipeline = compile_program(WINDOW)
    made.append(pipeline)
    idle = pipeline.run_clock()
    assert idle.is_running
    pipeline.close()
    assert not idle.is_running


def test_programs_without_time_have_no_thread(made: list[Pipeline]) -> None:
    pipeline = compile_program("stream S = A .emit(v)")
    made.append(pipeline)
    assert not pipeline.run_clock().is_running


# --- flush ---------------------------------------------------------------------------


@pytest.mark.parametrize("context", ["", ".context(side)"])
def test_flush_goes_stream_by_stream_and_on(made: list[Pipeline], context: str) -> None:
    source = CONTEXT + (
        f"stream Low = High {context} .window(5s) .aggregate(t: sum(n)) .emit(t)\n"
        "stream First = A .window(60s) .aggregate(n: count()) .emit(n)\n"
        "stream High = A .window(10s) .aggregate(n: count()) .emit(n)\n"
    )
    pipeline = compile_program(source)
    made.append(pipeline)
    give(pipeline, "A", 0)
    give(pipeline, "A", 1)
    got = pipeline.flush().outputs
    assert [(o["event_type"], o.get("n", o.get("t"))) for o in got] == [
        ("First", 2),
        ("High", 2),
        ("Low", 2.0),
    ]
    assert pipeline.flush().outputs == []


def test_a_session_closes_by_the_idle_timer(timed: Timed) -> None:
    source = "stream S = A .window(session: 5s) .aggregate(n: count()) .emit(n)"
    pipeline, wait = timed(source)
    give(pipeline, "A", 100)
    assert wait(5.5) == []  # exactly the gap is still inside
    assert wait(0.01) == [{"event_type": "S", "n": 1}]
