"""Statistics over trends against a list of them all, over random short streams."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import Event, Pipeline, compile_program
from tests.unit.engine.oracles.trends import Step, matches, statistics

compile_program("stream S = A")  # sets the recursion limit before hypothesis looks
EXAMPLES = 2000
QUEUED = "\nstream Never = S .where(false) .emit(x: 1)"
NS = 1_000_000_000

links = st.sampled_from([None, ">", ">", "<=", "!="])
values = st.sampled_from([1, 2, 0.1, 0.7, -3, 1e300, None, None, "x", "y", True])


@st.composite
def sequences(draw: Any) -> tuple[Step, ...]:
    """Return up to four steps of which at least one is repeated."""
    count = draw(st.integers(1, 4))
    many = draw(st.sampled_from(range(count)))
    found = []
    for at, alias in enumerate("abcd"[:count]):
        is_many = at == many or draw(st.integers(0, 3)) == 0
        link = draw(links) if is_many else None
        least = draw(st.sampled_from([None, None, None, 1]))
        found.append(Step(draw(st.sampled_from("ABC")), alias, is_many, least, link))
    return tuple(found)


fields = st.fixed_dictionaries({"v": values, "w": st.sampled_from([0, 1, 2, 3, None])})
events = st.lists(st.tuples(st.sampled_from("ABC"), fields), max_size=9)


def program(steps: Sequence[Step], *, queued: bool) -> str:
    asked = ["n: count_trends()", "e: count_events()"]
    for step in steps:
        name = step.alias
        asked += [
            f"e_{name}: count_events({name})",
            f"s_{name}: sum_trends({name}.v)",
            f"a_{name}: avg_trends({name}.v)",
            f"lo_{name}: min_trends({name}.v)",
            f"hi_{name}: max_trends({name}.v)",
        ]
    written = " -> ".join(step.source() for step in steps)
    source = f"stream S = {written} .trend_aggregate({', '.join(asked)}) .emit()"
    return source + (QUEUED if queued else "")


@cache
def fresh(source: str) -> tuple[Pipeline, dict[str, Any]]:
    """Return a pipeline and the state in which it has seen nothing."""
    pipeline = compile_program(source)
    return pipeline, pipeline.checkpoint()


def run(
    source: str, happened: Sequence[tuple[str, dict[str, Any]]], cut: int
) -> list[tuple[int, dict[str, Any]]]:
    """Return the outputs with the number of their event; restored before `cut`."""
    pipeline, nothing = fresh(source)
    pipeline.restore(nothing)
    found = []
    for number, (event_type, given_fields) in enumerate(happened):
        if number == cut:
            pipeline.restore(json.loads(json.dumps(pipeline.checkpoint())))
        known = {k: v for k, v in given_fields.items() if v is not None}
        reply = pipeline.inject(Event(event_type, known, number * NS))
        for output in json.loads(reply.to_json_bytes())["output_events"]:
            del output["event_type"]
            found.append((number, output))
    return found


@pytest.mark.timeout(600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(queued=st.booleans(), steps=sequences(), happened=events, cut=st.integers(0, 9))
def test_statistics_are_those_of_all_trends_listed(
    queued: bool, steps: tuple[Step, ...], happened: Any, cut: int
) -> None:
    wanted = [
        (number, statistics(steps, taken)) for number, taken in matches(steps, happened)
    ]
    assert run(program(steps, queued=queued), happened, cut) == wanted
