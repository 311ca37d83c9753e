"""Trends of a match sentence by sentence (vpl.md section 20)."""

from typing import Any

import pytest

from engine import Event, InvalidProgramError, Limits, compile_program
from tests.unit.engine.histories import Happening, feed, history

CHAIN = "stream S = A as a -> all B as b -> C as c "
QUEUED = "\nstream Next = S .where(false) .emit(x: 1)"


def bs(*values: Any) -> list[Happening]:
    """Return an A, a B for each value, and a C."""
    taken = [("B", at, {"x": x}) for at, x in enumerate(values, 1)]
    return [("A", 0, {"symbol": "ACME"}), *taken, ("C", len(values) + 1)]


def trends(asked: str, *events: Happening, source: str = CHAIN) -> list[dict[str, Any]]:
    """Return the statistics, which both forms of program agree on."""
    program = f"{source} .trend_aggregate({asked}) .emit()"
    found = history(program, *events)
    assert history(program + QUEUED, *events) == found
    return found


def errors(source: str, *events: Happening) -> dict[str, int]:
    pipeline = compile_program(source)
    feed(pipeline, *events)
    return pipeline.metrics().errors


def codes(source: str) -> set[str]:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(source)
    return {item.code for item in caught.value.diagnostics}


def test_the_example_of_the_standard() -> None:
    asked = "n: count_trends(), e: count_events(b)"
    assert trends(asked, *bs(1, 2)) == [{"n": 3, "e": 4}]


def test_a_match_is_replaced_by_its_statistics() -> None:
    assert trends("n: count_trends()", *bs(1)) == [{"n": 1}]
    source = (
        CHAIN + ".trend_aggregate(n: count_trends()) .emit(n, d: match_duration_ms)"
    )
    assert history(source, *bs(1)) == [{"n": 1}]


def test_sums_and_extremes_over_trends() -> None:
    asked = (
        "s: sum_trends(b.x), a: avg_trends(b.x), lo: min_trends(b.x), "
        "hi: max_trends(b.x)"
    )
    [found] = trends(asked, *bs(1, 2, 4))
    assert found == {"s": 28.0, "a": 4.0, "lo": 1.0, "hi": 4.0}


def test_a_condition_links_consecutive_chosen_events_only() -> None:
    source = "stream S = A -> all B where x > b.x as b -> C "
    asked = "n: count_trends(), e: count_events(b), hi: max_trends(b.x)"
    # (3) (1) (2) (1, 2): a greedy chain would take the first event only
    assert trends(asked, *bs(3, 1, 2), source=source) == [{"n": 4, "e": 5, "hi": 3.0}]


def test_other_parts_of_the_filter_decide_what_is_taken() -> None:
    source = "stream S = A -> all B where x > b.x and x < 10 as b -> C "
    assert trends("n: count_trends()", *bs(1, 50, 2), source=source) == [{"n": 3}]


def test_without_trends_the_condition_still_decides_what_is_taken() -> None:
    source = "stream S = A -> all B where x > b.x as b -> C .emit(n: len(b))"
    assert history(source, *bs(3, 1, 2)) == [{"n": 1}]


def test_a_step_without_alias_is_named_by_its_type() -> None:
    source = "stream S = A -> all B where x > B.x -> C "
    assert trends("n: count_trends()", *bs(3, 1, 2), source=source) == [{"n": 4}]


def test_a_condition_may_read_earlier_events_and_call_functions() -> None:
    source = (
        "fn far(p, q): abs(p - q) > 1\n"
        "stream S = A as a -> all B where far(x, b.x) and a.symbol == 'ACME' and "
        "(c == null or x > b.x) as b -> C as c "
    ).replace("'", '"')
    assert trends("n: count_trends()", *bs(1, 2, 3), source=source) == [{"n": 4}]


def test_a_condition_may_ask_for_the_fields_a_function_reads() -> None:
    source = (
        "fn rises(): x > b.x\n"
        "stream S = A -> all B where (if b.x > 0 then rises() else false) as b -> C "
    )
    found = trends("n: count_trends()", *bs(1, 2, 3), source=source)
    assert found == [{"n": 7}]


