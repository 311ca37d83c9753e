"""Writes bench/report/language.md and the plot of costs by size."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.language.flatness import Curve
from bench.plot import Line, panels
from bench.report import FOLDER, machine, table
from bench.result import Result

WORTH_KNOWING = """\
The machine was shared with other work while this was measured: absolute figures are low
and spread; the ratio to hand-written Python, which was measured in turn with the engine
in the same run, is what counts. All figures are CPU time of one process on one core,
JSON bytes in, JSON bytes out. The hand-written programs use the means of the engine
(msgspec structs, one loop, a dict, a queue for what expires) and do one task each,
without checks of values, limits, metrics, or a way to stop and restore."""


def ratios(curves: Sequence[Curve]) -> list[Result]:
    """Return how much the cost grows from the fewest states to the most."""
    return [
        Result(
            f"{curve.name}, {curve.points[-1]:,} against {curve.points[0]:,}",
            "x",
            (curve.growth,),
            better="less",
            checked="number of outputs",
        )
        for curve in curves
    ]


def write(
    speed: Sequence[Result], used: Sequence[Result], curves: Sequence[Curve]
) -> Path:
    """Write both files; return the path of the first."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "language.svg").write_text(plotted(curves), encoding="utf-8")
    path = FOLDER / "language.md"
    path.write_text(markdown(speed, used, curves), encoding="utf-8")
    return path


def markdown(
    speed: Sequence[Result], used: Sequence[Result], curves: Sequence[Curve]
) -> str:
    """Return the report."""
    notes = [f"{result.name}: {result.note}." for result in used]
    lines = [
        "# The language: speed, memory, flatness",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {machine()}.",
        WORTH_KNOWING,
        "",
        *table([*speed, *used]),
        "",
        *notes,
        "",
        "## Cost by the number of states",
        "",
        "ns of CPU time per event or state. Opening and ending are one sample each,",
        "a rough one where there are few states.",
        "",
        "![cost by the number of states](language.svg)",
        "",
        "| what | states | median | min | max |",
        "|---|---:|---:|---:|---:|",
    ]
    for curve in curves:
        rows = zip(curve.points, curve.medians, curve.samples, strict=True)
        lines += [
            f"| {curve.name} | {point:,} | {middle:,.0f} | {min(all_):,.0f} "
            f"| {max(all_):,.0f} |"
            for point, middle, all_ in rows
        ]
    return "\n".join([*lines, ""])


def plotted(curves: Sequence[Curve]) -> str:
    """Return one panel per kind of state."""
    kinds = dict.fromkeys(curve.of for curve in curves)
    return panels([
        (
            "ns of CPU time",
            kind,
            [
                Line(
                    c.name,
                    c.points,
                    c.medians,
                    tuple((min(s), max(s)) for s in c.samples),
                )
                for c in curves
                if c.of == kind
            ],
        )
        for kind in kinds
    ])
