"""Tables on standard output."""

from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.finding import Comparison, Curve, Finding, Latency, NotMeasured
from bench.reporting import rows
from bench.result import Result
from bench.store import PartReport

MIN_WIDTH = 160  # columns: a wrapped number is no number
_Kind = TypeVar("_Kind", bound=Finding)


def show(reports: Sequence[PartReport]) -> None:
    """Print what the parts found."""
    console = Console(width=max(Console().width, MIN_WIDTH), highlight=False)
    found = [finding for report in reports for finding in report.findings]
    tables = (
        (rows.RESULT_HEADINGS, [rows.of_result(r) for r in of_kind(found, Result)]),
        (
            rows.COMPARISON_HEADINGS,
            [r for c in of_kind(found, Comparison) for r in rows.of_comparison(c)],
        ),
        (rows.LATENCY_HEADINGS, [rows.of_latency(x) for x in of_kind(found, Latency)]),
        (
            rows.CURVE_HEADINGS,
            [r for c in of_kind(found, Curve) for r in rows.of_curve(c)],
        ),
    )
    for headings, lines in tables:
        if lines:
            console.print(_table(headings, lines))
    for result in of_kind(found, Result):
        if result.note:
            console.print(f"{result.name}: {result.note}", markup=False)
    for missing in of_kind(found, NotMeasured):
        console.print(f"not measured: {missing.what}: {missing.why}", markup=False)


def of_kind(found: Sequence[Finding], kind: type[_Kind]) -> list[_Kind]:
    """Return the findings of one class."""
    return [finding for finding in found if isinstance(finding, kind)]


def _table(headings: rows.Row, lines: Sequence[rows.Row]) -> Table:
    table = Table(title=machine.in_short())
    for place, heading in enumerate(headings):
        is_text = place == 0 or heading in {"by", "who", "unit", "load"}
        table.add_column(
            heading, justify="left" if is_text else "right", no_wrap=place > 0
        )
    for line in lines:
        table.add_row(*line)
    return table
