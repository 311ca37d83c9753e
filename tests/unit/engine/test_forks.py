"""Branches of a stream (vpl.md 8.3, fork, any, all)."""

import pytest

from engine import Event, compile_program
from tests.unit.engine.programs import outputs_for, outputs_of

QUEUED = "\nstream X = S .where(false) .emit(v)"


@pytest.mark.parametrize("more", ["", QUEUED], ids=["one loop", "queue"])
def test_branches_give_their_results_in_order(more: str) -> None:
    source = "stream S = In .fork(a: .where(v > 1), b: .select(v: v * 10)) .emit(v)"
    found = outputs_of(source + more, {"v": 1}, {"v": 2})
    assert [output["v"] for output in found] == [10, 2, 20]


def test_outputs_of_branches_come_at_their_place() -> None:
    source = (
        "stream S = In\n"
        "    .fork(a: .emit as A(v), b: .where(v > 1).emit as B(v))\n"
        "    .emit as C(v)\n"
    )
    found = outputs_of(source, {"v": 2})
    assert [output["event_type"] for output in found] == ["A", "B", "C", "C"]


@pytest.mark.parametrize(
    ("gate", "kept"),
    [(".any()", [2, 3, 3]), (".any(2)", [3, 3]), (".all()", [3, 3]), ("", [2, 3, 3])],
)
def test_a_gate_asks_how_many_branches_gave_something(
    gate: str, kept: list[int]
) -> None:
    source = f"stream S = In .fork(a: .where(v > 1), b: .where(v > 2)) {gate} .emit(v)"
    found = outputs_of(source, {"v": 1}, {"v": 2}, {"v": 3})
    assert [output["v"] for output in found] == kept


def test_branches_keep_their_types_for_consumers() -> None:
    source = (
        "stream S = In .fork(a: .emit as A(v), b: .where(v > 1))\n"
        "stream OfA = A .emit(v)\n"
        "stream OfS = S .emit(kind: event_type, v)\n"
    )
    found = outputs_of(source, {"v": 2})
    taken = [o for o in found if o["event_type"] != "A"]
    assert taken == [
        {"event_type": "OfA", "v": 2},
        {"event_type": "OfS", "kind": "A", "v": 2},
        {"event_type": "OfS", "kind": "S", "v": 2},
    ]


def test_forks_stand_in_branches() -> None:
    source = (
        "stream S = In\n"
        "    .fork(a: .fork(c: .where(v > 1), d: .where(v > 2)).all(), b: .where(v > 9))\n"
        "    .any().emit(v)\n"
    )
    found = outputs_of(source, {"v": 2}, {"v": 3})
    assert [output["v"] for output in found] == [3, 3]


def test_a_pattern_tests_the_events_of_a_window() -> None:
    source = (
        "stream S = In .window(2)\n"
        "    .pattern(rising: events => events[1].v > events[0].v)\n"
        "    .emit(v)\n"
    )
    found = outputs_of(source, {"v": 2}, {"v": 3}, {"v": 5}, {"v": 4})
    assert [output["v"] for output in found] == [2, 3]


def test_skipping_drops_events_whose_evaluation_was_counted() -> None:
    source = 'stream S = In .on_error("skip") .emit(v: v + 1)'
    pipeline = compile_program(source)
    found = outputs_for(pipeline, {"v": 1}, {"v": "x"}, {"v": 3})
    assert [output["v"] for output in found] == [2, 4]
    stream = pipeline.metrics().streams["S"]
    assert stream.eval_errors == {"kind": 1}
    assert stream.state_dropped == {"events": 1}


def test_consumers_never_see_a_skipped_event() -> None:
    source = (
        'stream S = In .on_error("dead_letter") .emit(v: v + 1)\n'
        "stream T = S .process(emit_twice(v))\n"
        "stream U = T .emit(v)\n"
        "fn emit_twice(v):\n    emit V(v: v)\n    emit V(v: v)\n"
    )
    found = outputs_of(source, {"v": "x"}, {"v": 3})
    assert [o["event_type"] for o in found] == ["S", "V", "V", "U", "U"]


@pytest.mark.parametrize("more", ["", "\nstream X = S .where(false) .emit(n)"])
def test_a_skipped_event_leaves_what_was_due_before_it(more: str) -> None:
    source = (
        'stream S = In .on_error("skip") .where(v + 1 > 0)\n'
        "    .window(10ms) .aggregate(n: count()) .emit(n)" + more
    )
    pipeline = compile_program(source)
    found = []
    for ms, value in ((0, 1), (1, 2), (20, "x"), (21, 3), (40, 4)):
        event = Event("In", {"v": value}, ms * 1_000_000)
        found += [output["n"] for output in pipeline.inject(event).outputs]
    assert found == [2, 1]


def test_only_the_faulty_event_of_several_is_skipped() -> None:
    source = (
        "stream S = In .process(three(v))\n"
        'fn three(v):\n    emit V(v: v)\n    emit V(v: "x")\n    emit V(v: v + 1)\n'
        'stream T = V .on_error("skip") .emit(v: v * 2)\n'
    )
    found = outputs_of(source, {"v": 1})
    assert [o["v"] for o in found if o["event_type"] == "T"] == [2, 4]


def test_by_default_an_error_is_null() -> None:
    (output,) = outputs_of("stream S = In .emit(v: v + 1, w: 1)", {"v": "x"})
    assert output == {"event_type": "S", "w": 1}
