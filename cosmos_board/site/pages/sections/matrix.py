"""Models against prompts, modalities or objects: one number a cell, every cell a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosmos_board.board.types import Board, BoardRow
from cosmos_board.site.components.table import Cell, Column, Row, Table, heat_of
from cosmos_board.site.content.labels import model_url, prompt_label
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.ranking import failing_label


@dataclass(frozen=True, slots=True)
class Across:
    """One column of a matrix: a board, or None where there is none."""

    key: str
    label: str
    url: str
    """Address of the page that the column is about, from the root of the site."""

    board: Board | None


def matrix_table(
    data: SiteData,
    columns: Sequence[Across],
    words: Words,
    *,
    name: str,
    caption: str,
    models: Sequence[str] | None = None,
) -> Table:
    """Return the scores of every model on every board, shaded per column.

    Args:
        data: Where models are named.
        columns: The boards.
        words: The language of the page.
        name: Id of the table on its page.
        caption: The sentence over it.
        models: Which models, in order; None for all, the best mean first.
    """
    found = [
        {row.model: row for row in column.board.rows} if column.board else {} for column in columns
    ]
    absent = [
        {gone.model: gone.reason for gone in column.board.absent} if column.board else {}
        for column in columns
    ]
    order = list(models) if models is not None else _by_mean(found)
    shades = [
        heat_of([rows[model].score if model in rows else None for model in order]) for rows in found
    ]
    alone = [sum(row.rank is not None for row in rows.values()) < 2 for rows in found]
    body = []
    for place, model in enumerate(order):
        label = data.label(model)
        cells = [Cell(label, model, model_url(model) if model in data.models else "")]
        for rows, gone, shade, single in zip(found, absent, shades, alone, strict=True):
            cells.append(_cell(rows.get(model), gone.get(model), shade[place], words, alone=single))
        body.append(Row(tuple(cells)))
    heads = (
        Column(key="model", label=words("Model"), frozen=True),
        *(
            Column(key=column.key, label=column.label, numeric=True, best="high",
                   help=column.url if column.board else "")
            for column in columns
        ),
    )  # fmt: skip
    return Table(name=name, caption=caption, columns=heads, rows=tuple(body))


def prompt_columns(
    boards: Sequence[tuple[str, Board | None]], words: Words, urls: Mapping[str, str] | None = None
) -> list[Across]:
    """Return one column per prompt, linked to its page or to those in `urls`."""
    own = urls or {}
    return [
        Across(prompt, prompt_label(prompt, words), own.get(prompt, f"prompts/{prompt}/"), board)
        for prompt, board in boards
    ]


def _cell(
    row: BoardRow | None,
    absent: str | None,
    shade: float | None,
    words: Words,
    *,
    alone: bool,
) -> Cell:
    if row is None:
        return Cell(words.term(absent) if absent else DASH, muted=True)
    rank = failing_label(row, words) if row.rank is None else f"#{row.rank}"
    return Cell(
        number(row.score), row.score, heat=shade, note=rank, strong=row.rank == 1 and not alone
    )


def _by_mean(found: Sequence[dict[str, BoardRow]]) -> list[str]:
    models = sorted({model for rows in found for model in rows})

    def mean(model: str) -> float:
        scores = [rows[model].score for rows in found if model in rows]
        return sum(scores) / len(scores)

    return sorted(models, key=lambda model: (-mean(model), model))
