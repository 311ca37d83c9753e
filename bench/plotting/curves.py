"""Costs over sizes, both axes logarithmic: a straight slope of one is linear growth."""

from collections.abc import Sequence

from bench.figures import decade, short
from bench.finding import Curve
from bench.plotting import svg
from bench.plotting.scale import Decades, around

WIDTH = 480
_LEFT, _TOP, _ACROSS, _DOWN = 64, 44, 380, 200
_LEGEND_LINE = 18


def curves(found: Sequence[Curve]) -> str:
    """Return one panel per thing that is counted and unit, two in a row."""
    kinds = dict.fromkeys((curve.of, curve.unit) for curve in found)
    groups = [[c for c in found if (c.of, c.unit) == kind] for kind in kinds]
    longest = max(len(group) for group in groups)
    height = _TOP + _DOWN + 62 + longest * _LEGEND_LINE
    return svg.grid([_panel(group) for group in groups], WIDTH, height, 2)


def _panel(found: Sequence[Curve]) -> list[str]:
    right, bottom = _LEFT + _ACROSS, _TOP + _DOWN
    x = around((p for c in found for p in c.points), _LEFT, right)
    y = around((s for c in found for each in c.samples for s in each), bottom, _TOP)
    drawn = [
        svg.words(_LEFT, 20, f"{found[0].unit} by {found[0].of}", bold=True, size=13),
        *_frame(x, y),
        _linear(x, y, found[0]),
    ]
    for place, curve in enumerate(found):
        colour = svg.PALETTE[place % len(svg.PALETTE)]
        drawn += _drawn(curve, colour, x, y)
        drawn += _named(curve, colour, bottom + 56 + place * _LEGEND_LINE)
    drawn.append(
        svg.words(
            (_LEFT + right) / 2, bottom + 34, found[0].of, anchor="middle",
            colour=svg.SOFT,
        )
    )  # fmt: skip
    return drawn


def _frame(x: Decades, y: Decades) -> list[str]:
    lines = []
    for tick in y.ticks:
        lines.append(svg.stroke((x.start, y(tick)), (x.end, y(tick))))
        lines.append(
            svg.words(x.start - 8, y(tick) + 4, decade(tick), anchor="end", colour=svg.SOFT)
        )  # fmt: skip
    for tick in x.ticks:
        lines.append(svg.stroke((x(tick), y.start), (x(tick), y.start + 4), svg.SOFT))
        lines.append(
            svg.words(x(tick), y.start + 18, decade(tick), anchor="middle", colour=svg.SOFT)
        )  # fmt: skip
    return lines


def _linear(x: Decades, y: Decades, curve: Curve) -> str:
    """Return a guide that grows as fast as the size, as far as it fits."""
    least = max(min(curve.medians), 10.0**y.low)
    start = (float(curve.points[0]), least)
    most = min(10.0**y.high / least, curve.points[-1] / curve.points[0])
    end = (start[0] * most, least * most)
    return svg.stroke(
        (x(start[0]), y(start[1])), (x(end[0]), y(end[1])), "#b6bec8", dash="2 4"
    )


def _drawn(curve: Curve, colour: str, x: Decades, y: Decades) -> list[str]:
    at = [x(point) for point in curve.points]
    most = [(a, y(max(s))) for a, s in zip(at, curve.samples, strict=True)]
    least = [(a, y(min(s))) for a, s in zip(at, curve.samples, strict=True)]
    middle = [(a, y(m)) for a, m in zip(at, curve.medians, strict=True)]
    return [
        svg.area([*most, *reversed(least)], colour),
        svg.path(middle, colour),
        *(svg.dot(a, b, colour) for a, b in middle),
    ]


def _named(curve: Curve, colour: str, down: float) -> list[str]:
    span = f"{short(curve.medians[0])} to {short(curve.medians[-1])}"
    return [
        svg.bar(_LEFT, down - 9, 14, 9, colour),
        svg.words(_LEFT + 22, down, curve.name),
        svg.words(_LEFT + _ACROSS, down, span, anchor="end", colour=svg.SOFT),
    ]
