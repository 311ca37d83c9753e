"""report.md and its plots."""

from collections.abc import Sequence
from pathlib import Path

from bench import machine, plotting
from bench.figures import short
from bench.finding import Comparison, Curve, Latency, NotMeasured
from bench.reporting import rows
from bench.reporting.terminal import of_kind
from bench.result import Result
from bench.store import PartReport

MEMORY_UNITS = ("B", "MB")
PEERS = ("hand-written Python", "msgspec, decoding only", "bytewax", "csp")
INTRODUCTION = """\
Every figure counts only after the outputs behind it were compared with what must come
out; how is said beside it. "CPU time" is that of one process on one core; rates and
latencies over HTTP are wall time, with the load generator on the same cores. Medians
stand first, the least and the greatest sample beside them show the noise. Ratios are
taken within one run of one part."""


def write(reports: Sequence[PartReport], folder: Path) -> Path:
    """Write report.md and the plots beside it; return the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Benchmarks", "", INTRODUCTION, "", *_machine(), ""]
    for section in (_failures, _targets, _comparisons, _latencies, _costs, _memory):
        lines += section(reports, folder)
    for report in reports:
        lines += _part(report)
    lines += [*_missing(reports), *_runs(reports)]
    path = folder / "report.md"
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table and an empty line; figures stand right."""
    text = {"what", "by", "who", "workload", "unit", "load", "why", "value", "checked"}
    marks = "|".join("---" if heading in text else "---:" for heading in headings)
    return [
        "| " + " | ".join(headings) + " |",
        f"|{marks}|",
        *("| " + " | ".join(line) + " |" for line in lines),
        "",
    ]


def _machine() -> list[str]:
    return table(("what", "value"), machine.described())


def _failures(reports: Sequence[PartReport], folder: Path) -> list[str]:
    failed = [report for report in reports if report.failure]
    if not failed:
        return []
    lines = [(report.title, str(report.failure)) for report in failed]
    return ["## Failed", "", *table(("what", "why"), lines)]


def _targets(reports: Sequence[PartReport], folder: Path) -> list[str]:
    results = aimed(reports)
    if not results:
        return []
    (folder / "targets.svg").write_text(plotting.targets(results), encoding="utf-8")
    missed = [result for result in results if not result.met]
    lines = [
        "## Targets",
        "",
        f"{len(results) - len(missed)} of {len(results)} are met in this run.",
        "",
        "![each figure as a multiple of its target](targets.svg)",
        "",
    ]
    if missed:
        shown = [
            (r.name, f"{short(r.median)} {r.unit}", rows.target(r), f"{share(r):.0%}")
            for r in missed
        ]
        lines += ["Missed:", ""]
        lines += table(("what", "measured", "target", "reached"), shown)
    return lines


def aimed(reports: Sequence[PartReport]) -> list[Result]:
    """Return all results that have a target; a name counts once."""
    found: dict[str, Result] = {}
    for report in reports:
        for finding in report.findings:
            result = finding
            if isinstance(finding, Comparison) and finding.target_result:
                result = finding.target_result
            if isinstance(result, Result) and result.target is not None:
                found.setdefault(result.name, result)
    return list(found.values())


def share(result: Result) -> float:
    """Return what part of its target a result reached: 1.0 and more is met."""
    return plotting.better_by(result)


def _comparisons(reports: Sequence[PartReport], folder: Path) -> list[str]:
    lines: list[str] = []
    for report in reports:
        found = of_kind(report.findings, Comparison)
        if found:
            name = f"{report.name}.svg"
            (folder / name).write_text(plotting.comparisons(found), encoding="utf-8")
            lines += [f"## {report.title}", "", f"![events per second]({name})", ""]
            lines += beside(found)
            lines += _details(found)
    return lines


def beside(found: Sequence[Comparison]) -> list[str]:
    """Return one row per workload: ours, and how many times as fast as each other."""
    measured = [p for p in PEERS if any(c.find(p) for c in found)]
    published = list(dict.fromkeys(name for c in found for name in c.published))
    lines = [
        (
            c.workload,
            short(c.ours.median),
            *(_times(c, name) for name in measured),
            *(_published(c, name) for name in published),
        )
        for c in found
    ]
    heads = ("workload", "events/s", *(f"x {p}" for p in measured), *published)
    note = "Columns with an x: how many times as fast we are, in this run."
    if published:
        note += " Published figures were measured by others on other hardware."
    return [note, "", *table(heads, lines)]