def test_steps_multiply() -> None:
    source = "stream S = A -> all B as b -> all C as c -> D "
    events = ("A", 0), ("B", 1), ("B", 2), ("C", 3), ("C", 4), ("C", 5), ("D", 6)
    asked = "n: count_trends(), b: count_events(b), c: count_events(c)"
    assert trends(asked, *events, source=source) == [{"n": 21, "b": 28, "c": 36}]


def test_events_of_single_steps_take_part_in_every_trend() -> None:
    asked = "a: count_events(a), all: count_events(), s: sum_trends(a.v)"
    events = [("A", 0, {"v": 2}), *bs(1, 2)[1:]]
    assert trends(asked, *events) == [{"a": 3, "all": 10, "s": 6.0}]


def test_a_trailing_repeated_step_reports_after_each_event_cumulatively() -> None:
    source = "stream S = A -> all B as b "
    asked = "n: count_trends(), s: sum_trends(b.x)"
    found = trends(asked, *bs(1, 2, 3)[:-1], source=source)
    assert found == [{"n": 1, "s": 1.0}, {"n": 3, "s": 6.0}, {"n": 7, "s": 24.0}]


def test_patterns_have_trends_and_steps_passed_over_have_no_part() -> None:
    source = "pattern P = SEQ(A, B* as b, C+ where y > c.y as c, D)\nstream S = P "
    asked = "n: count_trends(), b: count_events(b), c: count_events(c)"
    events = ("A", 0), ("C", 1, {"y": 1}), ("C", 2, {"y": 2}), ("D", 3)
    assert trends(asked, *events, source=source) == [{"n": 3, "b": 0, "c": 4}]


def test_a_pattern_of_alternatives_counts_the_branch_that_matched() -> None:
    source = "pattern P = SEQ(A, B+ as b, C) OR SEQ(D, E+ as e)\nstream S = P "
    asked = "n: count_trends(), b: count_events(b), e: count_events(e)"
    events = ("D", 0), ("E", 1), ("E", 2)
    assert trends(asked, *events, source=source) == [
        {"n": 1, "b": 0, "e": 1},
        {"n": 3, "b": 0, "e": 4},
    ]


def test_an_absence_reports_the_trends_at_its_deadline() -> None:
    source = "stream S = A -> all B as b .not(C).within(10s) "
    program = source + ".trend_aggregate(n: count_trends()) .emit()"
    assert history(program, *bs(1, 2, 3)[:-1], ends=True) == [{"n": 7}]


def test_expressions_stand_around_the_calls() -> None:
    asked = (
        "x: round(sum_trends(b.x) / count_trends(), 1) + least, "
        'y: if count_trends() > 2 then a.symbol else "few"'
    )
    found = trends(asked, *bs(1, 2), source=f"var least = 10\n{CHAIN}")
    assert found == [{"x": 12.0, "y": "ACME"}]


def test_arguments_are_expressions_about_one_event() -> None:
    asked = "s: sum_trends(b.x * 2 + len(a.symbol)), hi: max_trends(twice(b.x))"
    source = f"fn twice(v): v * 2\n{CHAIN}"
    assert trends(asked, *bs(1, 2), source=source) == [{"s": 28.0, "hi": 4.0}]


def test_aliases_of_the_match_stay_readable() -> None:
    source = (
        CHAIN + '.trend_aggregate(n: count_trends()) .where(a.symbol == "ACME") '
        ".emit(n, symbol: a.symbol, last: b.x, first: b[0].x, taken: len(b))"
    )
    expected = [{"n": 3, "symbol": "ACME", "last": 2, "first": 1, "taken": 2}]
    assert history(source, *bs(1, 2)) == expected


