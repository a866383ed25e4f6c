"""Every two models of a board: difference, interval, test and verdict."""

from __future__ import annotations

import numpy as np

from cosmos_board.board.ranking.inputs import BoardInputs
from cosmos_board.board.ranking.rank import Deviations
from cosmos_board.board.types import Board, PairRow, PairTable, PairVerdict
from cosmos_board.board.units import UnitScores
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.intervals import pair_standard_errors, t_quantile
from cosmos_board.stats.signed_rank import pairwise_signed_rank
from cosmos_board.stats.testing import equivalence_verdict, holm

JUDGED = frozenset({"dice", "iou", "nsd"})
"""Metrics on which differences within ±0.01 count as equivalent."""


def average_clusters(steps: Floats, scores: UnitScores, units: Ints, models: Ints) -> Floats:
    """Return each cluster's mean over its targets, rounded to whole steps.

    Args:
        steps: Of the units, axes (unit, model), no NaN.
        scores: Where they come from.
        units: Which units count.
        models: Which models, by their place along the second axis.

    Returns:
        axes (cluster, model), in the order of the clusters.
    """
    clusters = scores.units.cluster[units]
    if len(np.unique(clusters)) == len(clusters):
        return steps[np.ix_(units, models)]
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    counts = np.diff(np.append(starts, len(units)))
    sums = np.add.reduceat(steps[np.ix_(units[order], models)], starts, axis=0)
    means: Floats = np.rint(sums / counts[:, None])
    return means


def tabulate_pairs(
    board: Board, inputs: BoardInputs, steps: Floats, deviations: Deviations | None
) -> PairTable:
    """Return every pair of the ranked models of `board`.

    Args:
        board: The board, of one metric.
        inputs: What it was made from.
        steps: Means of the units for the board's metric, axes (unit, model).
        deviations: Of the macro scores; None where there are too few clusters.
    """
    scores, plan = inputs.pooled.scores, inputs.pooled.plan
    names = tuple(row.model for row in board.ranked)
    chosen = np.array([scores.models.index(name) for name in names], np.int64)
    first, second = np.triu_indices(len(names), 1)
    score = np.array([row.score for row in board.ranked])
    half_95 = half_90 = np.full(len(first), np.nan)
    if deviations is not None and names:
        errors = pair_standard_errors(deviations.scaled[chosen])[first, second]
        half_95 = deviations.t * errors
        half_90 = t_quantile(0.90, deviations.degrees) * errors
    units = np.concatenate([plan.units_of(pool) for pool in inputs.cohort.pools])
    p = np.zeros(0)
    if len(first):
        p = pairwise_signed_rank(average_clusters(steps, scores, units, chosen))
    return PairTable(
        key=board.key,
        models=names,
        difference=score[first] - score[second],
        half_95=half_95,
        half_90=half_90,
        p=p,
        p_holm=holm(p),
        clusters=board.facts.clusters,
    )


def pair_row(table: PairTable, index: int, a: str, b: str) -> PairRow:
    """Return one pair of a table."""
    difference = float(table.difference[index])
    half_95, half_90 = float(table.half_95[index]), float(table.half_90[index])
    known = not np.isnan(half_95)
    return PairRow(
        a=a,
        b=b,
        slice=table.key.slice,
        difference=difference,
        low=difference - half_95 if known else None,
        high=difference + half_95 if known else None,
        p=float(table.p[index]),
        p_holm=float(table.p_holm[index]),
        verdict=pair_verdict(table.key.metric, difference, half_95, half_90),
        clusters=table.clusters,
    )


def pair_verdict(
    metric: str, difference: float, half_95: float, half_90: float
) -> PairVerdict | None:
    """Return the protocol's verdict on a paired difference; NaN halves are not tested."""
    if metric not in JUDGED:
        return None
    if np.isnan(half_95):
        return "not tested"
    return equivalence_verdict(
        (difference - half_95, difference + half_95), (difference - half_90, difference + half_90)
    )
