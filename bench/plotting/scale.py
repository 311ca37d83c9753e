"""Logarithmic axes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Decades:
    """An axis from one power of ten to another.

    Attributes:
        low: exponent of the first decade.
        high: exponent of the last; greater than `low`.
        start: place of the first on the paper.
        end: place of the last; may lie before `start`.
    """

    low: int
    high: int
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a positive value."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Return every power of ten on the axis."""
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


def around(values: Iterable[float], start: float, end: float) -> Decades:
    """Return whole decades that hold all values, at least one decade.

    Values of zero or less have no place on it: leave them out before.
    """
    all_ = list(values)
    low = math.floor(math.log10(min(all_)) + 1e-9)
    high = math.ceil(math.log10(max(all_)) - 1e-9)
    return Decades(low, max(high, low + 1), start, end)
