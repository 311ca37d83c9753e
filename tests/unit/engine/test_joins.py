"""Joins sentence by sentence (vpl.md section 11)."""

from typing import Any

import pytest

from engine import Event, InvalidProgramError, Pipeline, compile_program
from tests.unit.engine.programs import tight

S = 1_000_000_000
PAIR = "stream J = join(A, B) .on(A.k == B.k)"


def give(pipeline: Pipeline, *events: tuple[str, int, dict[str, Any]]) -> list[Any]:
    """Inject events as (type, seconds, fields) and return all outputs."""
    outputs: list[Any] = []
    for event_type, at, fields in events:
        outputs += pipeline.inject(Event(event_type, fields, at * S)).outputs
    return outputs


def test_an_event_exactly_as_old_as_the_window_still_counts() -> None:
    pipeline = compile_program(f"{PAIR} .window(5s) .emit(a: A.n, b: B.n)")
    got = give(pipeline, ("A", 0, {"k": 1, "n": 1}), ("B", 5, {"k": 1, "n": 2}))
    assert [(o["a"], o["b"]) for o in got] == [(1, 2)]
    assert give(pipeline, ("B", 6, {"k": 1, "n": 3})) == []


def test_without_a_window_partners_count_for_a_minute() -> None:
    pipeline = compile_program(f"{PAIR} .emit(a: A.n)")
    assert len(give(pipeline, ("A", 0, {"k": 1, "n": 1}), ("B", 60, {"k": 1}))) == 1
    assert give(pipeline, ("B", 61, {"k": 1})) == []


def test_a_count_window_never_ends_by_time() -> None:
    pipeline = compile_program(f"{PAIR} .window(1) .emit(a: A.n)")
    events = [("A", 0, {"k": 1, "n": 1}), ("A", 1, {"k": 1, "n": 2})]
    got = give(pipeline, *events, ("B", 10**9, {"k": 1}))
    assert [o["a"] for o in got] == [2]


def test_a_joined_event_has_a_map_per_source_and_all_plain_fields() -> None:
    pipeline = compile_program("stream J = join(A, B as X) .on(A.k == X.k) .emit()")
    got = give(pipeline, ("A", 0, {"k": 1, "v": 2}), ("B", 1, {"k": 1.0, "w": 3}))
    assert got == [
        {
            "event_type": "J",
            "A": {"k": 1, "v": 2},
            "X": {"k": 1.0, "w": 3},
            "k": 1,
            "v": 2,
            "w": 3,
        }
    ]


def test_consumers_read_the_parts_of_a_joined_event() -> None:
    source = f"{PAIR}\nstream C = J .emit(v, a: A.v, t: event_type)"
    got = give(
        compile_program(source),
        ("A", 0, {"k": 1, "v": 2}),
        ("B", 1, {"k": 1, "v": 3}),
    )
    assert got == [{"event_type": "C", "v": 2, "a": 2, "t": "J"}]


def test_true_is_not_one_and_null_never_joins() -> None:
    pipeline = compile_program(f"{PAIR} .emit(n: 1)")
    keys: list[Any] = [True, 1, None, [1, {"a": True}], {"x": [1]}]
    for at, key in enumerate(keys):
        give(pipeline, ("A", at, {"k": key}))
    assert len(give(pipeline, ("B", 5, {"k": 1.0}))) == 1
    assert len(give(pipeline, ("B", 5, {"k": True}))) == 1
    assert len(give(pipeline, ("B", 5, {"k": [1.0, {"a": True}]}))) == 1
    assert len(give(pipeline, ("B", 5, {"k": {"x": [1.0]}}))) == 1
    assert (
        give(pipeline, ("B", 5, {"k": None}), ("B", 5, {}), ("B", 5, {"k": []})) == []
    )


def test_keys_may_be_expressions_with_builtins() -> None:
    source = "stream J = join(A, B) .on(lower(A.k) == B.k + B.l) .emit(n: A.n)"
    pipeline = compile_program(source)
    got = give(pipeline, ("A", 0, {"k": "XY", "n": 1}), ("B", 0, {"k": "x", "l": "y"}))
    assert [o["n"] for o in got] == [1]


