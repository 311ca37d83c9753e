"""What aggregates collect that is more than a number (vpl.md 9.3).

Counts, sums and extremes are attributes that generated code updates itself. The objects
here take the values that count for their function, numbers as floats where they are
about numbers.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable, Sequence
from typing import Any

from engine.runtime.frame import Frame, too_large
from engine.runtime.keys import as_key
from engine.runtime.operators import is_number
from engine.runtime.state import Codec
from engine.runtime.values import Duration, Timestamp

Value = Any


def least(present: Value, value: Value, x: Frame) -> Value:
    """Return the lesser of an extreme and a new value; null is no extreme yet."""
    return _extreme(present, value, x, is_greatest=False)


def greatest(present: Value, value: Value, x: Frame) -> Value:
    """Return the greater of an extreme and a new value; null is no extreme yet."""
    return _extreme(present, value, x, is_greatest=True)


def _extreme(present: Value, value: Value, x: Frame, *, is_greatest: bool) -> Value:
    if is_number(value):
        value = float(value)
    kind = value.__class__
    is_time = kind is Timestamp or kind is Duration
    if not (is_time or kind is str or kind is float):
        x.count("kind")
        return present
    if present is None:
        return value
    if present.__class__ is not kind:
        x.count("kind")
        return present
    beyond, within = (value.ns, present.ns) if is_time else (value, present)
    is_new = beyond > within if is_greatest else beyond < within
    return value if is_new else present


class Moments:
    """Mean and squared deviations, value by value.

    Source: B. P. Welford, Note on a method for calculating corrected sums of squares
    and products, Technometrics 4 (1962).
    """

    __slots__ = ("count", "mean", "squares")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0

    def add(self, value: float) -> None:
        """Take a number."""
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)

    def variance(self) -> float | None:
        """Return the variance of a sample, null below two values."""
        return self.squares / (self.count - 1) if self.count > 1 else None

    def stddev(self) -> float | None:
        """Return the standard deviation of a sample, null below two values."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return [self.count, self.mean, self.squares]

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.count, self.mean, self.squares = data


class Ema:
    """Exponential moving average over `n` values: k = 2 / (n + 1)."""

    __slots__ = ("k", "value")

    def __init__(self, n: float) -> None:
        self.k = 2.0 / (n + 1.0)
        self.value: float | None = None

    def add(self, value: float) -> None:
        """Take a number; the first one is the average."""
        present = self.value
        if present is None:
            self.value = float(value)
        else:
            self.value = present + self.k * (value - present)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return self.value

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.value = data


class Numbers:
    """Numbers for medians and percentiles, sorted when somebody asks."""

    __slots__ = ("_is_sorted", "values")

    def __init__(self) -> None:
        self.values: list[float] = []
        self._is_sorted = True

    def add(self, value: float) -> None:
        """Take a number."""
        self.values.append(float(value))
        self._is_sorted = False

    def percentile(self, p: float) -> float | None:
        """Return the p-th percentile, linear between neighbours; null if empty."""
        if not self._is_sorted:
            self.values.sort()
            self._is_sorted = True
        return percentile(self.values, p)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return list(self.values)

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self.values = list(data)
        self._is_sorted = False


class LatestNumbers:
    """The latest numbers, at most as many as the bound on running values, sorted."""

    __slots__ = ("_arrived", "_sorted")

    def __init__(self) -> None:
        self._arrived: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float, x: Frame) -> None:
        """Take a number and drop the oldest beyond the bound."""
        number = float(value)
        self._arrived.append(number)
        insort(self._sorted, number)
        if len(self._arrived) > x.limits.running_values:
            oldest = self._arrived.popleft()
            del self._sorted[bisect_left(self._sorted, oldest)]
            x.drop("running_values")

    def percentile(self, p: float) -> float | None:
        """Return the p-th percentile, linear between neighbours; null if empty."""
        return percentile(self._sorted, p)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return list(self._arrived)

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._arrived = deque(data)
        self._sorted = sorted(data)


def percentile(ordered: Sequence[float], p: float) -> float | None:
    """Return the p-th percentile of sorted numbers, linear between neighbours."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * p / 100.0
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    if low == high or ordered[low] == ordered[high]:
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


class DistinctValues:
    """The distinct values so far."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[Hashable, Value] = {}

    def add(self, value: Value) -> None:
        """Take a non-null value."""
        self._values.setdefault(as_key(value), value)

    def count(self) -> int:
        """Return how many distinct values there are."""
        return len(self._values)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return codec.to_data(list(self._values.values()))

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._values = {as_key(value): value for value in codec.from_data(data)}


class LatestDistinctValues:
    """The distinct ones among the latest values, bounded like all running values."""

    __slots__ = ("_arrived", "_counts")

    def __init__(self) -> None:
        self._arrived: deque[tuple[Hashable, Value]] = deque()
        self._counts: dict[Hashable, int] = {}

    def add(self, value: Value, x: Frame) -> None:
        """Take a non-null value and drop the oldest beyond the bound."""
        self._take(value)
        if len(self._arrived) > x.limits.running_values:
            oldest, _ = self._arrived.popleft()
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]
            x.drop("running_values")

    def _take(self, value: Value) -> None:
        key = as_key(value)
        self._arrived.append((key, value))
        self._counts[key] = self._counts.get(key, 0) + 1

    def count(self) -> int:
        """Return how many distinct values there are."""
        return len(self._counts)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return codec.to_data([value for _, value in self._arrived])

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._arrived.clear()
        self._counts.clear()
        for value in codec.from_data(data):
            self._take(value)


class Collected:
    """Values in order."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[Value] = []

    def add(self, value: Value) -> None:
        """Take a non-null value."""
        self._values.append(value)

    def values(self, x: Frame) -> list[Value] | None:
        """Return the values as an array, null beyond the bound on arrays (R004)."""
        if len(self._values) > x.limits.array_items:
            too_large(x, "an array")
            return None
        return list(self._values)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return codec.to_data(self._values)

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._values = codec.from_data(data)


class LatestCollected:
    """The latest values in order, bounded like all running values."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: deque[Value] = deque()

    def add(self, value: Value, x: Frame) -> None:
        """Take a non-null value and drop the oldest beyond the bound."""
        self._values.append(value)
        if len(self._values) > x.limits.running_values:
            self._values.popleft()
            x.drop("running_values")

    def values(self, x: Frame) -> list[Value] | None:
        """Return the values as an array."""
        x.n -= len(self._values)
        return list(self._values)

    def snapshot(self, codec: Codec) -> Any:
        """Return the state as JSON-able data."""
        return codec.to_data(list(self._values))

    def restore(self, data: Any, codec: Codec) -> None:
        """Take over what `snapshot` gave."""
        self._values = deque(codec.from_data(data))
