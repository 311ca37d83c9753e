"""The parts of `make bench`, in the order they run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import (
    batching,
    bodies,
    compiling,
    deploys,
    footprint,
    heartbeats,
    inject,
    language,
    latency,
    live,
    mandelbrot,
    ndjson,
    nexmark,
    published,
    registry,
    startup,
    sweep,
    topology,
    volume,
)
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
    Part("startup", "Start-up", startup.run, 30),
    Part("compiling", "Compiling", compiling.run, 25),
    Part("language", "Operations of the language", language.run, 150),
    Part("published", "Against others, on the published workloads", published.run, 90),
    Part("nexmark", "Queries after NEXMark", nexmark.run, 40),
    Part("batching", "Size of batches", batching.run, 30),
    Part("volume", "Streams that run on", volume.run, 20),
    Part("mandelbrot", "Mandelbrot: compute, cores, messages", mandelbrot.run, 100),
    Part("ndjson", "Batches over HTTP", ndjson.run, 60),
    Part("bodies", "Large bodies", bodies.run, 30),
    Part("inject", "Single events through the coordinator", inject.run, 30),
    Part("latency", "Latency by the number of clients", latency.run, 35),
    Part("registry", "Workers in the registry", registry.run, 30),
    Part("heartbeats", "Heartbeats of 1 000 workers", heartbeats.run, 45),
    Part("deploys", "Deploys", deploys.run, 30),
    Part("topology", "Topology", topology.run, 45),
    Part("live", "Live updates", live.run, 40),
    Part("sweep", "Sweeps", sweep.run, 30),
)


def named(names: Sequence[str]) -> list[Part]:
    """Return the parts of these names in the order they run; all for none."""
    return [part for part in PARTS if not names or part.name in names]
