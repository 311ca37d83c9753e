"""Aggregates, function by function (vpl.md 9.3)."""

import math
from typing import Any

import pytest

from engine import compile_program
from engine.compiler.aggregate_calls import NAMES
from engine.compiler.aggregates import RESULTS
from tests.unit.engine.programs import tight
from tests.unit.engine.timed import inject, run, values

NS_PER_S = 1_000_000_000


def over(expression: str, *numbers: Any, more: str = "") -> Any:
    """Return the value of an aggregate over a window of these values of v."""
    source = f"{more}\nstream S = R .window({len(numbers)}) .aggregate(r: {expression}) .emit(r)"
    (output,) = run(source, *values(*numbers))
    return output.get("r")


def running(expression: str, *numbers: Any, **bounds: int) -> list[Any]:
    """Return the values of a running aggregate after each value of v."""
    source = f"stream S = R .aggregate(r: {expression}) .emit(r)"
    pipeline = compile_program(source, limits=tight(**bounds))
    return [output.get("r") for output in inject(pipeline, *values(*numbers))]


def errors_of(expression: str, *numbers: Any) -> dict[str, int]:
    source = f"stream S = R .aggregate(r: {expression}) .emit(r)"
    pipeline = compile_program(source)
    inject(pipeline, *values(*numbers))
    return pipeline.metrics().errors


def test_every_aggregate_of_the_catalog_runs() -> None:
    assert set(RESULTS) == NAMES


@pytest.mark.parametrize(
    ("expression", "numbers", "wanted"),
    [
        ("count()", (1, None, "x"), 3),
        ("count(v)", (1, None, "x"), 2),
        ("sum(v)", (1, 2, None), 3.0),
        ("sum(v)", (None,), 0.0),
        ("sum(v)", (9223372036854775807, 1), 9223372036854775808.0),
        ("avg(v)", (1, 2), 1.5),
        ("avg(v)", (1, None, 3), 2.0),
        ("avg(v)", (None, None), None),
        ("min(v)", (3, 1.5, 2), 1.5),
        ("max(v)", (3, 7, None, 2.0), 7.0),
        ("min(v)", (None,), None),
        ("max(v)", ("b", "a", "c"), "c"),
        ("min(v)", ("b", "a", "c"), "a"),
        ("stddev(v)", (2, 4, 4, 6), 1.632993161855452),
        ("variance(v)", (2, 4, 4, 6), 8 / 3),
        ("variance(v)", (2,), None),
        ("stddev(v)", (None, 2), None),
        ("median(v)", (3, 1, 2), 2.0),
        ("median(v)", (40, 10, 20, 30), 25.0),
        ("median(v)", (None,), None),
        ("percentile(v, 25)", (40, 10, 20, 30), 17.5),
        ("percentile(v, 0)", (4, 2), 2.0),
        ("percentile(v, 100)", (4, 2), 4.0),
        ("percentile(v, 99.5)", (0, 1000), 995.0),
        ("first(v)", (None, 2), None),
        ("first(v)", ("x", 2), "x"),
        ("last(v)", (1, [2, None]), [2, None]),
        ("last(v)", (1, None), None),
        ("ema(v, 3)", (2, None, 4, 8), 5.5),
        ("ema(v, 1)", (2, 4), 4.0),
        ("ema(v, 3)", (None,), None),
        ("count_distinct(v)", (1, 1.0, True, None, "1", [1], [1.0]), 4),
        ("count(distinct(v))", ("a", "b", "a"), 2),
        ("collect(v)", (1, None, "x", True), [1, "x", True]),
        ("collect(v)", (None,), []),
        ("sum(1)", (5, 6), 2.0),
        ("min(1)", (5,), 1.0),
        ("count(null)", (5, 6), 0),
        ("first(1)", (5, 6), 1),
        ("sum(v ?? 10)", (1, None), 11.0),
        ("sum(if v > 1 then 1 else 0)", (1, 2, 3), 2.0),
        ("max(v * 2) - min(v + 1)", (1, 3), 4.0),
    ],
)
def test_the_value_of_an_aggregate(
    expression: str, numbers: tuple[Any, ...], wanted: Any
) -> None:
    found = over(expression, *numbers)
    assert type(found) is type(wanted)
    is_float = isinstance(wanted, float)
    assert math.isclose(found, wanted) if is_float else found == wanted


