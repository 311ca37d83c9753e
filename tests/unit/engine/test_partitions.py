"""Bounded tables of states and the order in which they are due."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.limits import Limits
from engine.runtime.clock import SystemClock
from engine.runtime.deadlines import EndHeap, EndQueue
from engine.runtime.frame import Budget, Frame
from engine.runtime.partitions import Partitions, Slot, entry_class
from engine.runtime.state import FOREVER

SLOTS = (Slot("n"),)


def table(limit: int) -> tuple[Partitions, Frame]:
    limits = Limits(partitions=limit)
    frame = Frame("S", Budget(1.0), limits, SystemClock())
    made = Partitions(entry_class(SLOTS), SLOTS)
    made.bind(frame, limits)
    return made, frame


def use(partitions: Partitions, key: Any) -> None:
    """Do what generated code does with the entry of a key."""
    entry = partitions.table.get(key)
    if entry is None:
        entry = partitions.new(key)
        entry.n = 0
        partitions.add(entry)
    elif partitions.tracks:
        partitions.touch(entry)
    entry.n += 1


@given(st.integers(1, 3), st.lists(st.sampled_from("abcdefgh"), max_size=60))
def test_a_small_table_keeps_the_keys_used_last(limit: int, keys: list[str]) -> None:
    partitions, frame = table(limit)
    kept: list[str] = []
    drops = 0
    for key in keys:
        use(partitions, key)
        if key in kept:
            kept.remove(key)
        elif len(kept) == limit:
            kept.pop(0)
            drops += 1
        kept.append(key)
    assert set(partitions.table) == set(kept)
    assert frame.dropped.get("partitions", 0) == drops


def test_a_large_table_goes_by_opening_until_it_is_half_full() -> None:
    partitions, _ = table(10)
    for key in range(4):
        use(partitions, key)
    use(partitions, 0)
    assert not partitions.tracks
    for key in range(4, 8):
        use(partitions, key)
    assert partitions.tracks
    use(partitions, 1)
    for key in range(8, 12):
        use(partitions, key)
    assert set(partitions.table) == {1, *range(3, 12)}


@dataclass
class Ending:
    end: int
    name: int
    opened: int = field(default=0)


ENDS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=40)


@given(ENDS)
def test_the_line_gives_what_is_due_by_end_then_by_opening(
    steps: list[tuple[int, bool]],
) -> None:
    queue, waiting = EndQueue(), list[Ending]()
    for name, (end, takes) in enumerate(steps):
        if takes:
            due = sorted((e for e in waiting if e.end <= end), key=lambda e: e.end)
            assert list(queue.pop_until(end)) == due
            waiting = [e for e in waiting if e.end > end]
        else:
            waiting.append(Ending(end, name))
            queue.push(waiting[-1])
        assert queue.due == min((e.end for e in waiting), default=FOREVER)
        assert queue.in_order() == sorted(waiting, key=lambda e: e.end)


@given(ENDS)
def test_the_heap_asks_entries_for_their_present_end(
    steps: list[tuple[int, bool]],
) -> None:
    heap, waiting = EndHeap(), list[Ending]()
    for name, (end, takes) in enumerate(steps):
        if takes:
            due = sorted((e for e in waiting if e.end <= end), key=lambda e: e.end)
            assert list(heap.pop_until(end)) == due
            waiting = [e for e in waiting if e.end > end]
            for entry in waiting:
                entry.end += 1
        else:
            waiting.append(Ending(end, name))
            heap.open(waiting[-1])
        assert heap.due <= min((e.end for e in waiting), default=FOREVER)
