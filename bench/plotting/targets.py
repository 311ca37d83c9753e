"""Every target and what was measured: right of the line is better than asked for."""

import math
from collections.abc import Sequence

from bench.figures import short
from bench.plotting import svg
from bench.result import Result

_LABEL, _ACROSS, _FIGURES, _ROW, _TOP = 470, 300, 250, 24, 46
_OCTAVES = 3  # 1/8 to 8 times the target; beyond, the bar ends there


def targets(found: Sequence[Result]) -> str:
    """Return one bar per result that has a target."""
    width, height = _LABEL + _ACROSS + _FIGURES, _TOP + _ROW * len(found) + 16
    middle = _LABEL + _ACROSS / 2
    bottom = height - 10.0
    drawn = []
    for octave in range(-_OCTAVES, _OCTAVES + 1):
        across = middle + octave / _OCTAVES * _ACROSS / 2
        label = f"{2**octave}x" if octave >= 0 else f"1/{2**-octave}"
        drawn.append(svg.stroke((across, _TOP - 8), (across, bottom)))
        drawn.append(
            svg.words(across, _TOP - 14, label, anchor="middle", colour=svg.SOFT)
        )
    for place, result in enumerate(found):
        drawn += _row(result, middle, _TOP + place * _ROW)
    drawn.append(svg.stroke((middle, _TOP - 8), (middle, bottom), svg.INK, width=1.5))
    drawn.append(svg.words(_LABEL - 30, _TOP - 14, "times better than its target",
                           anchor="end", colour=svg.SOFT))  # fmt: skip
    return svg.document(width, height, drawn)


def _row(result: Result, middle: float, down: float) -> list[str]:
    share = better_by(result)
    octaves = max(-_OCTAVES, min(_OCTAVES, math.log2(share)))
    length = octaves / _OCTAVES * _ACROSS / 2
    sign = "≥" if result.better == "more" else "≤"
    figure = f"{short(result.median)} {result.unit}"
    target = f"{sign} {short(result.target or 0)}"
    return [
        svg.words(_LABEL - 10, down + 16, result.name, anchor="end"),
        svg.bar(
            min(middle, middle + length), down + 4, abs(length), _ROW - 8,
            svg.GOOD if result.met else svg.BAD,
        ),
        svg.words(_LABEL + _ACROSS + 14, down + 16, figure, bold=True),
        svg.words(
            _LABEL + _ACROSS + _FIGURES - 12, down + 16, target, anchor="end",
            colour=svg.SOFT,
        ),
    ]  # fmt: skip


def better_by(result: Result) -> float:
    """Return 2.0 for twice as good as the target, 0.5 for half; a target is needed."""
    assert result.target
    share = result.median / result.target
    return share if result.better == "more" else 1 / max(share, 1e-9)