def test_extremes_of_instants_and_lengths_keep_their_kind() -> None:
    source = (
        "event R:\n    t: timestamp\n    d: duration\n"
        "stream S = R .window(2) .aggregate(a: min(t), b: max(t), c: min(d), e: max(d))"
        " .emit(a, b, c, e)"
    )
    first = {"t": "2026-03-01T00:00:00Z", "d": "3s"}
    second = {"t": "2026-02-01T00:00:00Z", "d": "1h"}
    assert run(source, (0, first), (1, second)) == [
        {
            "a": "2026-02-01T00:00:00Z",
            "b": "2026-03-01T00:00:00Z",
            "c": 3 * NS_PER_S,
            "e": 3600 * NS_PER_S,
        }
    ]


@pytest.mark.parametrize(
    ("expression", "numbers", "count"),
    [
        ("sum(v)", (1, "x", True, None), 2),
        ("avg(v)", ([1], 2), 1),
        ("max(v)", (True, {"a": 1}), 2),
        ("min(v)", (1, "x", 2), 1),
        ("min(v)", ("x", 1, 2), 2),
        ("stddev(v)", ("x",), 1),
        ("median(v)", ("x", 1), 1),
        ("ema(v, 2)", ("x",), 1),
        ("count(v)", ("x", True), 0),
        ("sum(v) + count(v)", ("x",), 1),
    ],
)
def test_values_of_the_wrong_kind_are_skipped_and_counted(
    expression: str, numbers: tuple[Any, ...], count: int
) -> None:
    assert errors_of(expression, *numbers).get("kind", 0) == count


def test_an_argument_is_evaluated_once_per_event() -> None:
    source = (
        "var calls = 0\n"
        "fn noted(x):\n    calls := calls + 1\n    x\n"
        "stream S = R .window(2)"
        " .aggregate(s: sum(noted(v)), a: avg(noted(v)), m: max(noted(v)))"
        " .emit(s, a, m, calls)"
    )
    assert run(source, *values(1, 2)) == [{"s": 3.0, "a": 1.5, "m": 2.0, "calls": 2}]


def test_aggregates_combine_with_all_kinds_of_expressions() -> None:
    more = (
        "let scale = 10\nconst names = {low: 1}\n"
        "fn label(n): if n > 2 then 'many' else 'few'\n"
    )
    assert over("(max(v) - min(v)) / 2", 1, 4) == 1.5
    assert over("round(avg(v), 1)", 3, 10.5) == 6.8
    assert over("sum(v) * scale + names.low", 1, 2, more=more) == 31.0
    assert over("label(count())", 1, 2, 3, more=more) == "many"
    assert over("if count() > 1 and avg(v) > 2 then first(v) else null", 3, 2) == 3
    assert over("[count(), {s: sum(v)}]", 1) == [1, {"s": 1.0}]
    assert over("collect(v).map(x => x * scale)", 1, 2, more=more) == [10, 20]
    assert over("collect(v)[0] ?? 5", None) == 5
    assert over("not (count() > 1)", 1) is True
    assert over("stddev(v) is null", 1) is True


def test_lambdas_around_aggregates_see_their_values() -> None:
    assert over("[1, 2].map(x => x * sum(v))", 3, 4) == [7.0, 14.0]


def test_what_cannot_be_stored_becomes_null() -> None:
    assert over("sum(v)", 1e308, 1e308) is None
    assert over("sum(v / 0.0)", 1) == 0.0
    assert over("count(v ** 2.0)", 1e200, 1.0) == 1


