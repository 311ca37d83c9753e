"""The measured part of docs/performance.md: tables and plots of the last run."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench import machine
from bench.figures import short
from bench.finding import Comparison, NotMeasured
from bench.reporting import document, rows
from bench.reporting.terminal import of_kind
from bench.result import Result
from bench.store import PartReport

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- measured: by python -m bench -->", "<!-- measured: end -->"
BUSY = (
    " It was busy with other work meanwhile: absolute figures are low and spread, and "
    "what has wall time as its target suffers most."
)
PREFIX = "bench-"  # of plots among the images


def publish(reports: Sequence[PartReport], folder: Path, page: Path = PAGE) -> Path:
    """Replace what stands between the marks of the page; copy the plots beside it.

    `folder` holds the plots of a written report. Returns the page; raises ValueError
    if it lacks the marks.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}")
    images = page.parent / "images"
    images.mkdir(exist_ok=True)
    lines = ["", "", *_measured(reports, folder, images), ""]
    text = "\n".join([before + BEGIN + lines[0], *lines[1:], END]) + after
    page.write_text(text, encoding="utf-8")
    return page


def _measured(reports: Sequence[PartReport], folder: Path, images: Path) -> list[str]:
    def plot(name: str, words: str) -> list[str]:
        if not (folder / name).exists():
            return []
        shutil.copyfile(folder / name, images / (PREFIX + name))
        return [f"![{words}](images/{PREFIX}{name})", ""]

    lines = [_when(reports), ""]
    lines += plot("targets.svg", "each figure as a multiple of its target")
    lines += _targets(document.aimed(reports))
    for report in reports:
        found = of_kind(report.findings, Comparison)
        if found:
            lines += [f"### {report.title}", ""]
            lines += plot(f"{report.name}.svg", "events per second")
            lines += document.beside(found)
    lines += ["### Cost by size", ""]
    lines += plot("costs.svg", "cost by size")
    lines += plot("memory.svg", "memory by size")
    lines += ["### Latency", ""]
    lines += plot("latency.svg", "percentiles of answers")
    return [*lines, *_missing(reports)]


def _when(reports: Sequence[PartReport]) -> str:
    days = sorted({report.started[:10] for report in reports})
    loads = [load for report in reports for load in report.load]
    busy = max(loads) > 2 * (os.cpu_count() or 1)
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions())
    return (
        f"Measured {' to '.join(dict.fromkeys((days[0], days[-1])))} on "
        f"{machine.in_short()} ({versions}; {machine.compiler() or 'no gcc'}), "
        f"load of the machine {short(min(loads))} to {short(max(loads))}.{BUSY * busy}"
    )


def _targets(aimed: Sequence[Result]) -> list[str]:
    lines = [
        (
            result.name,
            f"{short(result.median)} {result.unit}",
            f"{short(min(result.samples))} to {short(max(result.samples))}",
            rows.target(result),
            "met" if result.met else f"{document.share(result):.0%}",
        )
        for result in aimed
    ]
    heads = ("what", "median", "noise", "target", "reached")
    return document.table(heads, lines)


def _missing(reports: Sequence[PartReport]) -> list[str]:
    found = [m for report in reports for m in of_kind(report.findings, NotMeasured)]
    return [
        "### Not measured",
        "",
        *document.table(("what", "why"), [(m.what, m.why) for m in found]),
    ][: None if found else 0]
