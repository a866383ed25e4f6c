"""Rows of several boards as one list: what the terminal prints and scripts read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.types import SLICE_KINDS, Board, Slice
from cosmos_board.core.errors import UnknownNameError
from cosmos_board.core.prompts import PROMPTS, get_prompt_kind
from cosmos_board.metrics.table import METRICS, get_metric
from cosmos_board.store.board import open_board


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRow:
    """One model on one board. The names are those that scripts rely on."""

    model: str
    slice: str
    """`overall`, or such as `target:ct.liver`."""

    prompt: str
    metric: str
    selection: str
    score: float
    low: float | None
    high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    references: int
    clusters: int
    status: str

    def as_json(self) -> dict[str, Any]:
        """Return the row by column name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows with the caption that makes them readable."""

    caption: str
    rows: tuple[ListedRow, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the document that `rank --format json` prints."""
        return {"caption": self.caption, "rows": [row.as_json() for row in self.rows]}


def list_rows(
    db: Path,
    *,
    prompt: str | None = None,
    by: str | None = None,
    metric: str = "dice",
    selection: str | None = None,
) -> Listing:
    """Return the rows of the boards that are asked for, in the order of boards and ranks.

    Args:
        db: Board database.
        prompt: One prompt; None for all.
        by: A slice kind or `model`; None for the overall board.
        metric: Which score.
        selection: `oracle` or `predicted`; None for the public default.

    Raises:
        UnknownNameError: If prompt or metric are unknown.
        InputError: If `db` is no board database.
    """
    get_metric(metric)
    if prompt is not None:
        get_prompt_kind(prompt)
    if by is not None and by not in (*SLICE_KINDS, "model"):
        raise UnknownNameError("--by", "name", by, (*SLICE_KINDS, "model"))
    with open_board(db) as connection:
        boards = build_boards(connection, (metric,))
    chosen = [
        board
        for board in boards.values()
        if board.key.scope == "common"
        and board.key.slice.kind == _kind(by, boards)
        and (prompt is None or board.key.prompt == prompt)
        and board.key.selection == (selection or default_selection(board.key.prompt))
    ]
    order = list(PROMPTS)
    chosen.sort(key=lambda board: (board.key.slice, order.index(board.key.prompt)))
    rows = [row for board in chosen for row in _list_board(board)]
    if by == "model":
        rows.sort(key=lambda row: row.model)
    label = METRICS[metric]
    direction = "higher is better" if label.higher_is_better else "lower is better"
    unit = f" ({label.unit})" if label.unit else ""
    caption = (
        f"{label.label}{unit}, {direction}; {selection or 'public default'} selection; "
        f"{len({row.model for row in rows})} models"
    )
    return Listing(caption, tuple(rows))


def default_selection(prompt: str) -> str:
    """Return what a reader sees first: what a user of the model would get.

    Example:
        >>> default_selection("box"), default_selection("everything")
        ('predicted', 'oracle')
    """
    return "oracle" if prompt == "everything" else "predicted"


def _kind(by: str | None, boards: Boards) -> str:
    """Return the slice kind; boards of synthetic data alone have no overall slice."""
    if by == "model":
        return "target"
    if by is None and Slice("overall") not in {key.slice for key in boards}:
        return "dataset"
    return by or "overall"


def _list_board(board: Board) -> Iterator[ListedRow]:
    for row in board.rows:
        yield ListedRow(
            model=row.model,
            slice=str(board.key.slice),
            prompt=board.key.prompt,
            metric=board.key.metric,
            selection=board.key.selection,
            score=row.score,
            low=row.low,
            high=row.high,
            rank=row.rank,
            rank_low=row.rank_low,
            rank_high=row.rank_high,
            references=row.references,
            clusters=row.clusters,
            status=row.status,
        )
