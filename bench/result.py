"""What a benchmark measured, and how much of it."""

import statistics
from dataclasses import dataclass
from typing import Literal

import msgspec

Better = Literal["more", "less"]


class WrongOutputError(Exception):
    """What came out is not what must come out: no figure is worth reporting."""


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        repeats: how many samples to take where one is short.
        seconds: how long to load a server for one sample.
        events: size of an in-process input.
        is_quick: whether large populations are left out too.
    """

    repeats: int = 7
    seconds: float = 4.0
    events: int = 200_000
    is_quick: bool = False


QUICK = Effort(repeats=3, seconds=1.0, events=40_000, is_quick=True)


class Result(msgspec.Struct, frozen=True, tag=True):
    """One measured quantity.

    Attributes:
        samples: at least one, in `unit`.
        target: what performance.md or the issue asks for, in `unit`; None: none.
        baseline: name and median of a measure taken in the same run, same unit.
        checked: how the outputs were checked.
    """

    name: str
    unit: str
    samples: tuple[float, ...]
    better: Better = "more"
    target: float | None = None
    baseline: tuple[str, float] | None = None
    checked: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        """Middle sample."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        if self.better == "more":
            return self.median >= self.target
        return self.median <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times the baseline; None without one."""
        return self.median / self.baseline[1] if self.baseline else None


def require(found: object, wanted: object, what: str) -> None:
    """Raise WrongOutputError unless both are equal."""
    if found != wanted:
        raise WrongOutputError(f"{what}: {str(found)[:300]} is not {str(wanted)[:300]}")
