"""The parts of `make bench`, in the order they run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import footprint, heartbeats, inject, language, ndjson, nexmark, published
from bench.finding import Finding
from bench.result import Effort


@dataclass(frozen=True)
class Part:
    """One thing to measure, alone or with the others.

    Attributes:
        run: gives the findings, or raises `WrongOutputError`.
        about_s: seconds that it takes on two cores, to show how long a run will last.
    """

    name: str
    title: str
    run: Callable[[Effort], Sequence[Finding]]
    about_s: float


PARTS = (
    Part("footprint", "Start and memory of idle processes", footprint.run, 25),
    Part("published", "Against others, on the published workloads", published.run, 90),
    Part("language", "Operations of the language", language.run, 150),
    Part("nexmark", "Queries after NEXMark", nexmark.run, 40),
    Part("ndjson", "Batches over HTTP", ndjson.run, 45),
    Part("inject", "Single events through the coordinator", inject.run, 30),
    Part("heartbeats", "Heartbeats of 1 000 workers", heartbeats.run, 35),
)


def named(names: Sequence[str]) -> list[Part]:
    """Return the parts of these names in the order they run; all for none."""
    return [part for part in PARTS if not names or part.name in names]
