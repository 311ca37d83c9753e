"""Shapes and words of an SVG document."""

from collections.abc import Iterable, Sequence
from html import escape

INK, SOFT, RULE = "#1d2733", "#66717f", "#e3e7ec"
PAPER = "#ffffff"
PALETTE = ("#1f6feb", "#8b949e", "#d9730d", "#7a4fbf", "#2a8c55", "#c2406b")
GOOD, BAD = "#2a8c55", "#d9730d"
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


def document(width: float, height: float, body: Iterable[str]) -> str:
    """Return a whole document on white paper."""
    inner = "\n".join(body)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"
 width="{width:.0f}" height="{height:.0f}" font-family="{FONT}" font-size="12">
<rect width="100%" height="100%" fill="{PAPER}"/>
{inner}
</svg>
"""


def grid(
    panels: Sequence[Sequence[str]], width: float, height: float, columns: int
) -> str:
    """Return a document of panels of one size, row by row."""
    rows = -(-len(panels) // columns)
    body = [
        group(place % columns * width, place // columns * height, panel)
        for place, panel in enumerate(panels)
    ]
    return document(width * min(columns, len(panels)), height * rows, body)


def group(x: float, y: float, body: Iterable[str]) -> str:
    """Return shapes moved to a place."""
    inner = "\n".join(body)
    return f'<g transform="translate({x:.1f},{y:.1f})">\n{inner}\n</g>'


def words(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    size: float = 12,
    bold: bool = False,
) -> str:
    """Return a line of text; anchor is start, middle or end."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" '
        f'fill="{colour}"{weight}>{escape(text)}</text>'
    )


def stroke(
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str = RULE,
    *,
    width: float = 1,
    dash: str = "",
) -> str:
    """Return a straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" '
        f'y2="{end[1]:.1f}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'
    )


def path(points: Sequence[tuple[float, float]], colour: str) -> str:
    """Return a line through points."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{colour}" '
        'stroke-width="2" stroke-linejoin="round"/>'
    )


def area(points: Sequence[tuple[float, float]], colour: str) -> str:
    """Return a faint closed shape."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{joined}" fill="{colour}" opacity="0.15"/>'


def dot(x: float, y: float, colour: str, radius: float = 3.5) -> str:
    """Return a filled circle."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}" '
        f'stroke="{PAPER}"/>'
    )


def bar(
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str,
    *,
    hollow: bool = False,
) -> str:
    """Return a bar; a hollow one is outlined by dashes."""
    look = (
        f'fill="{colour}" fill-opacity="0.12" stroke="{colour}" stroke-dasharray="3 2"'
        if hollow
        else f'fill="{colour}"'
    )
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
        f'height="{height:.1f}" rx="2" {look}/>'
    )
