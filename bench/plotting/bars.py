"""Who did how many events per second: one panel per workload, each from zero."""

from collections.abc import Sequence

from bench.figures import short
from bench.finding import Comparison
from bench.plotting import svg

WIDTH = 480
_LEFT, _TOP, _ACROSS, _ROW = 168, 40, 208, 22
_COLOURS = {
    "hand-written Python": "#8b949e",
    "bytewax": "#d9730d",
    "csp": "#7a4fbf",
}
_FLOOR, _ELSEWHERE = "#c5ccd4", "#c2406b"


def comparisons(found: Sequence[Comparison]) -> str:
    """Return a panel per workload, two in a row; hollow bars were measured elsewhere."""
    rows = max(len(each.contenders) + len(each.published) for each in found)
    height = _TOP + rows * _ROW + 26
    return svg.grid([_panel(each) for each in found], WIDTH, height, 2)


def _panel(found: Comparison) -> list[str]:
    measured = [(c.name, c.median, _spread(c.samples)) for c in found.contenders]
    published = [(name, value, "") for name, value in found.published.items()]
    top = max(value for _, value, _ in [*measured, *published])
    drawn = [svg.words(16, 24, found.workload, bold=True, size=13)]
    for place, (name, value, spread) in enumerate([*measured, *published]):
        hollow = place >= len(measured)
        colour = _ELSEWHERE if hollow else _colour(name, first=place == 0)
        drawn += _row(name, value / top, colour, _TOP + place * _ROW, hollow=hollow)
        bold = place == 0
        across = _LEFT + value / top * _ACROSS + 6
        label = f"{short(value)}{spread}"
        drawn.append(svg.words(across, _TOP + place * _ROW + 14, label, bold=bold))
    return drawn


def _row(
    name: str, share: float, colour: str, down: float, *, hollow: bool
) -> list[str]:
    return [
        svg.words(_LEFT - 8, down + 14, name, anchor="end", colour=svg.SOFT),
        svg.bar(_LEFT, down + 3, share * _ACROSS, _ROW - 7, colour, hollow=hollow),
    ]


def _colour(name: str, *, first: bool) -> str:
    return svg.PALETTE[0] if first else _COLOURS.get(name, _FLOOR)


def _spread(samples: tuple[float, ...]) -> str:
    """Return how far samples lie from the median, if they do."""
    ordered = sorted(samples)
    middle = ordered[len(ordered) // 2]
    share = max(ordered[-1] - middle, middle - ordered[0]) / middle
    return f" ±{share:.0%}" if share >= 0.01 else ""
