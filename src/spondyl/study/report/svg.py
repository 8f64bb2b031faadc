"""A few marks of SVG, enough for the figures: text, boxes, lines, arrows. Coordinates are in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS

# after Okabe and Ito (2008), which people with colour-blindness tell apart
INK, MUTED, LINE, PAPER = "#1f2933", "#5f6b76", "#9aa5b1", "#ffffff"
BLUE, ORANGE, RED, GREEN, SKY, GREY = "#0072b2", "#e69f00", "#d55e00", "#009e73", "#56b4e9", "#cbd2d9"
FONT = "Liberation Sans, Helvetica, Arial, sans-serif"
_LINE_HEIGHT = 1.35
_ARROW = 5.0
_NOTICE_HEIGHT = 12.0  # at the foot of every figure, which may be passed on alone


def drawing(width: float, height: float, parts: Iterable[str], *, alternative: str) -> str:
    """The whole picture with the notice; alternative: what it shows, for those who do not see it."""
    whole = height + _NOTICE_HEIGHT
    notice = text(width - 8, whole - 5, NOT_FOR_DIAGNOSIS, size=9, anchor="end", colour=MUTED)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {whole:g}" width="{width:g}" '
        f'height="{whole:g}" role="img" font-family="{FONT}" fill="{INK}">'
        f"<title>{escape(alternative)}</title>"
        f'<rect width="{width:g}" height="{whole:g}" fill="{PAPER}"/>{"".join(parts)}{notice}</svg>\n'
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 13,
    anchor: str = "start",
    colour: str = INK,
    bold: bool = False,
) -> str:
    """One line; y is its base line, anchor start, middle or end."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escape(words)}</text>"
    )


def rectangle(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "none", round_: float = 0
) -> str:
    """A filled rectangle, its corners rounded where asked."""
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" rx="{round_:g}" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, *, colour: str = LINE, width: float = 1.2) -> str:
    """A straight line."""
    return (
        f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="{colour}" '
        f'stroke-width="{width:g}"/>'
    )


def polyline(points: Sequence[tuple[float, float]], *, colour: str, width: float = 2.0) -> str:
    """A line through many points."""
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'


def arrow(points: Sequence[tuple[float, float]], *, colour: str = MUTED) -> str:
    """A line through the points, horizontal or vertical pieces, with a head at its end."""
    (x1, y1), (x, y) = points[-2:]
    path = " ".join(f"{a:.2f},{b:.2f}" for a, b in points)
    if x1 == x:
        step = _ARROW if y > y1 else -_ARROW
        head = f"{x:.2f},{y:.2f} {x - 3.5:.2f},{y - step:.2f} {x + 3.5:.2f},{y - step:.2f}"
    else:
        step = _ARROW if x > x1 else -_ARROW
        head = f"{x:.2f},{y:.2f} {x - step:.2f},{y - 3.5:.2f} {x - step:.2f},{y + 3.5:.2f}"
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.2"/>'
        f'<polygon points="{head}" fill="{colour}"/>'
    )


def box(
    x: float, y: float, width: float, lines: Sequence[str], *, fill: str = PAPER, stroke: str = LINE
) -> tuple[str, float]:
    """A box of lines, the first bold, centred; and its height."""
    size = 12.5
    height = box_height(lines)
    parts = [rectangle(x, y, width, height, fill=fill, stroke=stroke, round_=4)]
    for place, words in enumerate(lines):
        base = y + 8 + size * _LINE_HEIGHT * (place + 1) - 4
        parts.append(text(x + width / 2, base, words, size=size, anchor="middle", bold=place == 0))
    return "".join(parts), height


def box_height(lines: Sequence[str]) -> float:
    """Height of a box with these lines."""
    return 12.5 * _LINE_HEIGHT * len(lines) + 14
