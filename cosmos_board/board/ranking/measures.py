"""What models scored on a set of pools: means, intervals, failures, and every pair of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.ranking.inputs import BoardInputs, design_pools
from cosmos_board.board.ranking.pooling import PooledScores, score_without
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.family import Family, compare_all
from cosmos_board.stats.intervals import (
    effective_clusters,
    interval,
    jackknife_errors,
    ratio_interval,
    share_interval,
)
from cosmos_board.stats.variance import MeanErrors, measure_means

MINIMUM_DATASETS = 3
"""With fewer datasets there is no interval for new datasets."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolMeasures:
    """What models scored on a set of pools; one entry per model, NaN or None where not known."""

    score: Floats
    micro: Floats
    dataset_balanced: Floats
    low: Floats
    high: Floats
    low_elsewhere: Floats
    high_elsewhere: Floats
    failure: list[Share | None]
    empty: list[Share | None]


def average_pools(values: Floats) -> Floats:
    """Return the mean of `values` (pool, model) over pools, skipping NaN; NaN if on none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return means


def measure_pools(inputs: BoardInputs, metric: str, pools: Ints, chosen: Bools) -> PoolMeasures:
    """Return what every model scored on `pools`, and intervals of the `chosen` models.

    Args:
        inputs: Of the board; without a target of ten clusters there are no intervals.
        metric: What was measured.
        pools: Which pools count.
        chosen: Models that cover all references of these pools, shape (models,).
    """
    pooled = inputs.pooled
    scores = pooled.metrics[metric]
    models = len(pooled.scores.models)
    answers = pooled.counts.rows[pools].sum(axis=0)
    with np.errstate(invalid="ignore"):
        micro = scores.sums[pools].sum(axis=0) / answers
    score = average_pools(scores.score[pools])
    ends = np.full((4, models), np.nan)
    failure: list[Share | None] = [None] * models
    empty: list[Share | None] = [None] * models
    columns = np.flatnonzero(chosen)
    if inputs.cohort.ranks and len(columns):
        errors = measure_units(pooled, metric, pools, columns)
        ends[:2, columns] = ratio_interval(errors)
        ends[2:, columns] = _interval_elsewhere(pooled, metric, pools, score[columns], columns)
        # The wider promise is never the narrower interval.
        ends[2] = np.minimum(ends[2], ends[0])
        ends[3] = np.maximum(ends[3], ends[1])
        clusters = effective_clusters(errors)
        for counts, shares in ((pooled.scores.low, failure), (pooled.scores.empty, empty)):
            found = _share_units(pooled, counts, pools, columns, clusters)
            for column, share in zip(columns, found, strict=True):
                shares[column] = share
    return PoolMeasures(
        score=score,
        micro=micro,
        dataset_balanced=average_pools(scores.balanced[pools]),
        low=ends[0],
        high=ends[1],
        low_elsewhere=ends[2],
        high_elsewhere=ends[3],
        failure=failure,
        empty=empty,
    )


def measure_units(pooled: PooledScores, metric: str, pools: Ints, columns: Ints) -> MeanErrors:
    """Return the macro means of some models over `pools`, with their errors over clusters."""
    design, units = design_pools(pooled, pools.tolist())
    return measure_means(pooled.metrics[metric].means[np.ix_(units, columns)], design)


def compare_models(inputs: BoardInputs, metric: str, pools: Ints, columns: Ints) -> Family:
    """Return every pair of some models over `pools`, as one family."""
    errors = measure_units(inputs.pooled, metric, pools, columns)
    return compare_all(errors, inputs.multipliers[errors.design.key])


def _interval_elsewhere(
    pooled: PooledScores, metric: str, pools: Ints, score: Floats, columns: Ints
) -> Floats:
    """Return the interval for new datasets, NaN where there are too few to know."""
    names = pooled.plan.datasets_of(pools)
    if len(names) < MINIMUM_DATASETS:
        return np.full((2, len(columns)), np.nan)
    scores = pooled.metrics[metric]
    without = np.stack(
        [
            average_pools(score_without(scores, pooled.plan, pools, name)[:, columns])
            for name in names
        ]
    )
    errors = jackknife_errors(without)
    return np.stack(interval(score, errors, degrees=len(names) - 1.0, bounds=(0.0, 1.0)))


def _share_units(
    pooled: PooledScores, counts: Ints, pools: Ints, columns: Ints, clusters: float
) -> list[Share]:
    """Return the share of counted answers, weighed as a score is, with its exact interval."""
    by_pool = []
    for pool in pools:
        units = pooled.plan.units_of(pool)
        rows = pooled.scores.rows[np.ix_(units, columns)]
        by_pool.append((counts[np.ix_(units, columns)] / rows).mean(axis=0))
    shares = np.mean(by_pool, axis=0)
    low, high = share_interval(shares, clusters)
    return [Share(*ends) for ends in zip(shares.tolist(), low.tolist(), high.tolist(), strict=True)]
