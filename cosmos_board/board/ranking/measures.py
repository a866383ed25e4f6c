"""What models scored on a set of pools: means, intervals, failures, and every pair of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmos_board.board.ranking.inputs import BoardInputs
from cosmos_board.board.ranking.pooling import PooledScores, score_without
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.design import Design
from cosmos_board.stats.failures import ratio_interval
from cosmos_board.stats.family import Family, compare_together
from cosmos_board.stats.intervals import interval, jackknife_errors
from cosmos_board.stats.variance import MeanErrors, measure_means

MINIMUM_DATASETS = 3
"""With fewer datasets there is no interval for new datasets."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolMeasures:
    """What models scored on a set of pools; one entry per model, NaN where not known."""

    score: Floats
    micro: Floats
    dataset_balanced: Floats
    low: Floats
    high: Floats
    low_elsewhere: Floats
    high_elsewhere: Floats


def average_pools(values: Floats) -> Floats:
    """Return the mean of `values` (pool, model) over pools, skipping NaN; NaN if on none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return means


def measure_pools(
    pooled: PooledScores, metric: str, pools: Ints, columns: Ints, errors: MeanErrors | None
) -> PoolMeasures:
    """Return what every model scored on `pools`, and intervals of some.

    Args:
        pooled: Of the board's track, prompt and selection.
        metric: What was measured.
        pools: Which pools count.
        columns: Models that cover all references of these pools.
        errors: Of their means, from `measure_units`; None where no pool has ten clusters.
    """
    scores = pooled.metrics[metric]
    models = len(pooled.scores.models)
    answers = pooled.counts.rows[pools].sum(axis=0)
    with np.errstate(invalid="ignore"):
        micro = scores.sums[pools].sum(axis=0) / answers
    score = average_pools(scores.score[pools])
    ends = np.full((4, models), np.nan)
    if errors is not None and len(columns):
        ends[:2, columns] = ratio_interval(errors)
        ends[2:, columns] = _interval_elsewhere(pooled, metric, pools, score[columns], columns)
        # The wider promise is never the narrower interval.
        ends[2] = np.minimum(ends[2], ends[0])
        ends[3] = np.maximum(ends[3], ends[1])
    return PoolMeasures(
        score=score,
        micro=micro,
        dataset_balanced=average_pools(scores.balanced[pools]),
        low=ends[0],
        high=ends[1],
        low_elsewhere=ends[2],
        high_elsewhere=ends[3],
    )


def measure_units(
    pooled: PooledScores, metric: str, design: tuple[Design, Ints], columns: Ints
) -> MeanErrors:
    """Return the macro means of some models, with their errors over clusters.

    Args:
        pooled: Of the board's track, prompt and selection.
        metric: What was measured.
        design: From `design_pools`.
        columns: Models that cover all references of these pools.
    """
    return measure_means(pooled.metrics[metric].means[np.ix_(design[1], columns)], design[0])


def compare_columns(inputs: BoardInputs, *tables: MeanErrors) -> list[Family]:
    """Return every pair of the models of each table as one family; tables are of one design."""
    return compare_together(tables, inputs.multipliers, tables[0].design.key)


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