def test_an_older_partner_is_not_tried() -> None:
    source = "stream J = join(A, B) .on(A.k == B.k and A.v > 5) .emit(v: A.v)"
    pipeline = compile_program(source)
    events = [("A", 0, {"k": 1, "v": 9}), ("A", 1, {"k": 1, "v": 3})]
    assert give(pipeline, *events, ("B", 2, {"k": 1})) == []


def test_functions_read_the_sources_of_the_join() -> None:
    source = (
        "fn near(): return abs(A.v - B.v) < 2\n"
        "stream J = join(A, B) .on(A.k == B.k and near()) .emit(v: B.v)"
    )
    pipeline = compile_program(source)
    give(pipeline, ("A", 0, {"k": 1, "v": 9}))
    assert give(pipeline, ("B", 0, {"k": 1, "v": 5})) == []
    assert [o["v"] for o in give(pipeline, ("B", 0, {"k": 1, "v": 8}))] == [8]


def test_parts_may_have_filters_and_conditions_of_their_own() -> None:
    source = (
        "stream J = join(stream Up = T.where(d > 0).on(Up.k == Down.k), "
        "stream Down = T.where(d < 0)) .emit(up: Up.d, down: Down.d)"
    )
    got = give(
        compile_program(source), ("T", 0, {"k": 1, "d": 1}), ("T", 1, {"k": 1, "d": -2})
    )
    assert [(o["up"], o["down"]) for o in got] == [(1, -2)]


def test_at_most_a_thousand_events_per_key_are_kept() -> None:
    limits = tight(join_events_per_key=3)
    pipeline = compile_program(f"{PAIR} .emit(a: A.n)", limits=limits)
    for at in range(5):
        give(pipeline, ("A", at, {"k": 1, "n": at}), ("A", at, {"k": 2, "n": at}))
    assert pipeline.metrics().streams["J"].state_dropped == {"join": 4}


def test_keys_that_are_too_many_go_and_are_counted() -> None:
    pipeline = compile_program(
        f"{PAIR} .window(1) .emit(n: A.n)", limits=tight(partitions=2)
    )
    for at, key in enumerate("xyz"):
        give(pipeline, ("A", at, {"k": key, "n": at}))
    assert give(pipeline, ("B", 5, {"k": "x"})) == []
    assert len(give(pipeline, ("B", 5, {"k": "y"}))) == 1
    assert pipeline.metrics().streams["J"].state_dropped == {"join_keys": 1}


def test_memory_follows_the_window() -> None:
    pipeline = compile_program(f"{PAIR} .window(10s) .emit(n: A.n)")
    for at in range(1000):
        give(pipeline, ("A", at, {"k": f"key {at}", "n": at}))
    (kept,) = (
        data
        for place, data in pipeline.checkpoint()["streams"]["J"]["states"].items()
        if place.startswith("join0")
    )
    assert len(kept) == 11


def test_partners_are_found_again_after_a_restore() -> None:
    source = "stream J = join(A, B) .on(A.k == B.k and A.g == B.g) .emit(n: A.n)"
    before = compile_program(source)
    payload = b'{"event_type":"A","timestamp":0,"k":[1,true],"g":{"x":1},"n":7}'
    before.inject_batch(payload)
    before.inject_batch(b'{"event_type":"A","timestamp":0,"k":1,"g":"y","n":8}')
    after = compile_program(source)
    after.restore(before.checkpoint())
    got = give(
        after, ("B", 1, {"k": [1, True], "g": {"x": 1}}), ("B", 1, {"k": 1, "g": "y"})
    )
    assert [o["n"] for o in got] == [7, 8]


@pytest.mark.parametrize("window", ["0", "-1", '"x"', "1.5"])
def test_a_window_of_no_size_is_refused(window: str) -> None:
    with pytest.raises(InvalidProgramError, match=r"line 1: '\.window' wants"):
        compile_program(f"{PAIR} .window({window}) .emit(n: 1)")