@pytest.mark.parametrize("call", ["percentile(v, q)", "ema(v, q + 1)"])
def test_a_bad_parameter_gives_null_and_is_counted(call: str) -> None:
    source = f"const q = -1\nstream S = R .aggregate(r: {call}, n: count()) .emit(r, n)"
    pipeline = compile_program(source)
    assert inject(pipeline, *values(1, 2)) == [{"n": 1}, {"n": 2}]
    assert pipeline.metrics().errors == {"argument": 2}


def test_parameters_are_constant_expressions() -> None:
    assert over("percentile(v, q * 2)", 0, 10, more="const q = 25\n") == 5.0


def test_a_user_function_named_like_an_aggregate_does_not_hide_it() -> None:
    assert over("sum(v)", 1, 2, more="fn sum(x): 99\n") == 3.0


def test_without_a_window_an_aggregate_is_running() -> None:
    assert running("count()", 1, 2, 3) == [1, 2, 3]
    assert running("sum(v)", 1, None, 2.5) == [1.0, 1.0, 3.5]
    assert running("median(v)", 3, 1, 2) == [3.0, 2.0, 2.0]
    assert running("collect(v)", 1, None, 2) == [[1], [1], [1, 2]]
    assert running("first(v)", None, 2) == [None, None]


def test_running_aggregates_look_at_the_latest_values() -> None:
    assert running("collect(v)", 1, 2, 3, running_values=2) == [[1], [1, 2], [2, 3]]
    assert running("median(v)", 1, 5, 9, running_values=2) == [1.0, 3.0, 7.0]
    assert running("percentile(v, 0)", 1, 1, 9, 8, running_values=2)[-1] == 8.0
    assert running("count_distinct(v)", 1, 1, 2, 2, running_values=2) == [1, 1, 2, 1]


def test_dropped_values_are_counted() -> None:
    source = "stream S = R .aggregate(r: collect(v), m: median(v)) .emit(r)"
    pipeline = compile_program(source, limits=tight(running_values=2))
    inject(pipeline, *values(1, 2, 3))
    assert pipeline.metrics().streams["S"].state_dropped == {"running_values": 2}


def test_sums_and_counts_run_over_everything() -> None:
    assert running("count(v)", 1, 2, 3, running_values=2) == [1, 2, 3]
    assert running("max(v)", 9, 2, 3, running_values=2) == [9.0, 9.0, 9.0]


def test_running_aggregates_are_kept_per_partition() -> None:
    source = (
        "stream S = R .partition_by(k) .aggregate(t: sum(v)) .emit(k, t, p: _partition)"
    )
    events = [(at, {"k": k, "v": at}) for at, k in enumerate(["a", "b", "a", None])]
    assert run(source, *events) == [
        {"k": "a", "t": 0.0, "p": "a"},
        {"k": "b", "t": 1.0, "p": "b"},
        {"k": "a", "t": 2.0, "p": "a"},
        {"t": 3.0},
    ]


def test_a_running_result_has_the_timestamp_of_the_latest_event() -> None:
    source = "stream S = R .aggregate(n: count()) .emit(at: timestamp)"
    found = run(source, (5, {}), (3, {}))
    assert found == [{"at": "1970-01-01T00:00:05Z"}] * 2


def test_having_filters_aggregates() -> None:
    source = "stream S = R .window(2) .aggregate(t: sum(v)) .having(t > 5) .emit(t)"
    assert run(source, *values(1, 2, 4, 5)) == [{"t": 9.0}]


def test_an_array_beyond_the_bound_is_null_and_reported() -> None:
    source = (
        "stream S = R .window(3) .aggregate(n: count(), vs: collect(v)) .emit(n, vs)"
    )
    pipeline = compile_program(source, limits=tight(array_items=2))
    assert inject(pipeline, *values(1, 2, 3)) == [{"n": 3}]
    assert pipeline.metrics().stopped == {"R004": 1}
