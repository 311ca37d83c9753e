"""Sorting a batch by keys of any kinds (vpl.md 8.3)."""

from collections.abc import Sequence
from typing import Any

from engine.runtime.frame import Frame
from engine.runtime.operators import is_number
from engine.runtime.values import Duration, Timestamp

Batch = list[tuple[Any, Any, Any]]
_NO_ORDER = (0, 0)  # sorts before nothing but itself: never mixed with other ranks


def sort_batch(
    batch: Batch, keys: Sequence[Sequence[Any]], descending: Sequence[bool], x: Frame
) -> Batch:
    """Return the batch in the order of `keys`, one list of values for each sort key.

    The sort is stable and puts null last either way. Numbers come before texts, texts
    before timestamps and durations; kinds without order count as null, and as errors.
    """
    order = list(range(len(batch)))
    for values, is_descending in reversed(list(zip(keys, descending, strict=True))):
        ranks = [_rank(value, x) for value in values]
        there = [at for at in order if ranks[at] is not None]
        there.sort(key=lambda at: ranks[at] or _NO_ORDER, reverse=is_descending)
        order = there + [at for at in order if ranks[at] is None]
    return [batch[at] for at in order]


def _rank(value: Any, x: Frame) -> tuple[int, Any] | None:
    """Return what a value is sorted by, None for what goes last."""
    if is_number(value):
        return 0, value
    kind = value.__class__
    if kind is str:
        return 1, value
    if kind is Timestamp or kind is Duration:
        return (2 if kind is Timestamp else 3), value.ns
    if value is not None:
        x.count("kind")
    return None
