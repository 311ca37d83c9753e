"""The table of runs: what ended leaves nothing behind, and deadlines come in order."""

from typing import Any

import msgspec
import pytest

from engine.runtime.deadlines import BEYOND
from engine.runtime.runs import DEAD, OUT, Index, RunList, RunShape, RunTable, merged
from engine.runtime.state import FOREVER
from engine.runtime.stream_clock import StreamClock

Row = msgspec.defstruct("Row", [("ts", Any), ("f0", Any)])
ATTRIBUTES = {
    **dict.fromkeys(("n", "d", "f", "t"), 0),
    "p0": 1,
    "s0": None,
    "k0": OUT,
    "w": FOREVER,
    "e": FOREVER,
    "h": FOREVER,
}
Run = msgspec.defstruct("Run", [(n, Any, v) for n, v in ATTRIBUTES.items()], eq=False)


def table(*, moves: bool = False, keyed: bool = True) -> RunTable:
    index: Index | RunList = Index("k0", [("s0", "f0")]) if keyed else RunList()
    shape = RunShape(
        Run,
        tuple(ATTRIBUTES),
        ("p0",),
        ("s0",),
        {1: (index,)},
        (index,),
        frozenset(),
        moves=moves,
        has_keys=False,
    )
    return RunTable(shape, StreamClock())


def started(runs: RunTable, deadline: int, key: Any = "k") -> Any:
    runs.n += 1
    run = Run(runs.n, deadline, 0, 0, 1, Row(0, key))
    runs.start(run)
    return run


def test_ended_runs_are_let_go_before_their_deadline() -> None:
    runs = table()
    kept = started(runs, 10)
    for at in range(20_000):
        runs.end(started(runs, 100 + at))
    assert runs.active == 1
    assert len(runs.queue) < 5_000
    assert runs.take_due(10) == []
    assert kept.p0 != DEAD
    runs.take_due(11)
    assert kept.p0 == DEAD
    assert runs.expired == 1


@pytest.mark.parametrize("moves", [False, True])
def test_runs_expire_by_deadline_however_they_came(moves: bool) -> None:
    runs = table(moves=moves)
    all_runs = [started(runs, deadline) for deadline in (30, 10, 20, 40)]
    runs.take_due(25)
    assert [run.p0 == DEAD for run in all_runs] == [False, True, True, False]
    assert runs.due == 31
    runs.take_due(41)
    assert (runs.expired, runs.active, runs.due) == (4, 0, BEYOND)


def test_a_moved_deadline_counts_whether_it_is_nearer_or_farther() -> None:
    runs = table(moves=True)
    near, far = started(runs, 50), started(runs, 50)
    runs.moved_deadline(near, 20)
    runs.moved_deadline(far, 90)
    assert runs.due == 21
    runs.take_due(21)
    assert (near.p0, far.p0) == (DEAD, 1)
    runs.take_due(60)
    assert (far.p0, runs.due) == (1, 91)
    runs.take_due(91)
    assert (far.p0, runs.due) == (DEAD, BEYOND)


def test_the_clock_learns_of_the_nearest_deadline() -> None:
    runs = table()
    started(runs, 50)
    started(runs, 20)
    assert runs.due == runs.clock.due == 21


def test_an_index_finds_equal_keys_and_keeps_runs_by_age() -> None:
    runs = table()
    index = runs.shape.indexes[0]
    first, second, null = (
        started(runs, 9, 1),
        started(runs, 9, 1.0),
        started(runs, 9, None),
    )
    assert index.buckets[1] == [first, second]
    assert index.buckets.get(None) is None
    index.leave(first)
    assert index.buckets[1] is second
    index.enter(first)
    assert index.buckets[1] == [first, second]
    assert sorted(run.n for run in index.runs()) == [1, 2, null.n]


def test_a_list_of_runs_is_in_order_of_age_whatever_came_first() -> None:
    runs = table(keyed=False)
    index = runs.shape.indexes[0]
    assert isinstance(index, RunList)
    first, second = started(runs, 9), started(runs, 9)
    index.leave(first)
    index.enter(first)
    assert index.in_order() == [first, second]
    assert merged([second], [first, second], None) == [first, second]
