"""Findings as rows of text."""

from collections.abc import Sequence

from bench.figures import short
from bench.finding import Comparison, Curve, Latency
from bench.result import Result

RESULT_HEADINGS = ("what", "median", "min", "max", "unit", "target", "", "against")
CURVE_HEADINGS = ("what", "by", "size", "median", "min", "max", "unit")
LATENCY_HEADINGS = (
    "what",
    "load",
    "p50",
    "p90",
    "p99",
    "p99.9",
    "slowest",
    "answers/s",
)
COMPARISON_HEADINGS = ("workload", "who", "median", "min", "max", "ours is")
_MARKS = {True: "met", False: "missed", None: ""}
Row = tuple[str, ...]


def of_result(result: Result) -> Row:
    """Return the cells of a result, under `RESULT_HEADINGS`."""
    against = ""
    if result.baseline and result.ratio is not None:
        against = f"{result.ratio:.2f} x {result.baseline[0]}"
    return (
        result.name,
        *_spread(result.samples, result.median),
        result.unit,
        target(result),
        _MARKS[result.met],
        against,
    )


def target(result: Result) -> str:
    """Return for example "≥ 4 M"; nothing without a target."""
    if result.target is None:
        return ""
    return f"{'≥' if result.better == 'more' else '≤'} {short(result.target)}"


def of_curve(curve: Curve) -> list[Row]:
    """Return a row per point, under `CURVE_HEADINGS`."""
    points = zip(curve.points, curve.medians, curve.samples, strict=True)
    return [
        (curve.name, curve.of, f"{point:,}", *_spread(samples, middle), curve.unit)
        for point, middle, samples in points
    ]


def of_latency(latency: Latency) -> Row:
    """Return the cells of a load, in ms, under `LATENCY_HEADINGS`."""
    shares = (0.5, 0.9, 0.99, 0.999, 1.0)
    found = [
        short(latency.percentiles[s]) if s in latency.percentiles else ""
        for s in shares
    ]
    return (latency.of, latency.load, *found, short(latency.rate))


def of_comparison(found: Comparison) -> list[Row]:
    """Return a row per contender, ours first, under `COMPARISON_HEADINGS`."""
    ours = found.ours.median
    rows = [
        (
            found.workload,
            each.name,
            *_spread(each.samples, each.median),
            "" if each is found.ours else f"{ours / each.median:.2f} x",
        )
        for each in found.contenders
    ]
    rows += [
        (
            found.workload,
            f"{name} (published)",
            short(value),
            "",
            "",
            f"{ours / value:.1f} x",
        )
        for name, value in found.published.items()
    ]
    return rows


def _spread(samples: Sequence[float], median: float) -> Row:
    return short(median), short(min(samples)), short(max(samples))
