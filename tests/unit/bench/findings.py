"""Findings that somebody might have measured."""

from bench.finding import Comparison, Contender, Curve, Latency, NotMeasured
from bench.result import Result
from bench.store import PartReport

FAST = Result(
    "filter <fast>", "events/s", (5e6, 4.5e6, 5.5e6), target=4e6, checked="all of them",
    baseline=("by hand", 10e6),
)  # fmt: skip
SLOW = Result("answer", "ms", (30.0,), better="less", target=15.0, note="busy")
PLAIN = Result("size", "MB", (0.25,), better="less")
CURVE = Curve("events", "keys", (100, 1000, 10_000), ((1.0,), (2.0, 3.0), (4.0,)))
MEMORY = Curve("a key", "keys", (100, 1000), ((300.0,), (290.0,)), "B")
LATENCY = Latency("one event", "32 clients", {0.5: 1.5, 0.99: 9.0, 1.0: 30.0}, 5200, 99)
COMPARISON = Comparison(
    "windows",
    (
        Contender("Varpulis", (2e6, 3e6, 1e6)),
        Contender("hand-written Python", (4e6,), "one task only"),
        Contender("bytewax", (2e4,)),
    ),
    "all outputs",
    published={"Rust original": 335e3},
)
MISSING = NotMeasured("Flink", "it needs a cluster")
ALL = [FAST, SLOW, PLAIN, CURVE, MEMORY, LATENCY, COMPARISON, MISSING]


def report(*findings, failure=None, name="part"):
    """Return a report of one part."""
    return PartReport(
        name, f"The {name}", "2026-11-24T02:00+00:00", 12.5, (0.5, 1.5),
        list(findings), failure,
    )  # fmt: skip
