"""Figures as SVG text: no script, no fonts, colours from the theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, log

from markupsafe import Markup, escape

from cosmos_board.site.components.figure import (
    COLOURS,
    Axis,
    Figure,
    Point,
    Series,
    cut_to_width,
    estimate_width,
    extent,
    log_ticks,
    nice_ticks,
    point_name,
    tick_text,
)

WIDTH = 540
"""Width in user units: text is readable at 390 px, and not too large on a desktop."""

_CATEGORY = 190.0
"""Room for the name of a category; longer ones are cut."""

_TICK = 110.0
"""Room for the name at a tick of the other axis."""

_FONT = 13.0
"""Size of letters; the style sheet's."""


_TOP, _RIGHT, _BOTTOM = 10.0, WIDTH - 14.0, 44.0
"""Where the data area starts and ends, and the room below it."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the data area lies, and the way from values to units."""

    height: float
    left: float
    x: Callable[[float], float]
    y: Callable[[float], float]


def render_svg(figure: Figure, *, titles: bool = True) -> Markup:
    """Return `figure` as an SVG element `WIDTH` units wide; `titles` show labels on hover."""
    frame = _frame(figure)
    parts = [
        f'<svg class="cb-svg" viewBox="0 0 {WIDTH} {frame.height:g}" role="img" '
        f'aria-label="{escape(figure.title)}">',
        _grid(figure, frame),
        *(_series(series, figure, frame, titles=titles) for series in figure.series),
        _names(figure, frame),
        "</svg>",
    ]
    return Markup("".join(parts))


def _frame(figure: Figure) -> _Frame:
    left, height = 50.0, 320.0
    if figure.y.categories:
        left = 14 + min(max(estimate_width(name, _FONT) for name in figure.y.categories), _CATEGORY)
        height = _TOP + _BOTTOM + figure.row_height * len(figure.y.categories)
    rows = _TOP, height - _BOTTOM
    start, end = rows if figure.y.categories or figure.y.reverse else rows[::-1]
    across, down = extent(figure, "x"), extent(figure, "y")
    return _Frame(
        height,
        left,
        _scale(*across, left, _RIGHT, log_scale=figure.x.log),
        _scale(*down, start, end, log_scale=figure.y.log),
    )


def _scale(
    low: float, high: float, start: float, end: float, *, log_scale: bool
) -> Callable[[float], float]:
    if log_scale:
        low, high = log(low), log(high)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        at = log(value) if log_scale else value
        return start + (at - low) / span * (end - start)

    return place


def _ticks(axis: Axis, low: float, high: float, most: int) -> list[tuple[float, str]]:
    if axis.categories:
        return [(float(at), name) for at, name in enumerate(axis.categories)]
    values = log_ticks(low, high) if axis.log else nice_ticks(low, high, most)
    return [(value, tick_text(value, axis.digits)) for value in values]


def _grid(figure: Figure, frame: _Frame) -> str:
    base = frame.height - _BOTTOM
    parts = ['<g class="grid">']
    for value, text in _ticks(figure.x, *extent(figure, "x"), 6):
        at = frame.x(value)
        name = escape(cut_to_width(text, _TICK, _FONT))
        parts.append(f'<path d="M{at:.1f} {_TOP:g}V{base:g}"/>')
        parts.append(f'<text x="{at:.1f}" y="{base + 16:g}" text-anchor="middle">{name}</text>')
    for value, text in _ticks(figure.y, *extent(figure, "y"), 5):
        at = frame.y(value)
        name = escape(cut_to_width(text, _CATEGORY, _FONT))
        kind = ' class="cat"' if figure.y.categories else ""
        parts.append(f'<path d="M{frame.left:.1f} {at:.1f}H{_RIGHT:g}"/>')
        parts.append(
            f'<text{kind} x="{frame.left - 8:.1f}" y="{at + 4:.1f}" text-anchor="end">{name}</text>'
        )
    middle = (frame.left + _RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle:.1f}" y="{frame.height - 8:g}" text-anchor="middle">'
        f"{escape(figure.x.label)}</text>"
    )
    if figure.y.label and not figure.y.categories:
        parts.append(
            f'<text class="axis" transform="translate(12 {(_TOP + base) / 2:.1f}) rotate(-90)"'
            f' text-anchor="middle">{escape(figure.y.label)}</text>'
        )
    return "".join([*parts, "</g>"])


