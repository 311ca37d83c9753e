"""Steps, their filters and their matches, where other tests leave vpl.md 10 open."""

import pytest

from engine import InvalidProgramError, compile_program
from tests.unit.engine.histories import Happening, feed, history

PAIR = "stream S = A as a -> B as b "


@pytest.mark.parametrize(
    "operation",
    [
        *(".emit(n: 1)", ".select(n: 1)", ".limit(1)", ".distinct(n)", ".map(e => e)"),
        *(".process(1)", ".window(5)", ".first()", ".order_by(n)"),
    ],
)
def test_between_steps_other_operations_are_refused(operation: str) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(f"stream S = A -> B {operation} -> C .emit(n: 1)")
    assert "E025" in {found.code for found in caught.value.diagnostics}


@pytest.mark.parametrize(
    "source", ["merge(A, B)", "join(A, B) .on(A.k == B.k)", "timer(5s)"]
)
def test_these_sources_cannot_start_a_sequence(source: str) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(f"stream S = {source} -> C .emit(n: 1)")
    assert "E022" in {found.code for found in caught.value.diagnostics}


@pytest.mark.parametrize("bound", ["5", "0s", "-1s"])
def test_a_bound_is_a_duration_above_zero(bound: str) -> None:
    for source in (
        f"stream S = A -> B .within({bound}) .emit(n: 1)",
        f"stream S = sequence(a: A, b: B .within({bound})) .emit(n: 1)",
        f"pattern P = SEQ(A, B) within {bound}\nstream S = P .emit(n: 1)",
    ):
        with pytest.raises(InvalidProgramError) as caught:
            compile_program(source)
        assert [found.code for found in caught.value.diagnostics] == ["E061"]


def test_a_bound_may_be_a_constant_expression() -> None:
    for source in (
        "const d = 5s\nstream S = A -> B .within(d * 2) .emit(n: 1)",
        "let d = 5s\npattern P = SEQ(A, B) within d * 2\nstream S = P .emit(n: 1)",
    ):
        assert history(source, ("A", 0), ("B", 10)) == [{"n": 1}]
        assert history(source, ("A", 0), ("B", 10.001)) == []


def test_filters_may_read_the_step_itself_by_alias_or_type() -> None:
    events = ("A", 0), ("B", 1, {"v": 3}), ("B", 2, {"v": 4})
    for own, alias in (("b", " as b"), ("B", "")):
        source = f"stream S = A -> B where {own}.v > 3{alias} .emit(v: {own}.v)"
        assert history(source, *events) == [{"v": 4}]


def test_filters_may_read_the_implicit_names_of_the_candidate() -> None:
    test = 'timestamp >= @1970-01-01T00:00:02Z and event_type == "B"'
    source = f"stream S = A -> B where {test} as b .emit(v: b.v)"
    events = ("A", 0), ("B", 1, {"v": 1}), ("B", 2, {"v": 2})
    assert history(source, *events) == [{"v": 2}]


def test_a_filter_of_unlike_kinds_rejects_and_is_counted() -> None:
    pipeline = compile_program("stream S = A as a -> B where v > a.v .emit(n: 1)")
    assert feed(pipeline, ("A", 0, {"v": "x"}), ("B", 1, {"v": 1})) == []
    assert pipeline.metrics().streams["S"].eval_errors == {"kind": 1}


def test_globals_in_filters_have_their_present_value() -> None:
    source = (
        "var least = 1\n"
        "fn raise():\n    least := least + 1\n    true\n"
        "stream Up = U .where(raise())\n"
        "stream S = A -> B where v > least as b .emit(v: b.v)"
    )
    events = ("A", 0), ("U", 1), ("B", 2, {"v": 2}), ("B", 3, {"v": 3})
    assert history(source, *events) == [{"v": 3}]


def test_both_sides_of_an_and_stand_in_the_order_of_the_pattern() -> None:
    source = "pattern P = A as a AND B as b\nstream S = P .emit()"
    wanted = {"stream": "S", "match_duration_ms": 1000, "a_n": 2, "b_n": 1}
    (got,) = history(source, ("B", 0, {"n": 1}), ("A", 1, {"n": 2}))
    assert list(got.items()) == list(wanted.items())


def test_bare_names_read_the_event_that_completed_an_and() -> None:
    source = "pattern P = A as a AND B as b\nstream S = P .emit(n, m)"
    assert history(source, ("B", 0, {"n": 1, "m": 5}), ("A", 1, {"n": 2})) == [{"n": 2}]


def test_steps_without_alias_add_no_fields() -> None:
    source = "pattern P = A OR B\nstream S = P .emit()"
    events: tuple[Happening, ...] = (("B", 0, {"n": 1}), ("A", 1, {"n": 2}))
    assert history(source, *events) == [{"stream": "S", "match_duration_ms": 0}] * 2


def test_a_step_as_bare_name_is_its_event() -> None:
    source = PAIR + ".emit(a: a, keys: keys(b))"
    events = ("A", 0, {"v": 1, "w": 2}), ("B", 1, {"v": 3})
    assert history(source, *events) == [{"a": {"v": 1, "w": 2}, "keys": ["v"]}]


