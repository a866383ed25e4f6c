"""Tables with one row a record: every column stands beside the value that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from typing import Generic, Literal, TypeAlias, TypedDict, TypeVar, Unpack

from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of, marks_of
from cosmos_board.site.content.labels import model_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import number, percent, signed, span
from cosmos_board.site.language.words import Words

T = TypeVar("T")
Direction: TypeAlias = Literal["high", "low", ""]
"""In which a model improves."""


class ColumnOptions(TypedDict, total=False):
    """What a column may be beside its key and label: see `Column`."""

    help: str
    best: Direction
    frozen: bool
    facet: bool
    hidden: bool
    wrap: bool


class RecordTable(Generic[T]):
    """Collects the columns of a table from left to right."""

    def __init__(self, data: SiteData, words: Words, records: Sequence[T]) -> None:
        """Start a table with a row for each of `records`."""
        self.words = words
        self.records = records
        self._data = data
        self._columns: list[Column] = []
        self._cells: list[list[Cell]] = []

    def cells(
        self,
        key: str,
        label: str,
        of: Callable[[T], Cell],
        *,
        numeric: bool = False,
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add a column of ready cells."""
        self._columns.append(Column(key=key, label=label, numeric=numeric, **options))
        self._cells.append([of(record) for record in self.records])

    def text(
        self, key: str, label: str, of: Callable[[T], str], **options: Unpack[ColumnOptions]
    ) -> None:
        """Add a column of text."""
        self.cells(key, label, lambda record: Cell(of(record)), **options)

    def model(
        self, key: str, label: str, of: Callable[[T], str], **options: Unpack[ColumnOptions]
    ) -> None:
        """Add a column of models by name, each linked to its page if it has one."""

        def cell(record: T) -> Cell:
            name = of(record)
            url = model_url(name) if name in self._data.models else ""
            return Cell(self._data.label(name), name, url)

        self.cells(key, label, cell, **options)

    def count(
        self, key: str, label: str, of: Callable[[T], int | None], **options: Unpack[ColumnOptions]
    ) -> None:
        """Add a column of whole numbers."""

        def cell(record: T) -> Cell:
            value = of(record)
            return Cell(number(value, 0), value, muted=value is None)

        self.cells(key, label, cell, numeric=True, **options)

    def share(
        self,
        key: str,
        label: str,
        of: Callable[[T], float | None],
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add a column of shares in percent."""
        self._numbers(key, label, of, percent, shaded=False, options=options)

    def score(
        self,
        key: str,
        label: str,
        of: Callable[[T], float | None],
        *,
        digits: int = 3,
        shaded: bool = False,
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add a column of scores, shaded from the worst to the best where wanted."""
        text = partial(number, digits=digits)
        self._numbers(key, label, of, text, shaded=shaded, options=options)

    def change(
        self,
        key: str,
        label: str,
        of: Callable[[T], float | None],
        *,
        digits: int = 3,
        shaded: bool = False,
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add a column of differences with their sign."""
        text = partial(signed, digits=digits)
        self._numbers(key, label, of, text, shaded=shaded, options=options)

    def interval(
        self,
        of: Callable[[T], tuple[float | None, float | None]],
        *,
        around: Callable[[T], float | None] | None = None,
        digits: int = 3,
        key: str = "interval",
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add the column of 95 % confidence intervals.

        Args:
            of: Gives (low, high).
            around: Gives the estimate, where intervals are drawn beside their numbers.
            digits: Decimals of both ends.
            key: Name in downloads.
            options: What else the column may be.
        """
        ends = [of(record) for record in self.records]
        middles = [around(record) if around else None for record in self.records]
        none = self.words("no CI")
        marks = marks_of([(low, at, high) for (low, high), at in zip(ends, middles, strict=True)])
        self._columns.append(Column(key=key, label=self.words("95 % CI"), **options))
        self._cells.append(
            [
                Cell(span(low, high, digits) or none, mark=mark, muted=low is None)
                for (low, high), mark in zip(ends, marks, strict=True)
            ]
        )

    def build(
        self,
        name: str,
        caption: str,
        *,
        empty: str = "",
        tools: bool = True,
        listed: Callable[[T], bool] = lambda _: False,
        tie: Callable[[T], int | None] = lambda _: None,
    ) -> Table:
        """Return the table.

        Args:
            name: Its id on the page and the stem of its downloads.
            caption: What its numbers are.
            empty: What to say where there is no row.
            tools: Whether readers can sort and filter it.
            listed: Whether a record's row is set apart, as models without a rank are.
            tie: The group of ties that a record belongs to, if any.
        """
        rows = zip(*self._cells, strict=True)
        return Table(
            name=name,
            caption=caption,
            columns=tuple(self._columns),
            rows=tuple(
                Row(cells, tie=tie(record), listed=listed(record))
                for record, cells in zip(self.records, rows, strict=True)
            ),
            empty=empty,
            tools=tools,
        )

    def _numbers(
        self,
        key: str,
        label: str,
        of: Callable[[T], float | None],
        text: Callable[[float | None], str],
        *,
        shaded: bool,
        options: ColumnOptions,
    ) -> None:
        values = [_known(of(record)) for record in self.records]
        shades = heat_of(values) if shaded else [None] * len(values)
        self._columns.append(Column(key=key, label=label, numeric=True, **options))
        self._cells.append(
            [
                Cell(text(value), value, heat=shade, muted=value is None)
                for value, shade in zip(values, shades, strict=True)
            ]
        )


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value
