"""Forecasts sentence by sentence (vpl.md section 20)."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import InvalidProgramError, Limits, LoadError, compile_program
from engine.runtime import forecasts
from engine.runtime.state import FOREVER
from tests.unit.engine.histories import Fields, Happening, feed, flush, history
from vpl import check

compile_program("stream S = A")  # sets the recursion limit before hypothesis looks
THREE = (
    "stream S = A as a -> B where k == a.k as b -> C where k == a.k as c .within(9s)"
)
QUEUED = "\nstream Next = S .where(false) .emit(x: 1)"
ALWAYS = ".forecast(warmup: 0, confidence: 0)"


def tries(*kinds: str, since: int = 0) -> list[Happening]:
    """Return a run for each kind: the event types it takes, a second apart."""
    return [
        (event_type, 100 * (since + number) + at, {"k": since + number, "v": at})
        for number, kind in enumerate(kinds)
        for at, event_type in enumerate(kind)
    ]


def told(program: str, *events: Happening) -> list[Fields]:
    """Return what a program gives; both forms and a restored one agree on it."""
    found = history(program, *events)
    assert history(program + QUEUED, *events) == found
    half = len(events) // 2
    first, second = compile_program(program), compile_program(program)
    halves = feed(first, *events[:half])
    second.restore(json.loads(json.dumps(first.checkpoint())))
    halves += feed(second, *events[half:])
    assert [{k: v for k, v in out.items() if k != "event_type"} for out in halves] == (
        found
    )
    return found


def asked(parameters: str = "warmup: 0, confidence: 0", source: str = THREE) -> str:
    return f"{source} .forecast({parameters}) .emit()"


def codes(source: str) -> set[str]:
    return {item.code for item in check(source).diagnostics}


# --- what a prediction holds ----------------------------------------------------------


def test_a_prediction_has_the_fields_of_the_standard() -> None:
    *_, last = told(asked(), *tries("ABC", "ABC", "AB"))
    assert last.keys() == {
        *("stream", "match_duration_ms", "a_k", "a_v", "b_k", "b_v"),
        *("forecast_probability", "forecast_lower", "forecast_upper"),
        *("forecast_confidence", "forecast_time", "forecast_expected_time"),
        *("forecast_state", "forecast_context_depth", "active_runs"),
    }
    assert last["stream"] == "S"
    assert last["match_duration_ms"] == 1000
    assert last["forecast_time"] == 1_000_000_000
    assert last["forecast_expected_time"] == "1970-01-01T00:03:22Z"
    assert last["forecast_state"] == "step_2_of_3"
    assert last["forecast_context_depth"] == 2
    assert last["active_runs"] == 1


def test_aliases_of_steps_not_reached_are_null() -> None:
    source = THREE + ALWAYS + ".emit(a: a.v, b: b.v ?? -1, c: c is null)"
    found = told(source, *tries("ABC"))
    assert found == [{"a": 0, "b": -1, "c": True}, {"a": 0, "b": 1, "c": True}]


def test_matches_are_replaced_by_predictions() -> None:
    states = [out["forecast_state"] for out in told(asked(), *tries("ABC", "ABC"))]
    assert states == ["step_1_of_3", "step_2_of_3"] * 2


def test_operations_before_it_act_on_matches_and_later_ones_on_predictions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = THREE + ".print(c.v)" + ALWAYS + ".where(b is null) .emit(k: a.k)"
    assert history(source, *tries("ABC", "AB")) == [{"k": 0}, {"k": 1}]
    assert capsys.readouterr().out == "S: 2\n"


def test_every_run_that_advances_gives_one_event_of_its_own() -> None:
    source = "stream S = A as a -> B as b -> C .within(9s)" + ALWAYS
    source += ".emit(v: a.v, s: forecast_state, n: active_runs)"
    events = ("A", 0, {"v": 1}), ("A", 1, {"v": 2}), ("B", 2), ("X", 3)
    assert told(source, *events) == [
        {"v": 1, "s": "step_1_of_3", "n": 1},
        {"v": 2, "s": "step_1_of_3", "n": 2},
        {"v": 1, "s": "step_2_of_3", "n": 2},
        {"v": 2, "s": "step_2_of_3", "n": 2},
    ]


def test_predictions_stand_in_for_a_repeated_step_as_it_grows() -> None:
    source = "stream S = A -> all B as b -> C .within(9s)" + ALWAYS
    source += ".emit(n: len(b), s: forecast_state, v: b.v)"
    assert told(source, *tries("ABBC")) == [
        {"s": "step_1_of_3"},
        {"n": 1, "s": "step_2_of_3", "v": 1},
        {"n": 2, "s": "step_2_of_3", "v": 2},
    ]


def test_a_run_that_matched_is_predicted_no_more() -> None:
    source = "stream S = A -> all B .within(9s)" + ALWAYS + ".emit(s: forecast_state)"
    assert told(source, *tries("ABBB")) == [{"s": "step_1_of_2"}]
    source = "stream S = all A" + ALWAYS + ".emit(s: forecast_state)"
    assert told(source, *tries("AAA")) == []


def test_sides_of_a_pattern_count_in_any_order() -> None:
    source = "pattern P = A AND SEQ(B, C) within 9s\nstream S = P" + ALWAYS
    states = told(source + ".emit(s: forecast_state)", *tries("BAC", "ABC"))
    # an event that advances one run starts its own
    reached = [int(out["s"][5]) for out in states]
    assert reached == [1, 2, 1, *(1, 2, 1), 2]
    assert {out["s"][6:] for out in states} == {"_of_3"}


def test_a_waiting_run_is_predicted_until_its_deadline() -> None:
    source = "stream S = A -> B .not(C).within(9s)" + ALWAYS
    source += ".emit(s: forecast_state, p: forecast_probability, t: forecast_time)"
    found = told(source, *tries("AB", "AB", "ABC", "AB"))
    assert [out["s"] for out in found] == ["step_1_of_2", "step_2_of_2"] * 4
    assert [out.get("t") for out in found[-4:-2]] == [9_000_000_000, 8_000_000_000]
    before_kill, after_kill = found[-3]["p"], found[-1]["p"]
    assert after_kill < before_kill


# --- when there are predictions -------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "warmup"),
    [
        ("", 100),
        ('mode: "fast"', 50),
        ('mode: "balanced"', 100),
        ('mode: "accurate"', 200),
        ('mode: "accurate", warmup: 7', 7),
        ("warmup: 0", 0),
    ],
)
def test_nothing_is_said_before_the_warmup(parameters: str, warmup: int) -> None:
    both = f"{parameters}, confidence: 0" if parameters else "confidence: 0"
    pipeline = compile_program(f"stream S = A -> B .forecast({both}) .emit()")
    silent = feed(pipeline, *[("A", 0)] * warmup)
    assert silent == []
    assert len(feed(pipeline, ("A", 0))) == 1


@pytest.mark.parametrize(("mode", "depth"), [("fast", 3), ("accurate", 5)])
def test_the_mode_decides_how_far_the_model_looks_back(mode: str, depth: int) -> None:
    source = "stream S = A -> B -> C -> D -> E -> F -> G .within(9s) "
    program = asked(f'mode: "{mode}", warmup: 0', source)
    found = told(program, *tries(*["ABCDEFG"] * 2, "ABCDEF"))
    assert found[-1]["forecast_context_depth"] == depth


def test_max_depth_bounds_how_far_the_model_looks_back() -> None:
    found = told(asked("warmup: 0, max_depth: 1"), *tries("ABC", "ABC", "AB"))
    assert [out["forecast_context_depth"] for out in found[-2:]] == [1, 1]


def test_only_what_is_likely_enough_is_said() -> None:
    events = tries(*["AB"] * 4, "ABC", *["AB"] * 4, since=0)
    everything = told(asked("warmup: 0, confidence: 0"), *events)
    likely = told(asked("warmup: 0"), *events)
    assert likely == [out for out in everything if out["forecast_probability"] >= 0.5]
    assert 0 < len(likely) < len(everything)


def test_a_constant_may_be_a_global() -> None:
    source = "let sure = 0.9\nlet far = 9s\n" + asked(
        "warmup: 0, confidence: sure, horizon: far"
    )
    assert told(source, *tries("ABC")) == []


# --- the numbers ----------------------------------------------------------------------


def test_a_shorter_horizon_is_less_likely() -> None:
    events = tries(*["ABC"] * 9, "A")
    long = told(asked("warmup: 0, confidence: 0, horizon: 5s"), *events)[-1]
    short = told(asked("warmup: 0, confidence: 0, horizon: 500ms"), *events)[-1]
    assert long["forecast_probability"] > 0.9
    assert short["forecast_probability"] < 0.1
    assert short["forecast_time"] == 500_000_000


def test_the_horizon_is_what_remains_of_within() -> None:
    source = "stream S = A -> B -> C .within(9s) "
    events = [("A", 0), ("B", 1), ("C", 8)]
    early = told(asked(source=source), *events, ("A", 100), ("B", 101))[-1]
    late = told(asked(source=source), *events, ("A", 100), ("B", 107))[-1]
    assert early["forecast_probability"] == 0.875
    assert late["forecast_probability"] == 0.125


def test_the_horizon_covers_all_bounds_to_come() -> None:
    source = "stream S = A -> B .within(2s) -> C .within(5s) "
    events = [("A", 0), ("B", 2), ("C", 7), ("A", 100)]
    assert told(asked(source=source), *events)[-1]["forecast_probability"] == 0.75
    source = "stream S = A -> B .within(2s) -> C "
    events = [("A", 0), ("B", 2), ("C", 9000), ("A", 10_000)]
    assert told(asked(source=source), *events)[-1]["forecast_probability"] == 0.75


def test_expired_and_killed_runs_lower_the_probability() -> None:
    source = "stream S = A -> B .within(9s) .not(C) "
    for loss in ("A", "AC"):
        found = told(asked(source=source), *tries("AB", loss, loss, "A"))
        likely = [out["forecast_probability"] for out in found]
        assert likely[1] > likely[2] > likely[3]


def test_what_was_taken_before_tells_the_future_apart() -> None:
    source = "pattern P = SEQ((A OR B), C, D) within 9s\nstream S = P "
    events = tries(*["ACD", "BC"] * 9, "AC", "BC")
    found = told(asked(source=source), *events)
    after_a, after_b = found[-3], found[-1]
    assert after_a["forecast_probability"] > 0.8
    assert after_b["forecast_probability"] < 0.2


def test_a_run_with_too_many_events_teaches_nothing() -> None:
    source = asked(source="stream S = A -> all B -> C ")
    pipeline = compile_program(source, limits=Limits(kleene_events=2))
    feed(pipeline, *tries("ABBB"))
    [out] = feed(pipeline, ("A", 500))
    assert out["forecast_probability"] == 0.5
    assert out["forecast_context_depth"] == 0


def test_contexts_beyond_the_bound_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forecasts, "MAX_CONTEXTS", 2)
    pipeline = compile_program(asked())
    feed(pipeline, *tries("ABC", "ABC"))
    dropped = pipeline.metrics().streams["S"].state_dropped
    assert dropped == {"forecast_contexts": 2}


kinds = st.lists(st.sampled_from(["A", "AB", "ABC", "ABB", "AC"]), max_size=12)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(kinds=kinds, depth=st.integers(1, 4))
def test_numbers_stay_in_their_range(kinds: list[str], depth: int) -> None:
    program = asked(f"warmup: 0, confidence: 0, max_depth: {depth}")
    for out in told(program, *tries(*kinds)):
        lower, upper = out["forecast_lower"], out["forecast_upper"]
        assert 0 <= lower <= out["forecast_probability"] <= upper <= 1
        assert 0 <= out["forecast_confidence"] <= 1
        assert 0 <= out["forecast_context_depth"] <= depth
        assert 0 <= out.get("forecast_time", 0) <= 9_000_000_000


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(kinds=kinds, last=st.sampled_from(["A", "AB"]))
def test_evidence_moves_the_probability_its_own_way(
    kinds: list[str], last: str
) -> None:
    def likely(*more: str) -> float:
        found = history(asked(), *tries(*kinds, *more, last))
        return float(found[-1]["forecast_probability"])

    assert likely("ABC") > likely() > likely("AB" if last == "AB" else "A")


def test_more_of_the_same_narrows_the_interval() -> None:
    found = told(asked(), *tries(*["ABC"] * 20))
    starts = [out for out in found if out["forecast_state"] == "step_1_of_3"]
    for one, two in pairwise(starts):
        assert two["forecast_probability"] > one["forecast_probability"]
        assert two["forecast_confidence"] > one["forecast_confidence"]


# --- the model against a list of all runs ---------------------------------------------


class Run:
    """As much of a run as the model looks at."""

    def __init__(self, path: list[int], d: int = FOREVER) -> None:
        self.path: Any = path
        self.d = d


ended = st.tuples(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=5),
    st.none() | st.integers(0, 5),
)
"""Slots with the waits before them, and the wait until completion if it did."""


def flat(steps: list[tuple[int, int]]) -> list[int]:
    path, now = [], 0
    for slot, wait in steps:
        now += wait
        path += [slot, now]
    return path


def estimate(runs: Any, path: list[int], depth: int, horizon: int) -> float:
    """Return the blended share of runs that completed in time, counted one by one."""
    probability = 0.5
    for length in range(1, min(depth, len(path) // 2) + 1):
        wanted = path[-2 * length :: 2]
        stood = completed = 0
        for steps, wait in runs:
            taken = flat(steps)
            for at in range(length, len(steps) + 1):
                if taken[2 * (at - length) : 2 * at : 2] == wanted:
                    stood += 1
                    left = taken[-1] - taken[2 * at - 1] + (wait or 0)
                    completed += wait is not None and left <= horizon
        if stood:
            probability = (completed + probability) / (stood + 1)
    return probability


@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    runs=st.lists(ended, max_size=8),
    steps=ended,
    depth=st.integers(1, 4),
    horizon=st.integers(0, 9),
)
def test_estimates_are_those_of_counting_all_runs(
    runs: Any, steps: Any, depth: int, horizon: int
) -> None:
    model = forecasts.Forecaster(forecasts.ForecastSpec(0.0, 0, depth))
    model.events = 1
    for taken, wait in runs:
        path = flat(taken)
        if wait is None:
            model.lose(Run(path))
        else:
            model.awaited(Run(path, path[-1] + wait))
    path = flat(steps[0])
    found = model.predict(path, path[-1], horizon)
    assert found is not None
    assert found[0] == pytest.approx(estimate(runs, path, depth, horizon))


def test_buckets_of_waiting_times_keep_their_order() -> None:
    waits = sorted({
        *range(64),
        *(2**at + more for at in range(6, 62) for more in (0, 9)),
    })
    found = [forecasts.bucket(wait) for wait in waits]
    assert found == sorted(found)
    assert found[:16] == list(range(16))


# --- around it ------------------------------------------------------------------------


def test_what_has_learned_goes_on_after_the_end_of_time() -> None:
    pipeline = compile_program(asked())
    feed(pipeline, *tries("A", "A"))
    assert flush(pipeline) == []
    [out] = feed(pipeline, *tries("A", since=3))
    assert out["forecast_probability"] == pytest.approx(0.5 / 3)


def test_it_needs_a_sequence() -> None:
    assert codes("stream S = A .forecast()") == {"E026"}
    assert codes(THREE + ".window(3) .forecast()") == {"E026"}
    assert codes(THREE + ".fork(x: .forecast())") == {"E026"}
    assert codes("stream S = all A .forecast()") == set()


def test_other_ways_to_predict_are_accepted_and_ignored() -> None:
    assert codes(THREE + ".forecast(hawkes: true, conformal: 0.1)") == {"W082"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ('mode: "slow"', 'wants one of "fast", "balanced", "accurate"'),
        ("confidence: 1.5", "wants a number from 0 to 1"),
        ('confidence: "high"', "wants a number from 0 to 1"),
        ("horizon: 0s", "wants a duration above zero"),
        ("warmup: -1", "wants a whole number of at least 0"),
        ("max_depth: 0", "wants a whole number of at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(
    parameters: str, message: str
) -> None:
    with pytest.raises((LoadError, InvalidProgramError), match=message):
        compile_program(asked(parameters))
