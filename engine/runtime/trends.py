"""Statistics over the trends of a match, without enumerating them (vpl.md section 20).

A trend chooses a non-empty in-order subset of the events of every repeated step. Counts
and sums are carried from event to event: each event adds to what its possible
predecessors have. Source: O. Poppe, C. Lei, E. A. Rundensteiner, D. Maier, GRETA:
Graph-based real-time event trend aggregation, PVLDB 11 (2017). Counts are exact ints and
sums exact multiples of a power of two, so results are rounded once and do not depend on
an order of summation.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

from engine.runtime.aggregates import greatest, least
from engine.runtime.frame import Frame, tick

INT_END: Final = 2**63
"""The first count that is given as a float."""


class Amounts:
    """The values of an argument, one for each event of a step, as exact numbers.

    Each is an int times 2**-`shift`; null counts as nothing, values of other kinds are
    counted as errors.
    """

    __slots__ = ("numbers", "shift")

    def __init__(self, values: Iterable[Any], x: Frame) -> None:
        ratios = [_ratio(value, x) for value in values]
        self.shift = max((shift for _, shift in ratios), default=0)
        self.numbers = [number << (self.shift - shift) for number, shift in ratios]


def _ratio(value: Any, x: Frame) -> tuple[int, int]:
    """Return the int and the shift of a number, zero for anything else."""
    if value.__class__ is int:
        return value, 0
    if value.__class__ is float:
        number, divisor = value.as_integer_ratio()
        return number, divisor.bit_length() - 1
    if value is not None:
        x.count("kind")
    return 0, 0


class StepTrends:
    """The choices among the events of one step.

    `count` is how many there are, `events` in how many of them events take part, one
    by one, and `sums` the sum of each of `amounts` over all of them.
    """

    __slots__ = ("amounts", "count", "events", "sums")

    def __init__(self, amounts: Sequence[Amounts]) -> None:
        self.amounts = amounts
        self.count = 1
        self.events = 0
        self.sums = [0] * len(amounts)

    @classmethod
    def single(cls, size: int, amounts: Sequence[Amounts]) -> "StepTrends":
        """Return those of a step that takes one event, or was passed over (size 0)."""
        found = cls(amounts)
        found.events = size
        found.sums = [sum(item.numbers) for item in amounts]
        return found

    @classmethod
    def free(cls, size: int, amounts: Sequence[Amounts]) -> "StepTrends":
        """Return those of a step in which any event may follow any earlier one.

        Each of n events takes part in 2**(n - 1) of 2**n - 1 subsets.
        """
        found = cls(amounts)
        if size:
            found.count = (1 << size) - 1
            found.events = size << (size - 1)
            found.sums = [sum(item.numbers) << (size - 1) for item in amounts]
        return found


class LinkedTrends(StepTrends):
    """The choices of a step with a condition between consecutive events.

    Events are added one by one; what is kept of each are the choices that end with it.
    """

    __slots__ = ("_counts", "_events", "_sums", "_x")

    def __init__(self, amounts: Sequence[Amounts], x: Frame) -> None:
        super().__init__(amounts)
        self._counts: list[int] = []
        self._events: list[int] = []
        self._sums: list[list[int]] = [[] for _ in amounts]
        self._x = x

    def add(self, before: Sequence[int]) -> None:
        """Add the next event, which may follow the events at the places `before`.

        Raises `StreamStopped` when the time budget is used up.
        """
        x, at = self._x, len(self._counts)
        x.n -= at + 1
        if x.n < 0:
            tick(x)
        if not at:
            self.count = 0
        count = 1 + sum(map(self._counts.__getitem__, before))
        events = count + sum(map(self._events.__getitem__, before))
        self._counts.append(count)
        self._events.append(events)
        self.count += count
        self.events += events
        for place, (kept, item) in enumerate(
            zip(self._sums, self.amounts, strict=True)
        ):
            total = item.numbers[at] * count + sum(map(kept.__getitem__, before))
            kept.append(total)
            self.sums[place] += total


class MatchTrends:
    """The trends of one match: choices of all its steps, combined."""

    __slots__ = ("_steps", "_total", "_x")

    def __init__(self, steps: Sequence[StepTrends], x: Frame) -> None:
        self._steps = steps
        self._x = x
        self._total = 1
        for step in steps:
            self._total *= step.count

    def count(self) -> int | float | None:
        """Return the number of trends."""
        return self._as_count(self._total)

    def events(self, at: int | None = None) -> int | float | None:
        """Return how often events take part, those of step `at` or all."""
        steps = self._steps if at is None else [self._steps[at]]
        total = self._total
        return self._as_count(
            sum(step.events * (total // step.count) for step in steps)
        )

    def sum(self, at: int, place: int) -> float | None:
        """Return the sum over all trends of an argument at step `at`."""
        step = self._steps[at]
        others = self._total // step.count
        return self._as_float(
            Fraction(step.sums[place] * others, 1 << step.amounts[place].shift)
        )

    def avg(self, at: int, place: int) -> float | None:
        """Return that sum divided by the number of trends."""
        step = self._steps[at]
        shift = step.amounts[place].shift
        return self._as_float(Fraction(step.sums[place], step.count << shift))

    def _as_count(self, value: int) -> int | float | None:
        return value if value < INT_END else self._as_float(Fraction(value))

    def _as_float(self, value: Fraction) -> float | None:
        """Return the nearest float; one that is too large is null and counted."""
        try:
            return value.numerator / value.denominator
        except OverflowError:
            self._x.count("overflow")
            return None


def trend_least(values: Iterable[Any], x: Frame) -> Any:
    """Return the least value of an argument as `min` does; every event is a trend."""
    found = None
    for value in values:
        if value is not None:
            found = least(found, value, x)
    return found


def trend_greatest(values: Iterable[Any], x: Frame) -> Any:
    """Return the greatest value of an argument as `max` does."""
    found = None
    for value in values:
        if value is not None:
            found = greatest(found, value, x)
    return found
