"""Curves as SVG: cost over size."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#2a7f62", "#8a8a8a", "#2d5f9a", "#c0562b")
_Scale = Callable[[float], float]
_LEFT, _TOP, _WIDTH, _HEIGHT, _LEGEND = 70, 40, 440, 260, 260


@dataclass(frozen=True)
class Line:
    """One curve: points, their values, and how far samples lie below and above."""

    name: str
    points: tuple[int, ...]
    values: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...]


def panels(titled: Sequence[tuple[str, str, Sequence[Line]]]) -> str:
    """Return one image with a panel per title, one below the other.

    Each is (title, what the horizontal axis counts, lines); values are ns from zero,
    points lie on a logarithmic axis.
    """
    step = _TOP + _HEIGHT + 60
    drawn = "".join(
        f'<g transform="translate({_LEFT},{_TOP + place * step})">{_panel(*panel)}</g>\n'
        for place, panel in enumerate(titled)
    )
    width, height = _LEFT + _WIDTH + _LEGEND, step * len(titled)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
     font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
{drawn}</svg>
"""


def _panel(title: str, counted: str, lines: Sequence[Line]) -> str:
    top = _round_up(max(high for line in lines for _, high in line.ranges))
    points = sorted({point for line in lines for point in line.points})
    low, high = math.log10(points[0]), math.log10(points[-1])

    def x(point: float) -> float:
        return (math.log10(point) - low) / (high - low) * _WIDTH

    def y(value: float) -> float:
        return _HEIGHT - value / top * _HEIGHT

    below = f'x="{_WIDTH / 2}" y="{_HEIGHT + 40}" text-anchor="middle"'
    texts = [
        f'<text x="0" y="-14" font-weight="bold">{escape(title)}</text>',
        f"<text {below}>{escape(counted)}</text>",
    ]
    texts += [_rule(y(top * part / 4), top * part / 4) for part in range(5)]
    texts += [
        f'<text x="{x(p):.1f}" y="{_HEIGHT + 20}" text-anchor="middle">{p:,}</text>'
        for p in points
    ]
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        texts += _drawn(line, colour, x, y)
        named = f'x="{_WIDTH + 14}" y="{20 + 20 * place}" fill="{colour}"'
        texts.append(f"<text {named}>{escape(line.name)}</text>")
    return "\n".join(texts)


def _drawn(line: Line, colour: str, x: _Scale, y: _Scale) -> list[str]:
    at = [(x(p), y(v)) for p, v in zip(line.points, line.values, strict=True)]
    path = " ".join(f"{left:.1f},{down:.1f}" for left, down in at)
    texts = [f'<polyline points="{path}" fill="none" stroke="{colour}"/>']
    for (left, down), (least, most) in zip(at, line.ranges, strict=True):
        texts.append(
            f'<circle cx="{left:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>'
            f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{y(least):.1f}" '
            f'y2="{y(most):.1f}" stroke="{colour}"/>'
        )
    return texts


def _rule(height: float, value: float) -> str:
    return (
        f'<line x1="0" x2="{_WIDTH}" y1="{height:.1f}" y2="{height:.1f}" stroke="#ddd"/>'
        f'<text x="-8" y="{height + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
    )


def _round_up(value: float) -> float:
    """Return the next number that four rules divide well."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * m for m in (1, 2, 4, 6, 8, 10) if unit * m >= value)
