"""Time budget, output bound and value bounds."""

from typing import Any

import pytest

from engine import Event, Limits, LoadError, compile_program
from engine.runtime.frame import Budget, StreamStopped
from tests.unit.engine.programs import errors_of, value_of

SPIN = "fn spin():\n    var k = 0\n    while true: k := k + 1\n    return k\n"
TINY_S = 0.02


def codes(errors: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(fault["code"], fault["stream"]) for fault in errors]


class Ticks:
    """A clock that advances one second with every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_budget_ends_and_leaves_some_grace_to_the_others() -> None:
    budget = Budget(10.0, clock=Ticks())
    for _ in range(11):
        budget.check()
    with pytest.raises(StreamStopped):
        budget.check()
    budget.check()
    with pytest.raises(StreamStopped):
        budget.check()
    budget.restart()
    budget.check()


RECURSION = (
    "fn spin(): return fib(90)\n"
    "fn fib(n): return if n < 2 then n else fib(n - 1) + fib(n - 2)\n"
)
LAMBDAS = (
    "fn spin(): return reduce(range(1000000), 0,"
    " (a, x) => count(range(9999), y => y > x))\n"
)
EXACT = (
    "fn spin() -> int: return loop(1)\n"
    "fn loop(k: int) -> int:\n    var i = k\n    while i > 0: i := i ^ 0\n"
    "    return i\n"
)
FOR = "fn spin():\n    for i in 0..9_000_000_000_000: let k = i\n    return 1\n"


@pytest.mark.parametrize(
    "body",
    [SPIN, FOR, RECURSION, LAMBDAS, EXACT],
    ids=["while", "for", "recursion", "lambdas", "exact"],
)
def test_a_runaway_stream_is_stopped_and_the_others_are_not(body: str) -> None:
    source = (
        f"{body}"
        "stream Before = In .emit(n: 1)\n"
        "stream Bad = In .emit(n: 2, go: go) .where(go) .emit(n: spin())\n"
        "stream After = In .emit(n: 3)\n"
        "stream Fed = Bad .emit(n: 4)\n"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=TINY_S))
    reply = pipeline.inject(Event("In", {"go": True}))
    assert [output["event_type"] for output in reply.outputs] == ["Before", "After"]
    assert codes(reply.errors) == [("R001", "Bad")]
    assert pipeline.metrics().stopped == {"R001": 1}
    again = pipeline.inject(Event("In", {"go": False}))
    assert [output["n"] for output in again.outputs] == [1, 2, 3]
    assert again.errors == []


def test_a_short_loop_still_runs_after_a_runaway_stream() -> None:
    source = (
        SPIN + "fn few():\n    var s = 0\n    for i in 0..500: s := s + i\n"
        "    return s\n"
        "stream Bad = In .emit(n: spin())\nstream Good = In .emit(n: few())"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=TINY_S))
    reply = pipeline.inject(Event("In", {}))
    assert reply.outputs == [{"event_type": "Good", "n": 124750}]


def test_a_stopped_stream_takes_back_all_it_made_of_the_event() -> None:
    """Through the queue: what it queued before is not handled either."""
    source = (
        SPIN + "fn f():\n    emit P(n: 1)\n    emit P(n: 2)\n"
        "stream Many = In .process(f())\n"
        "stream Each = P .emit(n: n, k: if n == 2 then spin() else 0)\n"
        "stream Last = Each .emit(n: n)\n"
        "stream Other = P .emit(n: n)\n"
    )
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=TINY_S))
    reply = pipeline.inject(Event("In", {}))
    types = [output["event_type"] for output in reply.outputs]
    assert types == ["P", "P", "Other", "Other"]
    assert codes(reply.errors) == [("R001", "Each")]


def test_every_event_of_a_batch_has_its_own_budget() -> None:
    source = SPIN + "stream R = In .emit(n: if go then spin() else 1)"
    pipeline = compile_program(source, limits=Limits(cpu_s_per_event=TINY_S))
    lines = [b'{"event_type":"In","go":false}', b'{"event_type":"In","go":true}'] * 2
    reply = pipeline.inject_batch(b"\n".join(lines))
    assert len(reply.outputs) == 2
    assert pipeline.metrics().stopped == {"R001": 2}


def test_globals_that_never_end_are_refused() -> None:
    source = SPIN + "let k = spin()\nstream R = In .emit(k)"
    with pytest.raises(LoadError, match="time budget"):
        compile_program(source, limits=Limits(cpu_s_per_event=TINY_S))


@pytest.mark.parametrize("follow", ["", "\nstream D = P .emit(n)"])
def test_the_first_outputs_are_kept_at_the_bound(follow: str) -> None:
    source = (
        "fn f():\n    var k = 0\n    while true:\n        emit P(n: k)\n"
        "        k := k + 1\n"
        f"stream S = In .process(f()){follow}"
    )
    pipeline = compile_program(source, limits=Limits(outputs_per_event=100))
    reply = pipeline.inject(Event("In", {}))
    assert [output["n"] for output in reply.outputs] == list(range(100))
    assert {code for code, _ in codes(reply.errors)} == {"R003"}


def test_several_streams_share_the_output_bound() -> None:
    source = (
        "fn f():\n    for i in 0..60: emit P(n: i)\n"
        "stream A = In .process(f())\nstream B = In .process(f())"
    )
    pipeline = compile_program(source, limits=Limits(outputs_per_event=100))
    reply = pipeline.inject(Event("In", {}))
    assert len(reply.outputs) == 100
    assert {code for code, _ in codes(reply.errors)} == {"R003"}


@pytest.mark.parametrize(
    "expression",
    [
        's + "x"',
        'repeat("ab", 6)',
        'replace(s, "a", "bb")',
        'join(["aaaaa", "bbbbb"], ",")',
        "xs + [1]",
        "push(xs, 1)",
        "0..11",
        "range(11)",
        "flatten([xs, xs])",
        'format("{}{}", s, s)',
    ],
)
def test_a_value_beyond_its_bound_is_null_and_reported(expression: str) -> None:
    limits = Limits(text_chars=10, array_items=10)
    pipeline = compile_program(f"stream R = In .emit(r: {expression})", limits=limits)
    reply = pipeline.inject(Event("In", {"s": "a" * 10, "xs": list(range(10))}))
    assert reply.outputs == [{"event_type": "R"}]
    assert codes(reply.errors) == [("R004", "R")]


def test_a_huge_range_costs_nothing_before_it_is_refused() -> None:
    assert value_of("0..9_000_000_000_000_000_000") is None
    assert (
        value_of("len(-9_000_000_000_000_000_000..9_000_000_000_000_000_000)") is None
    )


def test_a_hostile_regex_is_linear_and_a_bad_one_is_counted() -> None:
    fields = {"s": "a" * 20_000 + "b"}
    assert value_of('matches(s, "(a+)+$")', fields) is False
    assert errors_of('matches(s, "(")', fields) == {"argument": 1}
    assert errors_of(r'matches(s, "(a)\\1")', fields) == {"argument": 1}


def test_a_search_that_may_take_seconds_is_refused() -> None:
    source = "stream R = In .emit(r: matches(repeat('ab', 500_000), '[ab]{1,900}c'))"
    reply = compile_program(source).inject(Event("In", {}))
    assert reply.outputs == [{"event_type": "R"}]
    assert codes(reply.errors) == [("R004", "R")]
    assert value_of("matches(repeat('ab', 500_000), '[ab]+c')") is False
