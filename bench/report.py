"""Writes results as a table, a Markdown file and an SVG plot."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.result import Result

FOLDER = Path(__file__).resolve().parent / "report"
PACKAGES = ("varpulis", "Django", "msgspec", "uvicorn", "aiohttp", "numpy")
MIN_WIDTH = 160  # columns: a wrapped number is no number
HEADINGS = ("benchmark", "median", "min", "max", "unit", "target", "", "against")
_MARKS = {True: "met", False: "missed", None: ""}

_ROW, _LEFT, _WIDTH, _RIGHT = 30, 430, 420, 110


def show(results: Sequence[Result]) -> None:
    """Print the table to standard output."""
    table = Table(title=machine())
    for heading in HEADINGS:
        first = heading == HEADINGS[0]
        table.add_column(
            heading, justify="left" if first else "right", no_wrap=not first
        )
    for result in results:
        table.add_row(*_cells(result))
    console = Console(width=max(Console().width, MIN_WIDTH))
    console.print(table)
    for result in results:
        if result.note:
            console.print(f"{result.name}: {result.note}")


def write(results: Sequence[Result]) -> Path:
    """Write report.md and report.svg; return the path of the first."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "report.svg").write_text(_plot(results), encoding="utf-8")
    path = FOLDER / "report.md"
    path.write_text(_markdown(results), encoding="utf-8")
    return path


def machine() -> str:
    """Return cores, load, system and versions."""
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    return (
        f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} at the end), "
        f"{platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {versions}"
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return the results as lines of a Markdown table."""
    return [
        "| " + " | ".join(HEADINGS) + " |",
        "|---|" + "---:|" * (len(HEADINGS) - 1),
        *("| " + " | ".join(_cells(result)) + " |" for result in results),
    ]


def _cells(result: Result) -> tuple[str, ...]:
    sign = "≥" if result.better == "more" else "≤"
    against = ""
    if result.baseline and result.ratio is not None:
        against = f"{result.ratio:.2f} x {result.baseline[0]}"
    return (
        result.name,
        _number(result.median),
        _number(min(result.samples)),
        _number(max(result.samples)),
        result.unit,
        f"{sign} {_number(result.target)}" if result.target is not None else "",
        _MARKS[result.met],
        against,
    )


def _number(value: float) -> str:
    for least, unit, letter in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / unit:.3g} {letter}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _markdown(results: Sequence[Result]) -> str:
    lines = [
        "# Benchmarks",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {machine()}.",
        "Medians; each figure counts only after the outputs named below were checked.",
        "",
        "![medians against their targets](report.svg)",
        "",
        *table(results),
    ]
    lines += ["", "| benchmark | samples | checked | note |", "|---|---:|---|---|"]
    lines += [
        f"| {r.name} | {len(r.samples)} | {r.checked} | {r.note} |" for r in results
    ]
    return "\n".join([*lines, ""])


def _plot(results: Sequence[Result]) -> str:
    """Draw each median as a share of its target: the line at 1 is the target."""
    drawn = [r for r in results if r.target is not None]
    width, height = _LEFT + _WIDTH + _RIGHT, _ROW * (len(drawn) + 2)
    middle = _LEFT + _WIDTH / 2  # twice the target fills the width
    bars = "".join(_bar(r, _ROW * (i + 1)) for i, r in enumerate(drawn))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
     font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{middle}" y="18" text-anchor="middle" fill="#444">target</text>
{bars}<line x1="{middle}" y1="24" x2="{middle}" y2="{height - _ROW + 6}"
      stroke="#222" stroke-dasharray="4 3"/>
<text x="{_LEFT}" y="{height - 8}" fill="#444">longer is better; for times,
memory and shares the bar is target / measured</text>
</svg>
"""


def _bar(result: Result, top: int) -> str:
    assert result.target is not None
    share = result.median / result.target
    if result.better == "less":
        share = 1 / share if share else 2.0
    width = min(share * _WIDTH / 2, _WIDTH)
    colour = "#2a7f62" if result.met else "#c0562b"
    beside = _LEFT + max(width, _WIDTH / 2) + 6  # never across the target's line
    return f"""\
<text x="{_LEFT - 8}" y="{top + 19}" text-anchor="end">{escape(result.name)}</text>
<rect x="{_LEFT}" y="{top + 5}" width="{width:.1f}" height="20" fill="{colour}"/>
<text x="{beside:.1f}" y="{top + 19}">{_number(result.median)}
{escape(result.unit)}</text>
"""
