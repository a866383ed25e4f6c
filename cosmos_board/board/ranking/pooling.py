"""From units to cells: scores, counts and bootstrap deviations of every target that is ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cosmos_board.board.cube import Scores, metric_step
from cosmos_board.board.slices import Plan
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.bootstrap import Counts, sum_replicates
from cosmos_board.store.queries.scores import STEP

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CellCounts:
    """What was answered. Axes (cell, model)."""

    available: Ints
    """References there are, shape (cells,)."""

    units: Ints
    """Clusters there are, shape (cells,)."""

    references: Ints
    rows: Ints
    penalised: Ints
    failed: Ints
    covered: Bools
    """Whether every reference has a row."""


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """What was scored on one metric, in its unit; NaN where a model has no row."""

    score: Floats
    """Mean over clusters of the cluster means, axes (cell, model)."""

    balanced: Floats
    """Mean over datasets of their mean over clusters, axes (cell, model)."""

    sums: Floats
    """Sum over rows, axes (cell, model); 0 where there is none."""

    totals: Floats
    """Sum over clusters of the cluster means, axes (stratum, model)."""

    present: Floats
    """Clusters behind each total, axes (stratum, model)."""


def count_cells(scores: Scores, plan: Plan) -> CellCounts:
    """Return what was answered in each cell."""
    available = _gather(plan, _add(plan, scores.units.references[:, None]))[:, 0]
    short = (scores.references < scores.units.references[:, None]).astype(np.int64)
    return CellCounts(
        available=available,
        units=_gather(plan, np.diff(plan.starts)[:, None])[:, 0],
        references=_gather(plan, _add(plan, scores.references)),
        rows=_gather(plan, _add(plan, scores.rows)),
        penalised=_gather(plan, _add(plan, scores.penalised)),
        failed=_gather(plan, _add(plan, scores.failed)),
        covered=_gather(plan, _add(plan, short)) == 0,
    )


def score_cells(scores: Scores, metric: str, plan: Plan) -> CellScores:
    """Return what was scored in each cell."""
    steps = scores.steps(metric)
    known = ~np.isnan(steps)
    totals = _add(plan, np.where(known, steps, 0.0))
    present = _add(plan, known.astype(np.float64))
    step = metric_step(metric)
    with np.errstate(invalid="ignore"):
        by_stratum = totals / present * step
        score = _gather(plan, totals) / _gather(plan, present) * step
        seen = present > 0
        balanced = _gather(plan, np.where(seen, by_stratum, 0.0)) / _gather(
            plan, seen.astype(np.float64)
        )
    sums = _gather(plan, _add(plan, scores.sums[metric])) * STEP
    return CellScores(score, balanced, sums, totals * step, present)


def score_without(scores: CellScores, plan: Plan, cells: Ints, dataset: str) -> Floats:
    """Return the scores of `cells` without one dataset; NaN for a cell that has no other.

    Args:
        scores: Of all cells.
        plan: The track's slices.
        cells: Which cells.
        dataset: Name of the dataset that is left out.

    Returns:
        axes (cell, model).
    """
    found = scores.score[cells].copy()
    for row, number in enumerate(cells):
        cell = plan.cells[number]
        if dataset in cell.datasets:
            kept = [
                stratum
                for stratum, name in zip(cell.strata, cell.dataset_of_stratum, strict=True)
                if name != dataset
            ]
            with np.errstate(invalid="ignore"):
                found[row] = scores.totals[kept].sum(axis=0) / scores.present[kept].sum(axis=0)
    return found


def deviate_cells(
    scores: Scores, metrics: Sequence[str], plan: Plan, counts: Counts
) -> list[Floats]:
    """Return replicate minus score for each cell, in the metric's unit.

    A replicate that draws no cluster of a cell (rare above ten) deviates by 0.

    Args:
        scores: From the cube.
        metrics: Which of its metrics.
        plan: The track's slices.
        counts: How often each cluster is drawn, shape (clusters, replicates).

    Returns:
        One array per cell, axes (metric, model, replicate).
    """
    models = len(scores.models)
    steps = np.concatenate([scores.steps(metric) for metric in metrics], axis=1)
    missing = np.isnan(steps[:, :models])
    steps[np.isnan(steps)] = 0.0
    scale = np.array([metric_step(metric) for metric in metrics]).repeat(models)
    totals, weights = [], []
    for start, stop in zip(plan.starts[:-1], plan.starts[1:], strict=True):
        drawn = counts[scores.units.cluster[start:stop]]
        totals.append(sum_replicates(steps[start:stop], drawn))
        if missing[start:stop].any():
            weight = sum_replicates((~missing[start:stop]).astype(np.float64), drawn)
        else:
            weight = drawn.sum(axis=0, dtype=np.float64)[None, :]
        weights.append(weight)
    found = []
    for number, cell in enumerate(plan.cells):
        own = plan.units_of(number)
        with np.errstate(invalid="ignore"):
            score = steps[own].sum(axis=0) / np.tile((~missing[own]).sum(axis=0), len(metrics))
        total, weight = (_sum([part[s] for s in cell.strata]) for part in (totals, weights))
        found.append(_deviate(total, weight, score, len(metrics)) * scale[:, None])
    return [array.reshape(len(metrics), models, -1) for array in found]


def _deviate(total: Floats, weight: Floats, score: Floats, metrics: int) -> Floats:
    """Return total / weight − score, columns being (metric, model); 0 where nothing was drawn."""
    if len(weight) > 1:
        weight = np.tile(weight, (metrics, 1))
    drawn = weight > 0
    found = np.divide(total, weight, out=np.zeros_like(total), where=drawn)
    found -= score[:, None]
    if not drawn.all():
        found[~np.broadcast_to(drawn, found.shape)] = 0.0
    return found


def _sum(parts: Sequence[Floats]) -> Floats:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _add(plan: Plan, values: NDArray[Number]) -> NDArray[Number]:
    """Return sums over the units of each stratum; exact, since the values are integers."""
    found: NDArray[Number] = np.add.reduceat(values, plan.starts[:-1], axis=0)
    return found


def _gather(plan: Plan, values: NDArray[Number]) -> NDArray[Number]:
    """Return sums over the strata of each cell."""
    return np.stack([values[list(cell.strata)].sum(axis=0) for cell in plan.cells])
