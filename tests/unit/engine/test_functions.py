"""User functions and lambdas."""

import pytest

from engine import Event, Limits, compile_program
from tests.unit.engine.programs import outputs_for, outputs_of, value_of, values_of


def test_a_function_without_a_value_gives_null() -> None:
    assert value_of("f()", {}, "fn f():\n    let a = 1") is None


def test_the_last_executed_expression_is_the_value() -> None:
    more = "fn f(n):\n    1\n    if n > 3:\n        2\n    let k = 5"
    assert value_of("f(9)", {}, more) == 2
    assert value_of("f(1)", {}, more) == 1


def test_float_parameters_and_results_widen_ints() -> None:
    more = "fn f(a: float): a\nfn g(a) -> float: return a\nfn h(a) -> float: a"
    got = values_of('a: f(1), b: g(2), c: h(3), d: g("x")', {}, more)
    assert got == {"a": 1.0, "b": 2.0, "c": 3.0, "d": "x"}
    assert [type(got[name]) for name in "abc"] == [float] * 3


def test_a_null_parameter_shadows_a_field() -> None:
    assert value_of("f(zap)", {"a": 1}, "fn f(a): return a") is None


def test_assignment_finds_local_then_global_then_makes_a_local() -> None:
    more = (
        "var total = 1\n"
        "fn f():\n    var k = 1\n    k := k + 1\n    total := total + k\n"
        "    fresh := 7\n    return [k, total, fresh]"
    )
    got = values_of("a: f(), b: total, c: fresh", {"x": 1}, more)
    assert got == {"a": [2, 3, 7], "b": 3}


def test_for_runs_over_every_iterable_kind() -> None:
    more = (
        "fn f(v):\n    var seen = []\n    for x in v: seen := push(seen, x)\n"
        "    return seen"
    )
    cases = {
        "3": [0, 1, 2],
        "[5, 6]": [5, 6],
        '"né"': ["n", "é"],
        "{p: 1}": [["p", 1]],
        "2..4": [2, 3],
        "true": [],
        "zap": [],
    }
    for text, wanted in cases.items():
        assert value_of(f"f({text})", {}, more) == wanted


def test_for_spreads_the_members_of_a_map() -> None:
    more = (
        'fn f(m):\n    var out = ""\n'
        "    for k, v in m: out := out + k + to_string(v)\n    return out"
    )
    assert value_of("f({p: 1, q: 2})", {}, more) == "p1q2"


def test_a_missing_range_bound_means_no_turn() -> None:
    more = "fn f(n):\n    for i in 0..n: return i\n    return -1"
    assert value_of("f(zap)", {}, more) == -1


def test_lambdas_capture_locals_as_they_are_when_called() -> None:
    more = (
        "fn f(xs):\n    var k = 1\n    let add = x => x + k\n    k := 10\n"
        "    return map(xs, add)"
    )
    assert value_of("f([1, 2])", {}, more) == [11, 12]


def test_a_lambda_block_may_assign_a_captured_local() -> None:
    more = (
        "fn f(xs):\n    var total = 0\n"
        "    map(xs, x => { total := total + x; total })\n    return total"
    )
    assert value_of("f([1, 2, 3])", {}, more) == 6


def test_lambdas_read_fields_and_each_other() -> None:
    got = values_of(
        "a: map(xs, x => x * k), b: reduce(xs, 0, (s, x) => s + x), c: dbl(4),"
        "d: map(xs, x => map(xs, y => x * y))",
        {"xs": [1, 2], "k": 3},
        "let dbl = x => x * 2",
    )
    assert got == {"a": [3, 6], "b": 3, "c": 8, "d": [[1, 2], [2, 4]]}


def test_a_lambda_of_the_wrong_arity_is_counted() -> None:
    pipeline = compile_program("stream R = In .emit(a: map([1], (x, y) => x))")
    assert outputs_for(pipeline, {}) == [{"event_type": "R"}]
    assert pipeline.metrics().errors == {"argument": 1}


def test_a_function_reads_the_aliases_of_its_caller() -> None:
    source = (
        "fn twice(): return q.v * 2\n"
        "stream A = In as q .emit(r: twice())\n"
        "stream B = In .emit(r: twice(), w: q_v)"
    )
    got = outputs_of(source, {"v": 4, "q_v": 100})
    assert got == [
        {"event_type": "A", "r": 8},
        {"event_type": "B", "r": 200, "w": 100},
    ]


