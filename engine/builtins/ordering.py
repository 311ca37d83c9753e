"""Order of values inside arrays: numbers, texts, timestamps or durations, unmixed."""

from collections.abc import Callable
from typing import Any

from engine.runtime.frame import Frame
from engine.runtime.operators import is_number
from engine.runtime.values import Duration, Timestamp

Value = Any


def order_key(values: list[Value]) -> Callable[[Value], Any] | None:
    """Return the key that orders `values`, None if they have no order."""
    if all(map(is_number, values)) or all(value.__class__ is str for value in values):
        return _itself
    for kind in (Timestamp, Duration):
        if all(value.__class__ is kind for value in values):
            return _nanoseconds
    return None


def _itself(value: Value) -> Any:
    return value


def _nanoseconds(value: Value) -> Any:
    return value.ns


def sort(x: Frame, array: Value) -> Value:
    """Return the elements in ascending order."""
    if array.__class__ is not list:
        return x.count("kind")
    key = order_key(array)
    return x.count("kind") if key is None else sorted(array, key=key)


def extreme(array: list[Value], x: Frame, *, is_greatest: bool) -> Value:
    """Return the least or greatest element; null of an empty array."""
    if not array:
        return None
    key = order_key(array)
    if key is None:
        return x.count("kind")
    return max(array, key=key) if is_greatest else min(array, key=key)