def test_operations_before_it_see_the_match() -> None:
    source = (
        CHAIN + ".where(len(b) > 1) .select(k: 1) .trend_aggregate(n: count_trends())"
    )
    assert history(source + " .emit()", *bs(1), *bs(1, 2)) == [{"n": 3}]


def test_wrong_kinds_are_skipped_and_counted() -> None:
    asked = "n: count_trends(), s: sum_trends(b.x), hi: max_trends(b.x)"
    source = f"{CHAIN} .trend_aggregate({asked}) .emit()"
    events = bs(1, "text", None, 4)
    assert history(source, *events) == [{"n": 15, "s": 40.0, "hi": 4.0}]
    assert errors(source, *events) == {"kind": 2}


def test_values_of_no_event_leave_sum_zero_and_extremes_null() -> None:
    asked = "s: sum_trends(b.y), a: avg_trends(b.y), lo: min_trends(b.y)"
    assert trends(asked, *bs(1, 2)) == [{"s": 0.0, "a": 0.0}]


def test_counts_are_ints_below_2_to_63_and_floats_from_there() -> None:
    asked = "n: count_trends(), e: count_events(b), a: avg_trends(b.x)"
    [found] = trends(asked, *bs(*[1.5] * 63))
    assert found["n"] == 2**63 - 1
    assert isinstance(found["n"], int)
    assert found["e"] == float(63 * 2**62)
    assert isinstance(found["e"], float)
    [found] = trends(asked, *bs(*[1.5] * 64))
    assert found["n"] == 2.0**64
    assert isinstance(found["n"], float)
    assert found["a"] == pytest.approx(48.0)


def test_numbers_beyond_floats_are_null_and_counted() -> None:
    asked = "n: count_trends(), s: sum_trends(b.x), a: avg_trends(b.x)"
    events = bs(*[2.0] * 1200)
    [found] = trends(asked, *events)
    assert found == {"a": pytest.approx(1200.0)}
    source = f"{CHAIN} .trend_aggregate({asked}) .emit()"
    assert errors(source, *events) == {"overflow": 2}


def test_conditions_between_many_events_are_stopped_by_the_time_budget() -> None:
    source = "stream S = A -> all B where x > b.x as b -> C "
    program = source + ".trend_aggregate(n: count_trends()) .emit()"
    pipeline = compile_program(program, limits=Limits(cpu_s_per_event=0.01))
    feed(pipeline, *bs(*range(1500))[:-1])
    reply = pipeline.inject(Event("C", {}))
    assert [error["code"] for error in reply.errors] == ["R001"]
    assert reply.outputs == []
    assert feed(pipeline, *bs(1, 2)) == [{"event_type": "S", "n": 3}]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("stream S = A .trend_aggregate(n: count_trends())", "E026"),
        ("stream S = A -> B .trend_aggregate(n: count_trends())", "E026"),
        ("pattern P = SEQ(A, B?)\nstream S = P .trend_aggregate(n: 1)", "E026"),
        (CHAIN + ".window(3) .trend_aggregate(n: count_trends())", "E026"),
        (CHAIN + ".fork(x: .trend_aggregate(n: count_trends()))", "E026"),
        (CHAIN + ".trend_aggregate(n: count_events(d))", "E072"),
        (CHAIN + ".trend_aggregate(n: count_events(b.x))", "E072"),
        (CHAIN + ".trend_aggregate(n: sum_trends(x))", "E072"),
        (CHAIN + ".trend_aggregate(n: count_trends(b))", "E072"),
        (CHAIN + ".trend_aggregate(n: sum_trends())", "E071"),
        (CHAIN + ".trend_aggregate(n: count())", "E070"),
        (CHAIN + ".trend_aggregate(n: sum(b.x))", "E070"),
        (CHAIN + ".trend_aggregate(n: x)", "E073"),
        (
            "stream S = A -> all B as b -> all C .trend_aggregate(n: sum_trends(b.x*C.x))",
            "E072",
        ),
    ],
)
def test_what_it_cannot_mean_is_refused(source: str, code: str) -> None:
    assert code in codes(source)
