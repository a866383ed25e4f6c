"""Columns about effects: what was not shown names what could have been."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cosmos_board.board.studies.effects import Effect
from cosmos_board.site.components.table import Cell
from cosmos_board.site.language.numbers import DASH, number, signed, span
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.tables import RecordTable

T = TypeVar("T")


def add_detectable(
    table: RecordTable[T],
    of: Callable[[T], Effect],
    words: Words,
    *,
    decided: Callable[[T], bool] | None = None,
) -> None:
    """Add the column of the least effect that could have been shown, where none was.

    Args:
        table: What the column is added to.
        of: The effect of a record.
        words: Of the page's language.
        decided: Whether a record says something without a difference being shown.
    """

    def cell(record: T) -> Cell:
        effect = of(record)
        shown = effect.is_shown if decided is None else decided(record)
        least = None if shown else effect.detectable
        return Cell(number(least), least, muted=least is None)

    table.cells("detectable", words("Could have shown"), cell, numeric=True)


def change_cell(effect: Effect, words: Words) -> Cell:
    """Return a difference with its interval; one that is not shown says what could have been."""
    if effect.low is None:
        return Cell(signed(effect.value), effect.value, note=words("no CI"))
    note = span(effect.low, effect.high) or DASH
    if not effect.is_shown:
        note = words.separate(
            [note, words("could have shown {effect}", effect=number(effect.detectable))]
        )
    return Cell(signed(effect.value), effect.value, note=note)
