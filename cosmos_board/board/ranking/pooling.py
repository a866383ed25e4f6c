"""From units to pools: scores and counts of every target that is ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cosmos_board.board.slices import Plan
from cosmos_board.board.units import UnitScores, metric_step
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.store.queries.scores import STEP

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class PoolCounts:
    """What was answered. Axes (pool, model)."""

    available: Ints
    """References there are, shape (pools,)."""

    units: Ints
    """Clusters there are, shape (pools,)."""

    references: Ints
    rows: Ints
    penalised: Ints
    failed: Ints
    covered: Bools
    """Whether every reference has a row."""


@dataclass(frozen=True, slots=True, eq=False)
class MetricScores:
    """What was scored on one metric, in its unit; NaN where a model has no row."""

    score: Floats
    """Mean over clusters of the cluster means, axes (pool, model)."""

    balanced: Floats
    """Mean over datasets of their mean over clusters, axes (pool, model)."""

    sums: Floats
    """Sum over rows, axes (pool, model); 0 where there is none."""

    totals: Floats
    """Sum over clusters of the cluster means, axes (stratum, model)."""

    present: Floats
    """Clusters behind each total, axes (stratum, model)."""

    means: Floats
    """Mean of each unit, axes (unit, model)."""


@dataclass(frozen=True, slots=True, eq=False)
class PooledScores:
    """The scores of one track, prompt and selection, over the pools of a plan."""

    scores: UnitScores
    plan: Plan
    counts: PoolCounts
    metrics: Mapping[str, MetricScores]


def pool_scores(scores: UnitScores, plan: Plan, metrics: Sequence[str]) -> PooledScores:
    """Return what was answered and scored in each pool."""
    pooled = {name: score_pools(scores, name, plan) for name in metrics}
    return PooledScores(scores, plan, count_pools(scores, plan), pooled)


def count_pools(scores: UnitScores, plan: Plan) -> PoolCounts:
    """Return what was answered in each pool."""
    there = scores.units.references[:, None]
    short = (scores.references < there).astype(np.int64)
    counted = ("references", "rows", "penalised", "failed")
    return PoolCounts(
        available=_pool(plan, _add_units(plan, there))[:, 0],
        units=_pool(plan, np.diff(plan.starts)[:, None])[:, 0],
        covered=_pool(plan, _add_units(plan, short)) == 0,
        **{name: _pool(plan, _add_units(plan, getattr(scores, name))) for name in counted},
    )


def score_pools(scores: UnitScores, metric: str, plan: Plan) -> MetricScores:
    """Return what was scored in each pool."""
    steps, step = scores.steps(metric), metric_step(metric)
    known = ~np.isnan(steps)
    totals = _add_units(plan, np.where(known, steps, 0.0))
    present = _add_units(plan, known.astype(np.float64))
    seen = present > 0
    with np.errstate(invalid="ignore"):
        by_stratum = np.where(seen, totals / present * step, 0.0)
        score = _pool(plan, totals) / _pool(plan, present) * step
        balanced = _pool(plan, by_stratum) / _pool(plan, seen.astype(np.float64))
    sums = _pool(plan, _add_units(plan, scores.sums[metric])) * STEP
    return MetricScores(score, balanced, sums, totals * step, present, steps * step)


def score_without(scores: MetricScores, plan: Plan, pools: Ints, dataset: str) -> Floats:
    """Return the scores of `pools` (pool, model) without a dataset; NaN where there is no other."""
    remaining = scores.score[pools].copy()
    for row, number in enumerate(pools):
        pool = plan.pools[number]
        if dataset in pool.dataset_of_stratum:
            others = [
                stratum
                for stratum, name in zip(pool.strata, pool.dataset_of_stratum, strict=True)
                if name != dataset
            ]
            with np.errstate(invalid="ignore"):
                remaining[row] = scores.totals[others].sum(axis=0) / scores.present[others].sum(
                    axis=0
                )
    return remaining


def _add_units(plan: Plan, values: NDArray[Number]) -> NDArray[Number]:
    """Return sums over the units of each stratum; exact, since the values are integers."""
    sums: NDArray[Number] = np.add.reduceat(values, plan.starts[:-1], axis=0)
    return sums


def _pool(plan: Plan, values: NDArray[Number]) -> NDArray[Number]:
    """Return sums over the strata of each pool."""
    return np.stack([values[list(pool.strata)].sum(axis=0) for pool in plan.pools])
