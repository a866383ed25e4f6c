"""Median distances on boards of one target: shown beside the share of empty masks, never ranked."""

from __future__ import annotations

from dataclasses import replace

from cosmos_board.board.types import Board
from cosmos_board.metrics.table import METRICS
from cosmos_board.store.queries.targets import DistanceKey, Distances

SHOWN = ("hd95_px", "assd_px")
"""Distances that boards show."""


def add_distances(board: Board, distances: dict[DistanceKey, Distances]) -> Board:
    """Return a board of one target with the median distances of its models over drawn masks.

    A held-out set of several datasets has none: medians are of one dataset or of all.
    """
    [target] = board.facts.targets
    kind, dataset = board.key.slice.kind, ""
    if kind == "held-out" and len(board.facts.datasets) > 1:
        return board
    if kind in ("dataset", "held-out"):
        (dataset,) = board.facts.datasets
    rows = []
    for row in board.rows:
        found = distances.get(DistanceKey(row.model, board.key.selection, target, dataset))
        known = {name: getattr(found, name) for name in SHOWN} if found else {}
        rows.append(replace(row, **known))
    return replace(board, rows=tuple(rows))


def show_distance(board: Board, metric: str) -> Board:
    """Return a board of one target as a table of one of its distances, smallest first, unranked.

    Only models that drew a mask have a row. Under 10 clusters the rows stay in the order of names.
    """
    rows = [
        replace(
            row,
            status="distance" if row.rank is not None else row.status,
            score=getattr(row, metric),
            low=None, high=None, low_elsewhere=None, high_elsewhere=None,
            rank=None, rank_low=None, rank_high=None, lead_share=None, letters="",
            micro_rank=None, rank_moves=False, oracle_gap=None, gain_over_box_prior=None,
            behind=None,
        )
        for row in board.rows
        if getattr(row, metric) is not None
    ]  # fmt: skip
    if board.facts.ranks:
        rows.sort(key=lambda row: (row.score, row.model))
    return replace(
        board,
        key=replace(board.key, metric=metric),
        higher_is_better=METRICS[metric].higher_is_better,
        rows=tuple(rows),
        facts=replace(board.facts, detectable=None, thin=()),
    )
