"""What may be shown of a dataset. Numbers of few patients are as telling as their images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cosmos_board.board.types import Board
from cosmos_board.core.errors import UnknownNameError
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.licence import may, may_show_cell
from cosmos_board.site.book import DatasetInfo


def may_publish(board: Board, datasets: Mapping[str, DatasetInfo]) -> bool:
    """Return whether a board may be shown: enough clusters, or terms that need none."""
    return may_tell(board.facts.clusters, board.facts.datasets, datasets)


def cut_rows(board: Board, datasets: Mapping[str, DatasetInfo]) -> Board:
    """Return a board without the rows of models that rest on too few restricted clusters."""
    kept = tuple(
        row for row in board.rows if may_tell(row.clusters, board.facts.datasets, datasets)
    )
    return board if len(kept) == len(board.rows) else replace(board, rows=kept)


def may_tell(clusters: int, names: Iterable[str], datasets: Mapping[str, DatasetInfo]) -> bool:
    """Return whether a number may be shown that rests on so many clusters of some datasets."""
    return all(may_show_cell(name, clusters, flags_of(name, datasets)) for name in names)


def may_show(dataset: str, action: str, datasets: Mapping[str, DatasetInfo]) -> bool:
    """Return whether `action` is permitted; what nobody has looked at is not."""
    try:
        return may(dataset, action, flags_of(dataset, datasets))
    except UnknownNameError:
        return False


def flags_of(name: str, datasets: Mapping[str, DatasetInfo]) -> dict[str, bool]:
    """Return what a dataset's pack declares; nothing where it is unknown."""
    granted = datasets[name].permissions if name in datasets else ()
    return {flag: flag in granted for flag in PERMISSIONS}
