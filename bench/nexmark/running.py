"""Measures every query beside a hand-written program and the floor."""

from bench.finding import Comparison, Finding, NotMeasured
from bench.language.checking import CHECKED, check
from bench.language.contest import contenders
from bench.nexmark.activity import Q5, Q11
from bench.nexmark.people import Q3, Q8
from bench.nexmark.prices import Q4, Q7
from bench.nexmark.selections import Q0, Q1, Q2
from bench.progress import step
from bench.result import Effort

QUERIES = (Q0, Q1, Q2, Q3, Q4, Q5, Q7, Q8, Q11)
LEFT_OUT = (
    NotMeasured(
        "NEXMark Q6, Q9, Q10 and those that later suites added, but Q11",
        "they need windows over the results of other windows by rows, an auction's own "
        "end as the bound of a join, or files; VPL does not say these",
    ),
    NotMeasured(
        "NEXMark by bytewax and csp",
        "no published program of theirs to stand by; the published workloads compare",
    ),
)


def run(effort: Effort) -> list[Finding]:
    """Measure all queries; raises `WrongOutputError`."""
    found: list[Finding] = []
    for query in QUERIES:
        step(query.name)
        lines = query.lines(max(effort.events // 2, query.least))
        check(query, lines)
        ours = contenders(query, lines, min(5, effort.repeats))
        found.append(Comparison(query.name, tuple(ours), CHECKED))
    return [*found, *LEFT_OUT]
