"""Percentiles of answers under several loads, on a logarithmic axis of ms."""

from collections.abc import Sequence

from bench.figures import decade, short
from bench.finding import Latency
from bench.plotting import svg
from bench.plotting.scale import Decades, around

WIDTH = 960
_LABEL, _ACROSS, _ROW, _TOP = 190, 620, 30, 66
_NAMES = {0.5: "p50", 0.9: "p90", 0.99: "p99", 0.999: "p99.9", 1.0: "slowest"}
_COLOURS = ("#1f6feb", "#2a8c55", "#d9730d", "#c2406b", "#8b949e")


def latencies(found: Sequence[Latency]) -> str:
    """Return one panel per thing asked, below each other, on one axis."""
    values = [ms for each in found for ms in each.percentiles.values() if ms > 0]
    x = around(values, _LABEL, _LABEL + _ACROSS)
    drawn, down = [], 0.0
    for of in dict.fromkeys(each.of for each in found):
        rows = [each for each in found if each.of == of]
        drawn.append(svg.group(0, down, _panel(rows, x)))
        down += _TOP + _ROW * len(rows) + 44
    return svg.document(WIDTH, down, drawn)


def _panel(rows: Sequence[Latency], x: Decades) -> list[str]:
    bottom = _TOP + _ROW * len(rows)
    drawn = [svg.words(16, 22, rows[0].of, bold=True, size=13), *_legend()]
    for tick in x.ticks:
        drawn.append(svg.stroke((x(tick), _TOP - 6), (x(tick), bottom)))
        drawn.append(
            svg.words(x(tick), bottom + 18, f"{decade(tick)} ms", anchor="middle",
                      colour=svg.SOFT)
        )  # fmt: skip
    for place, latency in enumerate(rows):
        drawn += _row(latency, x, _TOP + place * _ROW + _ROW / 2)
    return drawn


def _legend() -> list[str]:
    drawn, across = [], float(_LABEL)
    for name, colour in zip(_NAMES.values(), _COLOURS, strict=True):
        drawn.append(svg.dot(across + 5, 42, colour, 5))
        drawn.append(svg.words(across + 15, 46, name, colour=svg.SOFT))
        across += 84
    return drawn


def _row(latency: Latency, x: Decades, down: float) -> list[str]:
    shares = [share for share in _NAMES if latency.percentiles.get(share, 0) > 0]
    at = [x(latency.percentiles[share]) for share in shares]
    colours = dict(zip(_NAMES, _COLOURS, strict=True))
    return [
        svg.words(_LABEL - 14, down + 4, latency.load, anchor="end"),
        svg.stroke((at[0], down), (at[-1], down), "#c5ccd4", width=3),
        *(svg.dot(a, down, colours[s], 5) for a, s in zip(at, shares, strict=True)),
        svg.words(
            _LABEL + _ACROSS + 14, down + 4, f"{short(latency.rate)}/s", colour=svg.SOFT
        ),
    ]
