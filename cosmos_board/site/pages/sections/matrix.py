"""Models against prompts, modalities or objects: one number a cell, every cell a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cosmos_board.board.types import Board, BoardRow, Slice
from cosmos_board.site.components.table import Cell, Table, heat_of
from cosmos_board.site.content.labels import (
    modality_label,
    object_label,
    prompt_label,
    slice_label,
    slice_url,
)
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.numbers import DASH, number
from cosmos_board.site.language.words import Words
from cosmos_board.site.pages.sections.standing import format_rank, note_no_rank
from cosmos_board.site.pages.sections.tables import RecordTable
from cosmos_board.site.pages.sections.writer import PageWriter

MOST_MODELS = 25
"""Models in a map of slices; its file has no more either, the file of all scores has."""


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
    models: Sequence[str],
) -> Table:
    """Return the scores of `models` in order, shaded per column."""
    scored = [
        {row.model: row for row in column.board.rows} if column.board else {} for column in columns
    ]
    table = RecordTable(data, words, models)
    table.model("model", words("Model"), lambda model: model, frozen=True)
    for column, rows in zip(columns, scored, strict=True):
        absent = column.board.absent if column.board else ()
        reasons = {absence.model: absence.reason for absence in absent}
        shades = heat_of([_ranked_score(rows.get(model)) for model in models])
        cells = {
            model: _cell(rows.get(model), reasons.get(model), shade, words)
            for model, shade in zip(models, shades, strict=True)
        }
        get, url = cells.__getitem__, column.url if column.board else ""
        table.cells(column.key, column.label, get, numeric=True, best="high", help=url)
    return table.build(name, caption)


def order_models(board: Board | None, columns: Sequence[Across]) -> list[str]:
    """Return the models of a board in its order, then those that only columns have, by name."""
    own = [row.model for row in board.rows] if board else []
    others = {row.model for column in columns if column.board for row in column.board.rows}
    return own + sorted(others.difference(own))


def prompt_columns(
    data: SiteData, part: Slice, words: Words, urls: Mapping[str, str] | None = None
) -> list[Across]:
    """Return one column per prompt, linked to its page or to those in `urls`."""
    own = urls or {}
    return [
        Across(
            prompt,
            prompt_label(prompt, words),
            own.get(prompt, f"prompts/{prompt}/"),
            data.board(part, prompt),
        )
        for prompt in data.prompts()
    ]


def add_slice_map(page: PageWriter, part: Slice, *, most: int = MOST_MODELS) -> None:
    """Add the scores of the first `most` models on the slices that this one is made of."""
    data, words = page.data, page.words
    board = data.main_board(part)
    if board is None:
        return
    inner = [
        piece
        for piece in inner_slices(data, part)
        if (own := data.main_board(piece)) and own.facts.synthetic == board.facts.synthetic
    ]
    if len(inner) < 2:
        return
    prompt = board.key.prompt
    columns = [
        Across(
            piece.name,
            _short_label(piece, part, data, words),
            slice_url(piece),
            data.board(piece, prompt),
        )
        for piece in inner
    ]
    caption = words(
        "Dice ↑ and rank (with its range) with the prompt of the table above, one column per part "
        "of {slice}; no rank where no target has 10 clusters. "
        "Data {version}.",
        slice=slice_label(part, data, words),
        version=data.version_label,
    )
    title = {
        "modality": words("Scores by modality"),
        "target": words("Scores by target"),
        "dataset": words("Scores by dataset"),
    }[inner[0].kind]
    page.heading(title, "where")
    models = [row.model for row in board.rows[:most]]
    page.table(matrix_table(data, columns, words, name="map", caption=caption, models=models))


def inner_slices(data: SiteData, part: Slice) -> list[Slice]:
    """Return the parts of a slice: modalities of everything, targets of anything else."""
    if part.kind == "overall":
        return list(data.slices("modality"))
    targets = data.targets_of(part)
    if part.kind == "target":
        return [Slice("dataset", name) for name in sorted({target.dataset for target in targets})]
    names = {target.target for target in targets}
    return [piece for piece in data.slices("target") if piece.name in names]


def _short_label(piece: Slice, part: Slice, data: SiteData, words: Words) -> str:
    """Return the heading of `piece` without what the page of `part` says already."""
    modality, _, thing = piece.name.partition(".")
    if piece.kind == "target" and part.kind in ("modality", "object"):
        return (
            object_label(thing, words)
            if part.kind == "modality"
            else modality_label(modality, words)
        )
    return piece.name if piece.kind == "dataset" else slice_label(piece, data, words)


def _ranked_score(row: BoardRow | None) -> float | None:
    """Return the score of a ranked model: a shade compares it with others."""
    return row.score if row is not None and row.rank is not None else None


def _cell(row: BoardRow | None, absent: str | None, shade: float | None, words: Words) -> Cell:
    if row is None:
        return Cell(words.term(absent) if absent else DASH, muted=True)
    note = f"#{format_rank(row)}" if row.rank is not None else note_no_rank(row, words)
    return Cell(number(row.score), row.score, heat=shade, note=note)
