"""Late events and what moves a clock, where other tests leave vpl.md 12 open."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine import Limits, Pipeline, compile_program
from engine.encoding import to_plain
from tests.unit.engine.histories import Happening, feed, flush, history
from tests.unit.engine.programs import tight
from tests.unit.engine.test_time import Wall

ABSENT = "stream S = A as a .not(X).within(5s) .emit(n: a.n)\n"
SPIN = "fn spin():\n    while true: 1\n"


def late_events(pipeline: Pipeline) -> int:
    return pipeline.metrics().streams["S"].counts.get("late_events", 0)


# --- late events ----------------------------------------------------------------------


def test_an_event_too_late_reaches_no_operation_wherever_lateness_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = (
        "stream S = R .print(v) .watermark(out_of_order: 0s) .allowed_lateness(1s)"
        " .emit(v)"
    )
    events = [("R", at, {"v": at}) for at in (0, 12, 10.9, 11)]
    assert history(source, *events) == [{"v": 0}, {"v": 12}, {"v": 11}]
    assert capsys.readouterr().out == "S: 0\nS: 12\nS: 11\n"


def test_an_event_too_late_takes_no_part_in_a_sequence() -> None:
    pipeline = compile_program(
        "stream S = A as a -> B as b .watermark(out_of_order: 1s)"
        " .allowed_lateness(1s) .emit(a: a.n, b: b.n)"
    )
    feed(pipeline, ("B", 20), ("A", 20, {"n": 1}))
    assert feed(pipeline, ("B", 17.9, {"n": 2})) == []
    assert late_events(pipeline) == 1
    assert feed(pipeline, ("B", 18, {"n": 3})) == [{"event_type": "S", "a": 1, "b": 3}]


def test_a_late_event_passes_operations_before_a_window_it_is_left_out_of() -> None:
    source = (
        "stream S = R .watermark(out_of_order: 0s) .emit(v)"
        " .window(10s) .aggregate(all: collect(v))\n"
        "stream T = S .emit(all)"
    )
    pipeline = compile_program(source)
    got = feed(pipeline, *(("R", at, {"v": at}) for at in (0, 12, 3, 25)))
    assert [o["v"] for o in got if o["event_type"] == "S"] == [0, 12, 3, 25]
    assert [o["all"] for o in got if o["event_type"] == "T"] == [[0], [12]]
    assert late_events(pipeline) == 1


def test_count_windows_take_events_however_late() -> None:
    source = (
        "stream S = R .watermark(out_of_order: 0s) .window(2)"
        " .aggregate(all: collect(v)) .emit(all)"
    )
    events = [("R", at, {"v": at}) for at in (7, 3, 16, 1)]
    assert history(source, *events) == [{"all": [7, 3]}, {"all": [16, 1]}]


def test_a_grid_under_a_watermark_goes_on_before_the_first_event() -> None:
    source = (
        "stream S = R .watermark(out_of_order: 5s) .window(10s)"
        " .aggregate(all: collect(v)) .emit(all)"
    )
    events = [("R", at, {"v": at}) for at in (7, 3, 16, 17)]
    assert history(source, *events, ends=True) == [
        *({"all": [3]}, {"all": [7, 16]}, {"all": [17]}),
    ]


# --- what moves the clock -------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "mover"),
    [
        ("R .where(v > 0) .window(10s)", "R"),
        ("merge(stream Q = R .where(v > 0)) .window(10s)", "R"),
        ("merge(R, stream Q = T .where(v > 0)) .window(10s)", "T"),
        ("R .distinct(v) .window(10s)", "R"),
    ],
)
def test_an_event_that_goes_no_further_moves_the_clock_too(
    source: str, mover: str
) -> None:
    source = f"stream S = {source} .aggregate(n: count()) .emit(n)"
    pipeline = compile_program(source)
    assert feed(pipeline, ("R", 0, {"v": 1}), ("R", 1, {"v": 2})) == []
    value = 1 if "distinct" in source else 0
    assert feed(pipeline, (mover, 10, {"v": value})) == [{"event_type": "S", "n": 2}]


@pytest.mark.parametrize("mover", ["A", "B", "X"])
def test_an_event_that_fits_no_step_moves_the_clock_too(mover: str) -> None:
    source = (
        "stream S = A where v > 0 as a -> B where v > 0 .not(X where v > 0)"
        " .within(10s) .emit(n: a.v)"
    )
    start: tuple[Happening, ...] = (("A", 0, {"v": 1}), ("B", 1, {"v": 1}))
    assert history(source, *start, (mover, 10, {"v": 0})) == []
    assert history(source, *start, (mover, 10.001, {"v": 0})) == [{"n": 1}]


# --- time that runs on ----------------------------------------------------------------


class Server:
    """A pipeline whose time runs on; `wait` lets wall time pass in steps of 100 ms."""

    def __init__(
        self, source: str, limits: Limits | None = None, document: Any = None
    ) -> None:
        self.wall = Wall()
        self.pipeline = compile_program(source, clock=self.wall, limits=limits)
        if document is not None:
            self.pipeline.restore(document)
        self.got: list[Any] = []
        self.pipeline.on_outputs = self.got.extend
        idle = self.pipeline.run_clock(self.wall.monotonic_ns, in_thread=False)
        self._look: Callable[[], int] = idle.look
        self._look()

    def wait(self, seconds: float) -> list[Any]:
        """Let time pass and return the outputs this causes, without their type."""
        self._look()
        self.got.clear()
        for _ in range(round(seconds * 10)):
            self.wall.passed += 100_000_000
            self._look()
        plain = [to_plain(output) for output in self.got]
        return [{k: v for k, v in out.items() if k != "event_type"} for out in plain]


def test_a_run_whose_time_is_over_while_nothing_comes_is_over() -> None:
    server = Server("stream S = A -> B .within(5s) .emit(n: 1)")
    feed(server.pipeline, ("A", 0))
    assert server.wait(6) == []
    assert server.pipeline.metrics().streams["S"].counts["runs_expired"] == 1
    assert feed(server.pipeline, ("B", 3)) == []


def test_counts_and_sliding_windows_do_not_pass_while_nothing_comes() -> None:
    for window in ("3", "10s, sliding: 1s"):
        server = Server(f"stream S = R .window({window}) .aggregate(n: count())")
        feed(server.pipeline, ("R", 0), ("R", 0))
        assert server.wait(30) == []


def test_what_passes_by_time_opens_the_windows_of_consumers_anew() -> None:
    server = Server(
        "stream S = R .window(10s) .aggregate(n: count())\n"
        "stream T = S .window(20s) .aggregate(m: sum(n)) .emit(m)"
    )
    feed(server.pipeline, ("R", 0), ("R", 1))
    assert server.wait(30) == []  # S passed after 9.5 s, T has 20.5 s from there
    assert server.wait(1) == [{"m": 2.0}]


def test_a_restored_absence_is_noticed_while_nothing_comes() -> None:
    before = compile_program(ABSENT)
    feed(before, ("A", 100, {"n": 1}))
    document = json.loads(json.dumps(before.checkpoint()))
    assert Server(ABSENT, document=document).wait(6) == [{"n": 1}]


def test_what_time_causes_has_a_budget_and_a_bound_too() -> None:
    source = SPIN + ABSENT.replace("n: a.n", "n: spin()").replace("S =", "Slow =")
    server = Server(source + ABSENT, tight(cpu_s_per_event=0.02))
    feed(server.pipeline, ("A", 0, {"n": 1}))
    assert server.wait(6) == [{"n": 1}]
    assert server.pipeline.metrics().streams["Slow"].stopped == {"R001": 1}
    bounded = Server(ABSENT, tight(outputs_per_event=2))
    feed(bounded.pipeline, *(("A", 0, {"n": n}) for n in range(4)))
    assert bounded.wait(6) == [{"n": 0}, {"n": 1}]
    assert bounded.pipeline.metrics().stopped == {"R003": 1}


def test_flush_ends_absences_by_deadline_in_each_stream() -> None:
    source = ABSENT + "stream T = B as b .not(X).within(1s) .emit(m: b.n)"
    events = ("A", 3, {"n": 1}), ("A", 1, {"n": 2}), ("B", 0, {"n": 9})
    assert history(source, *events, ends=True) == [{"n": 2}, {"n": 1}, {"m": 9}]


@pytest.mark.parametrize("length", ["106751d", "90000d"])
@pytest.mark.parametrize(
    "source",
    [
        "stream S = A as a .not(X).within({d}) .emit(n: a.n)",
        "pattern P = A as a AND NOT X within {d}\nstream S = P .emit(n: a.n)",
        "stream S = Z -> A as a .within(1s) .not(X).within({d}) .emit(n: a.n)",
        "stream S = A as a .not(X where k == a.k).within({d}) .partition_by(k) .emit(n: a.n)",
        "context c\nstream S = A as a .context(c) .not(X).within({d}) .emit(n: a.n)",
    ],
)
def test_absences_beyond_the_end_of_time_match_when_it_comes(
    source: str, length: str
) -> None:
    at = 56 * 365 * 86_400  # some time in 2026: the deadline is after 2262
    source = source.replace("{d}", length)
    events: list[Happening] = [("Z", at), ("A", at, {"n": 1}), ("A", at + 1, {"n": 2})]
    found = {"n": 1}, {"n": 2}
    expected = found[:1] if "Z ->" in source else found
    before, after = compile_program(source), compile_program(source)
    try:
        feed(before, *events)
        after.restore(json.loads(json.dumps(before.checkpoint())))
        for pipeline in (before, after):
            got = [{"n": output["n"]} for output in flush(pipeline)]
            assert got == list(expected)
            assert flush(pipeline) == []
    finally:
        before.close()
        after.close()


def test_absences_end_in_order_at_the_end_of_time() -> None:
    near, far = "within(5s)", "within(106751d)"
    source = f"stream S = A as a .not(X).{far} .emit(n: a.n)\nstream T = A as a .not(X).{near} .emit(n: a.n)"
    pipeline = compile_program(source)
    late = 200 * 365 * 86_400
    feed(pipeline, ("A", late, {"n": 1}), ("A", 0, {"n": 2}), ("A", late, {"n": 3}))
    got = [(o["event_type"], o["n"]) for o in flush(pipeline)]
    assert [pair for pair in got if pair[0] == "S"] == [("S", 2), ("S", 1), ("S", 3)]


def test_a_negation_ends_what_waits_beyond_the_end_of_time() -> None:
    source = "stream S = A as a .not(X where k == a.k).within(106751d) .emit(k: a.k)"
    pipeline = compile_program(source)
    feed(
        pipeline, ("A", 10**9, {"k": 1}), ("A", 10**9, {"k": 2}), ("X", 10**9, {"k": 1})
    )
    assert flush(pipeline) == [{"event_type": "S", "k": 2}]


def test_a_hop_without_bound_outlives_the_end_of_time() -> None:
    source = "stream S = A -> all B as b .within(106751d) -> C .emit(n: len(b))"
    pipeline = compile_program(source)
    feed(pipeline, ("A", 10**9), ("B", 10**9 + 1), ("B", 10**9 + 2))
    assert flush(pipeline) == []
    assert feed(pipeline, ("C", 10**9 + 3)) == [{"event_type": "S", "n": 2}]
