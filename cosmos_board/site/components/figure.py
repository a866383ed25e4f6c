"""A figure as a value: one set of numbers for the drawing, the plot and the download."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Literal
from unicodedata import east_asian_width

COLOURS = 8
"""Number of colours; series beyond them are grey and told apart by their labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: a scale of numbers, or a list of categories at whole numbers from 0."""

    label: str
    log: bool = False
    low: float | None = None
    """Where it starts; None to fit the data."""

    high: float | None = None
    categories: tuple[str, ...] = ()
    digits: int | None = None
    """Decimals of its ticks; None for as many as they need."""

    reverse: bool = False
    """Whether it counts downwards, as ranks do."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point, with the interval of its value if it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points that belong together."""

    name: str
    points: tuple[Point, ...]
    colour: int = 0
    """Index of its colour, 0 … 7; -1 for grey."""

    line: bool = False
    """Whether its points are joined."""

    band: bool = False
    """Whether intervals are drawn as a band instead of bars."""

    marks: bool = True
    thick: bool = False
    """Whether its bars are drawn thick, as the box of a box plot is."""

    dashed: bool = False
    labels: bool = False
    """Whether each point is named in the drawing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot of series over two axes."""

    name: str
    """Id on the page and stem of its data."""

    title: str
    """What it shows, for those who do not see it."""

    says: str
    """The sentence under it: what to see."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    interval: Literal["x", "y"] = "y"
    """The axis along which intervals lie."""

    row_height: int = 22
    """Room for each category down the page, in units of the drawing."""


def point_name(point: Point, series: Series) -> str:
    """Return what a point is called beside it: its label up to the first colon.

    Example:
        >>> point_name(Point(1, 2, label="SAM: 0.9"), Series(name="models", points=()))
        'SAM'
    """
    return point.label.split(":")[0] or series.name


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, about `most` of them.

    Example:
        >>> nice_ticks(0.52, 0.97)
        [0.6, 0.7, 0.8, 0.9]
    """
    if not high > low:
        return [low]
    raw = (high - low) / max(most, 1)
    size = 10.0 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    first = -floor(-low / step + 1e-9)
    last = floor(high / step + 1e-9)
    return [round(count * step, 12) for count in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers for a logarithmic axis: decades, and 2 and 5 where there are few.

    Example:
        >>> log_ticks(8, 300)
        [10.0, 20.0, 50.0, 100.0, 200.0]
    """
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    factors = (1, 2, 5) if log10(high / low) < 2.5 else (1,)
    ticks = [factor * 10.0**decade for decade in decades for factor in factors]
    return [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001] or [low]


def tick_text(value: float, digits: int | None) -> str:
    """Return a tick as short as it can be said.

    Example:
        >>> tick_text(0.5, None), tick_text(20.0, None), tick_text(0.5, 2), tick_text(50000, None)
        ('0.5', '20', '0.50', '50k')
    """
    if digits is not None:
        return f"{value:.{digits}f}"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * (10 if unit == "k" else 1):
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def extent(figure: Figure, axis: Literal["x", "y"]) -> tuple[float, float]:
    """Return where an axis starts and ends, with room around the data unless it is fixed."""
    scale: Axis = getattr(figure, axis)
    if scale.categories:
        return -0.5, len(scale.categories) - 0.5
    values = [getattr(point, axis) for series in figure.series for point in series.points]
    if figure.interval == axis:
        ends = [(point.low, point.high) for series in figure.series for point in series.points]
        values += [value for pair in ends for value in pair if value is not None]
    values = [value for value in values if isfinite(value) and (value > 0 or not scale.log)]
    low, high = (min(values), max(values)) if values else (1.0 if scale.log else 0.0, 1.0)
    if scale.log:
        room = max((high / low) ** 0.06, 1.15)
        low, high = low / room, high * room
    else:
        room = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
        low, high = low - room, high + room
    return (low if scale.low is None else scale.low, high if scale.high is None else scale.high)


_NARROW, _WIDE = 0.62, 0.8
"""Of the font size: letters of DejaVu Sans, the widest of the usual fonts, on average."""


def estimate_width(text: str, size: float) -> float:
    """Return the width of `text` at a font size, in its unit; rather too much than too little.

    Example:
        >>> round(estimate_width("Random walker", 10), 1)
        86.0
        >>> estimate_width("肝脏", 10)
        20.0
    """
    return size * sum(map(_measure, text))


def cut_to_width(text: str, room: float, size: float) -> str:
    """Return `text`, or as much of it as fits with an ellipsis.

    Example:
        >>> cut_to_width("Random walker", 60, 10)
        'Random…'
    """
    if estimate_width(text, size) <= room:
        return text
    room -= size
    end = 0
    while end < len(text) and (room := room - size * _measure(text[end])) >= 0:
        end += 1
    return text[:end].rstrip() + "…"


def _measure(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return 1.0
    return _WIDE if letter.isupper() or letter in "mw" else _NARROW