def test_several_keys_of_a_pattern_are_one_array() -> None:
    source = (
        "pattern P = SEQ(A, B) partition by k, j\nstream S = P .emit(p: _partition)"
    )
    events = ("A", 0, {"k": 1, "j": 2}), ("B", 1, {"k": 1, "j": 3})
    assert history(source, *events, ("B", 2, {"k": 1, "j": 2})) == [{"p": [1, 2]}]


def test_a_pattern_may_be_repeated_as_first_step() -> None:
    source = (
        "pattern P = SEQ(A as a, B)\n"
        "stream S = all P as p -> C .emit(n: p.map(m => m.a_n))"
    )
    pairs: list[Happening] = [
        happening for n in (1, 2) for happening in (("A", n, {"n": n}), ("B", n))
    ]
    assert history(source, *pairs, ("C", 9)) == [{"n": [1, 2]}, {"n": [2]}]


def test_a_tick_may_be_a_step() -> None:
    source = (
        "stream T = timer(5s) .select(n: tick)\n"
        "stream S = T as t -> A as a .emit(tick: t.n, a: a.n)\n"
        "stream U = Timer_T as t -> A .emit(u: t.tick)"
    )
    events = [("A", at, {"n": at}) for at in (0, 6, 11)]
    assert history(source, *events) == [
        *({"tick": 0, "a": 6}, {"u": 0}, {"tick": 1, "a": 11}, {"u": 1}),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "stream S = all A as a .within(5s) .emit(n: len(a))",
        "pattern P = A+ as a within 5s\nstream S = P .emit(n: len(a))",
    ],
)
def test_a_repeated_step_alone_runs_until_its_deadline(source: str) -> None:
    got = history(source, *(("A", at) for at in (0, 3, 5, 6)))
    assert [found["n"] for found in got] == [1, 2, 1, 3, 2, 1, 3, 2, 1]


def test_a_negation_ends_the_runs_of_a_repeated_step() -> None:
    source = "stream S = all A as a .not(X where v > 1) .emit(n: len(a))"
    events: list[Happening] = [("A", 0), ("X", 1, {"v": 1}), ("A", 2)]
    got = history(source, *events, ("X", 3, {"v": 2}), ("A", 4))
    assert [found["n"] for found in got] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("bounds", "last", "taken"),
    [
        (("5s", ""), 100, [2, 2, 1]),  # taking ends, waiting does not
        (("5s", ".within(3s)"), 6.5, [2, 2, 1]),  # 0 and 4, then 3 s from 4 on
        (("5s", ".within(3s)"), 7, [2, 2, 1]),
        (("5s", ".within(3s)"), 7.5, [2, 1]),
        (("2s", ".within(30s)"), 10, [1, 2, 1]),
        (("9s", ".within(1s)"), 6.5, [3, 2, 1]),  # each further event delays the hop
        (("9s", ".within(1s)"), 7.5, []),
    ],
)
def test_a_repeated_first_step_has_a_bound_of_its_own(
    bounds: tuple[str, str], last: float, taken: list[int]
) -> None:
    source = (
        f"stream S = all A as a .within({bounds[0]}) -> B {bounds[1]} .emit(n: len(a))"
    )
    got = history(source, ("A", 0), ("A", 4), ("A", 6), ("B", last))
    assert [found["n"] for found in got] == taken


def test_operations_after_a_written_out_sequence_belong_to_its_last_step() -> None:
    source = (
        "stream S = sequence(a: A, b: B) .where(v > 5) .within(2s) -> C .emit(v: b.v)"
    )
    assert compile_program(source).diagnostics == ()
    events: list[Happening] = [("A", 0), ("B", 1, {"v": 1}), ("B", 2, {"v": 6})]
    assert history(source, *events, ("C", 9)) == [{"v": 6}]
    late: list[Happening] = [("A", 0), ("B", 2.5, {"v": 6}), ("C", 9)]
    assert history(source, *late) == []


def test_operations_after_a_single_step_written_out_belong_to_it() -> None:
    source = "stream S = sequence(a: A) .where(v > 5) -> C .emit(v: a.v)"
    events: list[Happening] = [("A", 0, {"v": 1}), ("A", 1, {"v": 6}), ("C", 2)]
    assert history(source, *events) == [{"v": 6}]


@pytest.mark.parametrize(
    "place", ["A as a {d} -> B -> C", "A as a -> B {d} -> C", "A as a -> B -> C {d}"]
)
def test_a_declaration_means_the_same_wherever_it_stands(place: str) -> None:
    declared = ".watermark(out_of_order: 5s) .allowed_lateness(1s)"
    source = f"stream S = {place.replace('{d}', declared)} .emit(n: a.n)"
    events: list[Happening] = [("A", 20, {"n": 1}), ("A", 1, {"n": 2}), ("B", 21)]
    assert history(source, *events, ("C", 22)) == [{"n": 1}]
    assert history(source.replace(declared, ""), *events, ("C", 22)) != [{"n": 1}]
