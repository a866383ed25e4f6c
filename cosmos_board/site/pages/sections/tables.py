"""Tables with one row a record: every column stands beside the value that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Generic, Literal, TypeAlias, TypedDict, TypeVar, Unpack

from cosmos_board.board.types import Slice
from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of, marks_of
from cosmos_board.site.content.labels import model_url, slice_label, slice_url
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number, percent, signed, span
from cosmos_board.site.language.words import Words

T = TypeVar("T")
Direction: TypeAlias = Literal["high", "low", ""]
"""In which a model improves."""

Number: TypeAlias = float | None


class ColumnOptions(TypedDict, total=False):
    """What a column may be beside its key and label: see `Column`."""

    help: str
    best: Direction
    frozen: bool
    facet: bool
    hidden: bool
    wrap: bool


class NumberOptions(ColumnOptions, total=False):
    """What a column of numbers may be beside that."""

    digits: int
    shaded: bool
    """Whether it is shaded from the worst to the best."""


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

    def slice(self, key: str, label: str, of: Callable[[T], Slice]) -> None:
        """Add the first column of a table about slices, each linked to its page."""

        def cell(record: T) -> Cell:
            part = of(record)
            text = slice_label(part, self._data, self.words)
            return Cell(text, part.name, slice_url(part) or "./")

        self.cells(key, label, cell, frozen=True)

    def count(
        self, key: str, label: str, of: Callable[[T], int | None], **options: Unpack[ColumnOptions]
    ) -> None:
        """Add a column of whole numbers."""

        def cell(record: T) -> Cell:
            value = of(record)
            return Cell(number(value, 0), value, muted=value is None)

        self.cells(key, label, cell, numeric=True, **options)

    def share(
        self, key: str, label: str, of: Callable[[T], Number], **options: Unpack[ColumnOptions]
    ) -> None:
        """Add a column of shares in percent."""
        self._numbers(key, label, of, lambda share, _: percent(share), **options)

    def score(
        self, key: str, label: str, of: Callable[[T], Number], **options: Unpack[NumberOptions]
    ) -> None:
        """Add a column of scores."""
        self._numbers(key, label, of, number, **options)

    def change(
        self, key: str, label: str, of: Callable[[T], Number], **options: Unpack[NumberOptions]
    ) -> None:
        """Add a column of differences with their sign."""
        self._numbers(key, label, of, signed, **options)

    def _numbers(
        self,
        key: str,
        label: str,
        of: Callable[[T], Number],
        text: Callable[[Number, int], str],
        *,
        digits: int = 3,
        shaded: bool = False,
        **options: Unpack[ColumnOptions],
    ) -> None:
        values = [_known(of(record)) for record in self.records]
        shades = heat_of(values) if shaded else [None] * len(values)
        self._columns.append(Column(key=key, label=label, numeric=True, **options))
        self._cells.append(
            [
                Cell(text(value, digits), value, heat=shade, muted=value is None)
                for value, shade in zip(values, shades, strict=True)
            ]
        )

    def interval(
        self,
        of: Callable[[T], tuple[Number, Number] | None],
        *,
        around: Callable[[T], Number] | None = None,
        digits: int = 3,
        key: str = "interval",
        **options: Unpack[ColumnOptions],
    ) -> None:
        """Add the column of 95 % confidence intervals.

        `of` gives (low, high), None where there is no estimate; `around` gives the estimate, where
        intervals are drawn beside their numbers.
        """
        ends = [of(record) for record in self.records]
        middles = [around(record) if around else None for record in self.records]
        known = [pair or (None, None) for pair in ends]
        empties = [self.words("no CI") if pair else DASH for pair in ends]
        marks = marks_of([(low, at, high) for (low, high), at in zip(known, middles, strict=True)])
        self._columns.append(Column(key=key, label=self.words("95 % CI"), **options))
        self._cells.append(
            [
                Cell(span(low, high, digits) or empty, mark=mark, muted=low is None)
                for (low, high), mark, empty in zip(known, marks, empties, strict=True)
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
    ) -> Table:
        """Return the table; `listed` says which rows are set apart."""
        rows = zip(*self._cells, strict=True)
        return Table(
            name=name,
            caption=caption,
            columns=tuple(self._columns),
            rows=tuple(
                Row(cells, listed=listed(record))
                for record, cells in zip(self.records, rows, strict=True)
            ),
            empty=empty,
            tools=tools,
        )


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value