def _series(series: Series, figure: Figure, frame: _Frame, *, titles: bool) -> str:
    points = [p for p in series.points if isfinite(p.x) and isfinite(p.y)]
    if not points:
        return ""
    colour = series.colour % COLOURS if series.colour >= 0 else "x"
    kinds = f"s{colour}" + (" dashed" if series.dashed else "") + (" thick" if series.thick else "")
    parts = [f'<g class="{kinds}">']
    if series.band:
        parts.append(_band(points, frame))
    if series.line:
        path = "L".join(f"{frame.x(p.x):.1f} {frame.y(p.y):.1f}" for p in points)
        parts.append(f'<path class="line" d="M{path}"/>')
    if not series.band:
        parts.append(_bars(points, figure, frame))
    if series.marks:
        radius = 3.5 if len(points) > 60 else 4.5
        parts.extend(_dot(point, series, frame, radius, titles=titles) for point in points)
    return "".join([*parts, "</g>"])


def _band(points: list[Point], frame: _Frame) -> str:
    ends = [(p, p.low, p.high) for p in points]
    tops = [(frame.x(p.x), frame.y(high)) for p, _, high in ends if high is not None]
    bottoms = [(frame.x(p.x), frame.y(low)) for p, low, _ in ends if low is not None]
    if len(tops) < 2:
        return ""
    outline = "L".join(f"{x:.1f} {y:.1f}" for x, y in [*tops, *reversed(bottoms)])
    return f'<path class="band" d="M{outline}Z"/>'


def _bars(points: list[Point], figure: Figure, frame: _Frame) -> str:
    bars = []
    for point in points:
        if point.low is None or point.high is None:
            continue
        if figure.interval == "x":
            y = frame.y(point.y)
            bars.append(f"M{frame.x(point.low):.1f} {y:.1f}H{frame.x(point.high):.1f}")
        else:
            x = frame.x(point.x)
            bars.append(f"M{x:.1f} {frame.y(point.low):.1f}V{frame.y(point.high):.1f}")
    return f'<path class="bar" d="{"".join(bars)}"/>' if bars else ""


def _dot(point: Point, series: Series, frame: _Frame, radius: float, *, titles: bool) -> str:
    opening = f'<circle cx="{frame.x(point.x):.1f}" cy="{frame.y(point.y):.1f}" r="{radius}"'
    if not titles:
        return f"{opening}/>"
    return f"{opening}><title>{escape(point.label or series.name)}</title></circle>"


def _names(figure: Figure, frame: _Frame) -> str:
    """Return the names of points, each put where it covers no earlier one, or left out."""
    taken: list[tuple[float, float, float, float]] = []
    parts = []
    for series in figure.series:
        for point in series.points if series.labels else ():
            name = cut_to_width(point_name(point, series), _CATEGORY, _FONT)
            place = _free_place(frame, point, estimate_width(name, _FONT), taken)
            if place is not None:
                x, y, anchor = place
                parts.append(
                    f'<text class="name" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
                    f"{escape(name)}</text>"
                )
    return "".join(parts)


def _free_place(
    frame: _Frame, point: Point, width: float, taken: list[tuple[float, float, float, float]]
) -> tuple[float, float, str] | None:
    x, y = frame.x(point.x), frame.y(point.y)
    for dx, dy, anchor in (
        (9, 4, "start"), (-9, 4, "end"), (0, -9, "middle"), (0, 18, "middle"),
        (9, -8, "start"), (-9, -8, "end"), (9, 16, "start"), (-9, 16, "end"),
    ):  # fmt: skip
        left = x + dx - {"start": 0, "end": width, "middle": width / 2}[anchor]
        box = (left, y + dy - 11, left + width, y + dy + 3)
        inside = box[0] >= frame.left and box[2] <= WIDTH and box[1] >= 0
        free = all(
            box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1]
            for other in taken
        )
        if inside and free:
            taken.append(box)
            return x + dx, y + dy, anchor
    return None


_BADGE_NAME = "COSMOS board"
_BADGE_LETTER = 6.6


def render_badge(text: str) -> bytes:
    """Return a badge that says `text`."""
    left = len(_BADGE_NAME) * _BADGE_LETTER + 14
    right = len(text) * _BADGE_LETTER + 14
    name = escape(f"{_BADGE_NAME}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="20" '
        f'role="img" aria-label="{name}"><title>{name}</title>'
        f'<rect width="{left + right:.0f}" height="20" rx="3" fill="#0a6f78"/>'
        f'<path d="M3 0h{left - 3:.0f}v20h-{left - 3:.0f}a3 3 0 0 1-3-3v-14a3 3 0 0 1 3-3z" '
        f'fill="#2b333c"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11" text-anchor="middle"><text x="{left / 2:.1f}" y="14">{_BADGE_NAME}</text>'
        f'<text x="{left + right / 2:.1f}" y="14">{escape(text)}</text></g></svg>\n'
    ).encode()
