"""Streams of one type that begin with a comparison of the same field (gates)."""

import json
from typing import Any, Final

import pytest

from engine import compile_program

VALUES: Final[list[Any]] = [
    *(None, True, "a", "b", "", [1], {"x": 1}),
    *(-1, 0, 9, 10, 11, 12, 2**62, 9.5, 10.0, 10.5, 11.0, 1e300, -0.0),
]
EVENTS: Final = [
    {"event_type": "In", "n": at, **({} if at == 0 else {"v": value})}
    for at, value in enumerate([None, *VALUES])
]
TESTS: Final = {
    "above": ["v > 10", "v >= 10", "v > 11.5", "10 < v and n > 3"],
    "below": ["v < 11", "v <= 11", "v < 9.5", "10 >= v"],
    "equal to texts": ['v == "a"', '"b" == v', 'v == "a" and n > 3'],
    "of several kinds": ["v > 10", "v < 11", 'v == "a"', "v > 10", "v == 10", "n > 3"],
    "of what is no constant": ["v > n", "v > n + 1", "v == null", "v > 10"],
}


def _stream(name: str, test: str) -> str:
    return f"stream {name} = In .where({test}) .emit(n: n)\n"


def _run(source: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Return the outputs, and per stream the evaluation errors, of one batch."""
    pipeline = compile_program(source)
    reply = pipeline.inject_batch(json.dumps(EVENTS).encode())
    streams = pipeline.metrics().streams
    return reply.outputs, {n: dict(s.eval_errors) for n, s in streams.items()}


@pytest.mark.parametrize("tests", TESTS.values(), ids=TESTS)
def test_streams_give_together_what_they_give_alone(tests: list[str]) -> None:
    streams = {f"S{at}": test for at, test in enumerate(tests)}
    outputs, errors = _run("".join(_stream(*item) for item in streams.items()))
    alone = {name: _run(_stream(name, test)) for name, test in streams.items()}
    for name, (made, counted) in alone.items():
        assert [o for o in outputs if o["event_type"] == name] == made
        assert errors[name] == counted[name]
    places = [(o["n"], o["event_type"]) for o in outputs]
    assert places == sorted(places)
    assert outputs


def test_one_comparison_stands_before_all_streams_that_begin_alike() -> None:
    source = "".join(_stream(f"S{at}", f"v > {at}") for at in range(5, 9))
    run = compile_program(source).explain_source().partition("def run_nested")[0]
    assert run.count("if r_f0 > 5 if ") == 1
    assert run.count("r_f0 > 8") == 1


def test_streams_that_others_consume_stand_alone() -> None:
    source = "".join(_stream(f"S{at}", f"v > {at}") for at in (5, 10))
    outputs, _ = _run(f"{source}stream T = S5 .emit(twice: n)")
    alone, _ = _run(_stream("S5", "v > 5"))
    assert [o["twice"] for o in outputs if o["event_type"] == "T"] == [
        o["n"] for o in alone
    ]