def test_a_user_function_hides_a_builtin() -> None:
    assert value_of("abs(-1)", {}, "fn abs(n): return 99") == 99


@pytest.mark.parametrize("limit", [5, 200])
def test_recursion_beyond_the_limit_is_null_and_reported(limit: int) -> None:
    source = (
        "fn depth(n): return if n == 0 then 0 else 1 + (depth(n - 1) ?? 100)\n"
        "stream R = In .emit(r: depth(n))"
    )
    pipeline = compile_program(source, limits=Limits(recursion_depth=limit))
    fine = pipeline.inject(Event("In", {"n": limit - 1}))
    assert fine.outputs == [{"event_type": "R", "r": limit - 1}]
    assert fine.errors == []
    deep = pipeline.inject(Event("In", {"n": limit}))
    assert deep.outputs == [{"event_type": "R", "r": limit + 100}]
    assert [fault["code"] for fault in deep.errors] == ["R002"]
    assert deep.errors[0]["stream"] == "R"


def test_recursion_through_lambdas_reaches_the_same_limit() -> None:
    source = (
        "fn f(n): return if n == 0 then 0 else first(map([n], x => f(x - 1))) + 1\n"
        "stream R = In .emit(r: f(n))"
    )
    pipeline = compile_program(source)
    assert outputs_for(pipeline, {"n": 90}) == [{"event_type": "R", "r": 90}]
    reply = pipeline.inject(Event("In", {"n": 5000}))
    assert [fault["code"] for fault in reply.errors] == ["R002"]


# --- exact forms -------------------------------------------------------------------

KERNEL = """
fn kernel(a: float, n: int) -> float:
    var total = 0.0
    var i = 0
    while i < n:
        if i % 3 == 0:
            total := total + a * i
        else:
            total := total - a / 2.0
        i := i + 1
    return total
"""


def test_a_typed_kernel_gets_an_exact_form() -> None:
    pipeline = compile_program(KERNEL + "stream R = In .emit(r: kernel(a, n))")
    source = pipeline.explain_source()
    assert "_exact(" in source
    exact = source[: source.index("def fn0(")]
    assert ".__class__" not in exact
    assert outputs_for(pipeline, {"a": 2.0, "n": 4}) == [{"event_type": "R", "r": 4.0}]


@pytest.mark.parametrize(
    "body",
    [
        "return a + field",
        "emit X(a: a); return a",
        "if a > 3: let k = 1\n    return k",
        "return kernel(a, n)",
        'var k = a\n    k := "text"\n    return k',
        "shared := a; return a",
        'return len("x") + a',
    ],
)
def test_what_cannot_be_proven_stays_general(body: str) -> None:
    more = f"var shared = 0\nfn kernel(a: int, n: int):\n    {body}"
    source = f"{more}\nstream R = In .emit(r: kernel(1, 2))"
    assert "_exact(" not in compile_program(source).explain_source()


def test_an_exact_form_that_gives_up_is_done_again() -> None:
    more = "fn f(a: int, b: int) -> int: return a * a / b"
    assert value_of("f(6, 4)", {}, more) == 9
    pipeline = compile_program(f"{more}\nstream R = In .emit(r: f(a, b), n: 1)")
    assert outputs_for(pipeline, {"a": 2**40, "b": 1}, {"a": 1, "b": 0}) == [
        {"event_type": "R", "n": 1},
        {"event_type": "R", "n": 1},
    ]
    assert pipeline.metrics().errors == {"overflow": 1, "zero_division": 1}


def test_an_exact_form_is_passed_by_for_other_kinds() -> None:
    more = "fn f(a: int, b: int): return a + b"
    assert value_of("f(s, s)", {"s": "x"}, more) == "xx"
    assert value_of("f(zap, 1)", {}, more) is None
    assert value_of("f(h, 1)", {"h": 1.5}, more) == 2.5


@pytest.mark.parametrize(
    "more",
    ["let a = b\nlet b = 1", "let a = f()\nlet b = 1\nfn f(): b"],
)
def test_a_global_is_null_until_its_declaration_ran(more: str) -> None:
    assert values_of("a: a, b: b", more=more) == {"b": 1}


def test_a_global_set_before_is_seen_by_functions_at_load() -> None:
    more = "let b = 1\nlet a = f()\nfn f(): b"
    assert value_of("a", more=more) == 1