def _times(found: Comparison, name: str) -> str:
    other = found.find(name)
    return f"{found.ours.median / other.median:.2f}" if other else ""


def _published(found: Comparison, name: str) -> str:
    return short(found.published[name]) if name in found.published else ""


def _details(found: Sequence[Comparison]) -> list[str]:
    lines = [row for each in found for row in rows.of_comparison(each)]
    notes = dict.fromkeys(
        f"- {c.name}: {c.note}" for each in found for c in each.contenders if c.note
    )
    return [
        f"Checked: {found[0].checked}.",
        "",
        *notes,
        "",
        "<details><summary>all samples' spread</summary>",
        "",
        *table(rows.COMPARISON_HEADINGS, lines),
        "</details>",
        "",
    ]


def _latencies(reports: Sequence[PartReport], folder: Path) -> list[str]:
    found = [x for report in reports for x in of_kind(report.findings, Latency)]
    if not found:
        return []
    (folder / "latency.svg").write_text(plotting.latencies(found), encoding="utf-8")
    return [
        "## Latency",
        "",
        "![percentiles of answers](latency.svg)",
        "",
        "Milliseconds from sending a request to its whole answer.",
        "",
        *table(rows.LATENCY_HEADINGS, [rows.of_latency(each) for each in found]),
    ]


def _costs(reports: Sequence[PartReport], folder: Path) -> list[str]:
    found = [c for c in _curves(reports) if c.unit not in MEMORY_UNITS]
    return _plotted("Cost by size", "costs.svg", found, folder)


def _memory(reports: Sequence[PartReport], folder: Path) -> list[str]:
    found = [c for c in _curves(reports) if c.unit in MEMORY_UNITS]
    return _plotted("Memory by size", "memory.svg", found, folder)


def _curves(reports: Sequence[PartReport]) -> list[Curve]:
    return [curve for report in reports for curve in of_kind(report.findings, Curve)]


def _plotted(title: str, name: str, found: Sequence[Curve], folder: Path) -> list[str]:
    if not found:
        return []
    (folder / name).write_text(plotting.curves(found), encoding="utf-8")
    lines = [row for curve in found for row in rows.of_curve(curve)]
    return [
        f"## {title}",
        "",
        "Both axes are logarithmic; the dotted line grows as fast as the size does.",
        "",
        f"![{title.lower()}]({name})",
        "",
        "<details><summary>the figures</summary>",
        "",
        *table(rows.CURVE_HEADINGS, lines),
        "</details>",
        "",
    ]


def _part(report: PartReport) -> list[str]:
    found = of_kind(report.findings, Result)
    if not found:
        return []
    checks = [
        (r.name, str(len(r.samples)), r.checked or "nothing to check", r.note)
        for r in found
    ]
    return [
        f"## {report.title}",
        "",
        *table(rows.RESULT_HEADINGS, [rows.of_result(result) for result in found]),
        "<details><summary>how it was checked</summary>",
        "",
        *table(("what", "samples", "checked", "note"), checks),
        "</details>",
        "",
    ]


def _missing(reports: Sequence[PartReport]) -> list[str]:
    found = [
        (each.what, each.why)
        for report in reports
        for each in of_kind(report.findings, NotMeasured)
    ]
    if not found:
        return []
    return ["## Not measured", "", *table(("what", "why"), found)]


def _runs(reports: Sequence[PartReport]) -> list[str]:
    lines = [
        (
            f"`{r.name}`",
            r.started,
            f"{r.seconds:.0f} s",
            f"{r.load[0]:.1f} to {r.load[1]:.1f}",
        )
        for r in reports
    ]
    return [
        "## When",
        "",
        "Load is the number of processes that wanted a core, before and after.",
        "",
        *table(("what", "started (UTC)", "took", "load"), lines),
    ]
