"""What a part of the benchmarks may say beside single results."""

import statistics

import msgspec

from bench.result import Result

SHARES = (0.5, 0.9, 0.99, 0.999)


class Curve(msgspec.Struct, frozen=True, tag=True):
    """A cost by the size of something.

    Attributes:
        of: what the points count; curves of one `of` and `unit` share a plot.
        points: sizes, growing.
        samples: one tuple per point, in `unit`; a single sample where the state that
            was measured is used up by it.
    """

    name: str
    of: str
    points: tuple[int, ...]
    samples: tuple[tuple[float, ...], ...]
    unit: str = "ns"
    checked: str = ""

    @property
    def medians(self) -> tuple[float, ...]:
        """Middle sample of each point."""
        return tuple(statistics.median(samples) for samples in self.samples)

    @property
    def growth(self) -> float:
        """Cost at the last point, as a multiple of that at the first."""
        return self.medians[-1] / self.medians[0]


class Contender(msgspec.Struct, frozen=True):
    """One of those who did the same work.

    Attributes:
        samples: events per second.
        note: what a reader must know to judge it.
    """

    name: str
    samples: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """Middle sample."""
        return statistics.median(self.samples)


class Comparison(msgspec.Struct, frozen=True, tag=True):
    """One workload, done by several on the same events in the same run.

    Attributes:
        contenders: ours first.
        target: events per second; None: none.
        published: figures from elsewhere, measured on other hardware.
    """

    workload: str
    contenders: tuple[Contender, ...]
    checked: str
    target: float | None = None
    published: dict[str, float] = {}

    @property
    def ours(self) -> Contender:
        """Return Varpulis."""
        return self.contenders[0]

    def find(self, name: str) -> Contender | None:
        """Return the contender of that name; None if it was not measured."""
        return next((c for c in self.contenders if c.name == name), None)

    @property
    def target_result(self) -> Result | None:
        """Return our figure as a result with a target; None without one."""
        if self.target is None:
            return None
        return Result(
            self.workload,
            "events/s",
            self.ours.samples,
            target=self.target,
            checked=self.checked,
        )


class Latency(msgspec.Struct, frozen=True, tag=True):
    """How long answers took under one load.

    Attributes:
        of: what was asked; latencies of one `of` share a plot.
        load: for example "32 clients".
        percentiles: ms by share; 1.0 is the slowest.
        rate: answers per second meanwhile.
        count: how many answers.
    """

    of: str
    load: str
    percentiles: dict[float, float]
    rate: float
    count: int
    checked: str = ""


class NotMeasured(msgspec.Struct, frozen=True, tag=True):
    """What a reader may look for in vain, and why."""

    what: str
    why: str


Finding = Result | Curve | Comparison | Latency | NotMeasured
