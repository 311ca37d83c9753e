"""What must not happen, where other tests leave a sentence of vpl.md 10.4 open."""

import pytest

from engine import InvalidProgramError, compile_program
from tests.unit.engine.histories import Happening, history

PAIR = "stream S = A as a -> B as b "


def test_each_of_several_negations_cancels() -> None:
    source = PAIR + ".within(10s) .not(X) .not(Y where n == a.n) .emit(n: a.n)"
    start = ("A", 0, {"n": 1}), ("A", 1, {"n": 2})
    assert history(source, *start, ("Y", 2, {"n": 1}), ("B", 3)) == [{"n": 2}]
    assert history(source, *start, ("X", 2), ("B", 3)) == []


def test_a_negation_may_name_a_stream_and_sees_its_final_events() -> None:
    source = (
        "stream Big = X .where(v > 1) .select(w: v)\n"
        + PAIR
        + ".not(Big where w == a.n) .emit(n: a.n)"
    )
    start = ("A", 0, {"n": 1}), ("A", 0, {"n": 2}), ("A", 0, {"n": 3})
    events = ("X", 1, {"v": 1}), ("X", 2, {"v": 2}), ("B", 3)
    assert history(source, *start, *events) == [{"n": 1}, {"n": 3}]


def test_a_negated_first_event_kills_older_runs_and_starts_its_own() -> None:
    source = PAIR + ".not(A where n > a.n) .emit(n: a.n)"
    events = ("A", 0, {"n": 2}), ("A", 1, {"n": 3}), ("A", 2, {"n": 1}), ("B", 3)
    assert history(source, *events) == [{"n": 3}, {"n": 1}]


def test_a_negation_that_is_not_exactly_true_kills_nothing() -> None:
    source = PAIR + ".not(X where v > a.n) .emit(n: a.n)"
    events = ("A", 0, {"n": 2}), ("X", 1), ("X", 1, {"v": 2}), ("B", 3)
    assert history(source, *events) == [{"n": 2}]


def test_a_negated_step_type_kills_before_the_event_can_fit() -> None:
    source = "stream S = A -> B where v > 5 as b .not(B where v > 8) .emit(v: b.v)"
    events = ("A", 0), ("B", 1, {"v": 9}), ("A", 2), ("B", 3, {"v": 7})
    assert history(source, *events) == [{"v": 7}]


def test_a_negation_before_the_last_two_cancels_a_waiting_absence() -> None:
    source = "stream S = A as a .not(X) .not(Y) .within(5s) .emit(n: a.n)"
    for killer in ("X", "Y"):
        events = ("A", 0, {"n": 1}), (killer, 1), ("A", 4, {"n": 2}), ("A", 20)
        assert history(source, *events) == [{"n": 2}]


def test_a_filter_after_an_absence_sees_the_match() -> None:
    source = "stream S = A as a .not(X) .within(5s) .where(a.n > 1) .emit(n: a.n)"
    events = ("A", 0, {"n": 1}), ("A", 1, {"n": 2}), ("A", 20)
    assert history(source, *events) == [{"n": 2}]


def test_a_last_step_after_the_deadline_of_an_absence_is_too_late() -> None:
    source = PAIR + ".not(X) .within(10s) .emit(n: a.n)"
    assert history(source, ("A", 0), ("B", 10.001), ends=True) == []
    assert len(history(source, ("A", 0), ("B", 10), ends=True)) == 1


def test_an_absence_after_a_repeated_step_matches_once_with_all_it_took() -> None:
    source = (
        "stream S = A as a -> all B as b .not(X) .within(10s) "
        ".emit(n: len(b), t: timestamp)"
    )
    start: tuple[Happening, ...] = (("A", 0), ("B", 4), ("B", 5))
    assert history(source, *start, ("B", 12)) == [{"n": 2, "t": "1970-01-01T00:00:05Z"}]
    assert history(source, *start, ("X", 6), ("B", 12)) == []


def test_a_last_negation_of_a_pattern_counts_until_its_deadline() -> None:
    source = (
        "pattern P = SEQ(A as a, NOT B where n > a.n) within 5s\n"
        "stream S = P .emit(n: a.n)"
    )
    start: Happening = ("A", 0, {"n": 1})
    assert history(source, start, ("B", 5, {"n": 2}), ends=True) == []
    assert history(source, start, ("B", 5, {"n": 1}), ends=True) == [{"n": 1}]
    assert history(source, start, ("B", 5.001, {"n": 2})) == [{"n": 1}]


def test_a_match_of_an_absence_has_the_fields_of_its_last_event() -> None:
    source = PAIR + ".not(X) .within(5s) .emit(n: n, type: event_type)"
    events = ("A", 0, {"n": 1}), ("B", 1, {"n": 2}), ("A", 20, {"n": 3})
    assert history(source, *events) == [{"n": 2, "type": "S"}]


def test_what_looks_like_the_awaited_step_is_no_mistake_in_an_absence() -> None:
    source = PAIR + ".not(B) .within(5s) .emit(n: 1)"
    assert compile_program(source).diagnostics == ()
    assert history(source, ("A", 0), ("B", 1), ("B", 2), ends=True) == []
    assert history(source, ("A", 0), ("B", 1), ends=True) == [{"n": 1}]


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("stream S = A .not(X)", {"E021"}),
        ("stream S = A .not(X) -> B .emit(n: 1)", {"E025"}),
        ("pattern P = SEQ(NOT A, B)\nstream S = P", {"E022"}),
        ("pattern P = NOT A AND NOT B within 5s\nstream S = P", {"E022"}),
        ("pattern P = A OR NOT B within 5s\nstream S = P", {"E022"}),
        ("pattern P = A? AND NOT B within 5s\nstream S = P", {"E022"}),
    ],
)
def test_a_negation_in_the_wrong_place_is_refused(source: str, codes: set[str]) -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(source)
    assert {found.code for found in caught.value.diagnostics} == codes
