"""Builtins on arrays; some also take texts or maps."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from engine.builtins.ordering import order_key
from engine.runtime.access import holds, range_array, stored
from engine.runtime.frame import Frame, tick, too_large
from engine.runtime.operators import contains as is_in
from engine.runtime.operators import frozen, is_number
from engine.runtime.values import Function
from engine.runtime.weight import is_bounded

Value = Any


def on_array(
    apply: Callable[[list[Value]], Value],
) -> Callable[[Frame, Value], Value]:
    """Return a builtin on one array from a function on lists."""

    def call(x: Frame, array: Value) -> Value:
        return apply(array) if array.__class__ is list else x.count("kind")

    call.__name__ = apply.__name__.strip("_")
    return call


def length(x: Frame, value: Value) -> Value:
    """Return the code points of a text, the elements of an array or map."""
    if value.__class__ in {str, list, dict}:
        return len(value)
    return x.count("kind")


def first_item(array: list[Value]) -> Value:
    """Return the first element; null of an empty array."""
    return array[0] if array else None


def last_item(array: list[Value]) -> Value:
    """Return the last element; null of an empty array."""
    return array[-1] if array else None


def without_last(array: list[Value]) -> Value:
    """Return the array without its last element."""
    return array[:-1]


def reversed_items(array: list[Value]) -> Value:
    """Return the elements from the last to the first."""
    return array[::-1]


def neighbours(array: list[Value]) -> Value:
    """Return the pairs of neighbours."""
    return [[left, right] for left, right in pairwise(array)]


def unique_items(x: Frame, array: Value) -> Value:
    """Return the first of equal elements each."""
    if array.__class__ is not list:
        return x.count("kind")
    if not is_bounded(array, x):
        return None
    found: dict[Value, Value] = {}
    for item in array:
        found.setdefault(frozen(item), item)
    return list(found.values())


def push(x: Frame, array: Value, value: Value) -> Value:
    """Return the array with one more element."""
    if array.__class__ is not list:
        return x.count("kind")
    if len(array) >= x.limits.array_items:
        return too_large(x, "an array")
    return [*array, stored(value, x)]


def contains(x: Frame, container: Value, value: Value) -> Value:
    """Tell whether a value is in an array, a key in a map, a part in a text."""
    return is_in(value, container, x)


def replace_at(x: Frame, array: list[Value], at: Value, value: Value) -> Value:
    """Return the array with one element replaced."""
    if at.__class__ is not int:
        return x.count("kind")
    if not -len(array) <= at < len(array):
        return x.count("argument")
    changed = list(array)
    changed[at] = stored(value, x)
    return changed


def int_array(x: Frame, start: Value, stop: Value = None) -> Value:
    """Return the ints from 0 or `start` up to, without, the last argument."""
    if stop is None:
        return range_array(0, start, False, x)
    return range_array(start, stop, False, x)


def _numbers(x: Frame, array: Value) -> list[float] | None:
    """Return the non-null elements if all are numbers."""
    if array.__class__ is not list:
        x.count("kind")
        return None
    values = [value for value in array if value is not None]
    if not all(map(is_number, values)):
        x.count("kind")
        return None
    return values


def total(x: Frame, array: Value) -> Value:
    """Return the sum as a float, 0.0 of an empty array."""
    values = _numbers(x, array)
    return None if values is None else float(sum(values, 0.0))


def average(x: Frame, array: Value) -> Value:
    """Return the mean as a float, null of an empty array."""
    values = _numbers(x, array)
    return sum(values, 0.0) / len(values) if values else None


def variance(x: Frame, array: Value) -> Value:
    """Return the sample variance, null below two values."""
    values = _numbers(x, array)
    if values is None or len(values) < 2:
        return None
    mean = sum(values, 0.0) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def deviation(x: Frame, array: Value) -> Value:
    """Return the sample standard deviation, null below two values."""
    spread = variance(x, array)
    return None if spread is None or spread != spread else math.sqrt(spread)


def flatten(x: Frame, array: Value) -> Value:
    """Return the elements of the arrays in an array; other elements stay."""
    if array.__class__ is not list:
        return x.count("kind")
    flat: list[Value] = []
    for item in array:
        if item.__class__ is list:
            flat += item
        else:
            flat.append(item)
        if len(flat) > x.limits.array_items:
            return too_large(x, "an array")
    x.n -= len(flat)
    return flat


def zip_arrays(x: Frame, left: Value, right: Value) -> Value:
    """Return pairs of elements, as many as the shorter array has."""
    if left.__class__ is not list or right.__class__ is not list:
        return x.count("kind")
    return [list(pair) for pair in zip(left, right, strict=False)]


# --- with lambdas ----------------------------------------------------------------


def _caller(x: Frame, depth: int, function: Value, arity: int) -> Any:
    """Return a Python function that calls a lambda, None if it does not fit."""
    if function.__class__ is not Function:
        x.count("kind")
        return None
    if function.arity != arity:
        x.count("argument")
        return None

    def call(*args: Value) -> Value:
        x.n -= 1
        if x.n < 0:
            tick(x)
        return function.call(x, depth, *args)

    return call


def _each(
    x: Frame, depth: int, array: Value, function: Value
) -> tuple[list[Value], Any] | None:
    if array.__class__ is not list:
        x.count("kind")
        return None
    x.n -= len(array)
    call = _caller(x, depth, function, 1)
    return None if call is None else (array, call)


def map_items(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Return f of every element."""
    each = _each(x, depth, array, function)
    return each and [stored(each[1](item), x) for item in each[0]]


def filter_items(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Return the elements for which f is true."""
    each = _each(x, depth, array, function)
    return each and [item for item in each[0] if holds(each[1](item), x)]


def find_item(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Return the first element for which f is true, else null."""
    each = _each(x, depth, array, function)
    if each is None:
        return None
    return next((item for item in each[0] if holds(each[1](item), x)), None)


def any_item(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Tell whether f is true for some element."""
    each = _each(x, depth, array, function)
    return each and any(holds(each[1](item), x) for item in each[0])


def all_items(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Tell whether f is true for every element."""
    each = _each(x, depth, array, function)
    return each and all(holds(each[1](item), x) for item in each[0])


def count_items(x: Frame, depth: int, array: Value, function: Value = None) -> Value:
    """Return the number of elements, or of those for which f is true."""
    if function is None:
        return len(array) if array.__class__ is list else x.count("kind")
    kept = filter_items(x, depth, array, function)
    return None if kept is None else len(kept)


def reduce_items(
    x: Frame, depth: int, array: Value, start: Value, function: Value
) -> Value:
    """Return f(.. f(f(start, first), second) .., last)."""
    if array.__class__ is not list:
        return x.count("kind")
    call = _caller(x, depth, function, 2)
    if call is None:
        return None
    for item in array:
        start = call(start, item)
    return start


def sort_by(x: Frame, depth: int, array: Value, function: Value) -> Value:
    """Return the elements in ascending order of f."""
    each = _each(x, depth, array, function)
    if each is None:
        return None
    ranks = [each[1](item) for item in each[0]]
    key = order_key(ranks)
    if key is None:
        return x.count("kind")
    order = sorted(range(len(ranks)), key=lambda at: key(ranks[at]))
    return [each[0][at] for at in order]
