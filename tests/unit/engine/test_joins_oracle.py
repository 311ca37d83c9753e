"""Joins against a naive re-computation (oracles/joins.py), in both forms of code."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Event, Pipeline, compile_program
from tests.unit.engine.oracles.joins import Equal, Given, Join, JoinOracle, Source

compile_program("stream R = In .emit(r: 1)")

EXAMPLES = 1000  # in each of two tests
NS = 1_000_000_000
A, B, C = Source("A", "A"), Source("B", "B"), Source("C", "C")
SAME_K = Equal(0, "k", 1, "k")
PAIR = "n: A.n, m: B.n, p: v, ts: timestamp"
THREE = "n: A.n, m: B.n, o: C.n, p: v, ts: timestamp"
JOINS: dict[str, Join] = {
    f"join(A, B) .on(A.k == B.k) .window(3s) .emit({PAIR})": Join((A, B), (SAME_K,), 3),
    f"join(A, B) .on(B.k == A.k and A.v <= B.v) .window(4s) .emit({PAIR})": Join(
        (A, B), (SAME_K,), 4, lambda e: _at_most(e[0], e[1])
    ),
    f"join(A, B) .on(A.k == B.k) .emit({PAIR})": Join((A, B), (SAME_K,), 60),
    f"join(A, B) .on(A.k == B.k) .window(2) .emit({PAIR})": Join(
        (A, B), (SAME_K,), None
    ),
    f"join(A, B) .window(2s) .emit({PAIR})": Join((A, B), (), 2),
    "join(A, B, C) .on(A.k == B.k and A.g == B.g and B.k == C.k) .window(5s)"
    f" .emit({THREE})": Join(
        (A, B, C), (SAME_K, Equal(0, "g", 1, "g"), Equal(1, "k", 2, "k")), 5
    ),
    f"join(A, B, C) .on(A.k == B.k and B.g == C.g) .window(6s) .emit({THREE})": Join(
        (A, B, C), (SAME_K, Equal(1, "g", 2, "g")), 6
    ),
    f"join(A, B, C) .on(A.k == C.g) .window(3s) .emit({THREE})": Join(
        (A, B, C), (Equal(0, "k", 2, "g"),), 3
    ),
    "join(stream X = A.where(v > 1), stream Y = A).on(X.k == Y.k).window(3s)"
    " .emit(n: X.n, m: Y.n, p: v, ts: timestamp)": Join(
        (Source("X", "A", lambda f: f.get("v") in {2, 3}), Source("Y", "A")),
        (SAME_K,),
        3,
    ),
    f"join(A, B) .on(A.k == B.k) .window(3s) .watermark(out_of_order: 2s) .emit({PAIR})": Join(
        (A, B), (SAME_K,), 3, delay=2
    ),
    "join(A, B) .on(A.k == B.k) .window(3s) .watermark(out_of_order: 1s)"
    f" .allowed_lateness(1s) .emit({PAIR})": Join(
        (A, B), (SAME_K,), 3, delay=1, lateness=1
    ),
}
KEYS = st.sampled_from(["a", "b", 1, 1.0, True, None])
STEPS = st.sampled_from([0, 0, 1, 1, 2, 4, -1, -3])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("AABBC"),
        STEPS,
        KEYS,
        st.sampled_from(["a", "b", None]),
        st.sampled_from([1, 2, 3, None]),
    ),
    min_size=1,
    max_size=25,
)
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _at_most(one: dict[str, Any], other: dict[str, Any]) -> bool:
    left, right = one.get("v"), other.get("v")
    return left is not None and right is not None and bool(left <= right)


def as_given(raw: list[tuple[str, int, Any, Any, Any]]) -> list[Given]:
    """Return events whose times go on by the given steps."""
    at, events = 100, []
    for number, (kind, step, k, g, v) in enumerate(raw):
        at += step
        fields = {"k": k, "g": g, "v": v, "n": number}
        events.append(
            Given(kind, at, {x: y for x, y in fields.items() if y is not None})
        )
    return events


@cache
def fresh(source: str) -> tuple[Pipeline, Any]:
    """Return a pipeline and its state before the first event."""
    pipeline = compile_program(source)
    return pipeline, pipeline.checkpoint()


def check(body: str, more: str, events: list[Given]) -> None:
    """Compare the program with the oracle, event by event."""
    oracle = JoinOracle(JOINS[body])
    pipeline, blank = fresh(f"stream J = {body}\n{more}")
    pipeline.restore(blank)
    for event in events:
        reply = pipeline.inject(Event(event.type, dict(event.fields), event.at * NS))
        got = json.loads(reply.to_json_bytes())["output_events"]
        wanted = [as_output(combination) for combination in oracle.take(event)]
        assert [_timed(output) for output in got] == wanted
    assert pipeline.metrics().streams["J"].counts.get("late_events", 0) == oracle.late


def _timed(output: dict[str, Any]) -> dict[str, Any]:
    del output["event_type"]
    return output


def as_output(combination: list[Given]) -> dict[str, Any]:
    """Return what the programs emit of a combination."""
    found: dict[str, Any] = {
        name: event.fields["n"] for name, event in zip("nmo", combination, strict=False)
    }
    values = [event.fields["v"] for event in combination if "v" in event.fields]
    if values:
        found["p"] = values[0]
    latest = max(event.at for event in combination)
    return found | {"ts": f"1970-01-01T00:{latest // 60:02d}:{latest % 60:02d}Z"}


@SETTINGS
@given(st.sampled_from(list(JOINS)), EVENTS.map(as_given))
def test_inlined_joins_give_what_the_reference_says(
    body: str, events: list[Given]
) -> None:
    check(body, "", events)


@SETTINGS
@given(st.sampled_from(list(JOINS)), EVENTS.map(as_given))
def test_queued_joins_give_what_the_reference_says(
    body: str, events: list[Given]
) -> None:
    check(body, "stream Consumer = J .where(n < 0) .emit(n)", events)


@pytest.mark.parametrize("body", JOINS)
def test_a_consumer_makes_the_difference_of_form(body: str) -> None:
    alone = compile_program(f"stream J = {body}").explain_source()
    consumed = compile_program(f"stream J = {body}\nstream X = J .emit(n)")
    assert "def run(" in alone
    assert "def run(" not in consumed.explain_source()
