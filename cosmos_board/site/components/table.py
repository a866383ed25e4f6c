"""A table as a value: what a page shows, what a download holds, before either is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Raw: TypeAlias = str | float | int | None
"""What a download holds of a cell; None where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column is headed, sorted and shown."""

    key: str
    """Name in downloads and in the address of a view."""

    label: str
    help: str = ""
    """Address of its definition, from the root of the site."""

    numeric: bool = False
    best: Literal["high", "low", ""] = ""
    """Direction in which a model improves."""

    frozen: bool = False
    """Whether it stays in view when the table scrolls sideways."""

    facet: bool = False
    """Whether readers can pick one of its values."""

    hidden: bool = False
    """Whether it starts out hidden."""

    wrap: bool = False
    """Whether its text may take more than one line."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A score and its interval, drawn in the row. Positions are shares of the axis, in [0, 1]."""

    low: float | None
    middle: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word behind a text, and on hover what it means."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, and the value that it stands for."""

    text: str
    value: Raw = None
    href: str = ""
    """Address from the root of the site."""

    note: str = ""
    """Small text behind the first."""

    title: str = ""
    """What the text means, on hover and for screen readers."""

    heat: float | None = None
    """Shade in [0, 1]."""

    mark: Mark | None = None
    strong: bool = False
    muted: bool = False
    web: str = ""
    """Address on another site; plain text where it is no http(s) address."""

    badges: tuple[Badge, ...] = ()
    """Short words behind the text that say how the row came about."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    cells: tuple[Cell, ...]
    listed: bool = False
    """Whether it is listed without a rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A whole table."""

    name: str
    """Id on the page and stem of its downloads."""

    caption: str
    """Metric, selection, prompt, n and data version, in a sentence."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    data_path: str = ""
    """Where its downloads lie, from the root of the site, without extension; empty for none."""

    records: tuple[dict[str, Raw], ...] = field(default=(), repr=False)
    """What the downloads hold, where that is more than the cells."""

    tools: bool = True
    """Whether readers can sort and filter it."""

    empty: str = ""
    """What to say where there is no row."""


def heat_of(values: Sequence[float | None], *, lowest_is_best: bool = False) -> list[float | None]:
    """Return a shade for each of `values`: 0 for the worst, 1 for the best, None where unknown.

    Example:
        >>> heat_of([0.5, None, 1.0])
        [0.0, None, 1.0]
    """
    known = [value for value in values if value is not None and value == value]
    if not known or min(known) == max(known):
        return [None] * len(values)
    worst, best = (max(known), min(known)) if lowest_is_best else (min(known), max(known))
    return [
        None if value is None or value != value else round((value - worst) / (best - worst), 3)
        for value in values
    ]


def marks_of(
    scores: Sequence[tuple[float | None, float | None, float | None]],
) -> list[Mark | None]:
    """Return marks for (low, score, high) triples on one common axis.

    Example:
        >>> marks_of([(0.0, 0.5, 1.0), (None, 0.25, None), (None, None, None)])[1]
        Mark(low=None, middle=0.25, high=None)
    """
    known = [value for triple in scores for value in triple if value is not None]
    if not known:
        return [None] * len(scores)
    low, width = min(known), (max(known) - min(known)) or 1.0

    def place(value: float | None) -> float | None:
        return None if value is None else round((value - low) / width, 4)

    return [
        None if (middle := place(score)) is None else Mark(place(bottom), middle, place(top))
        for bottom, score, top in scores
    ]
