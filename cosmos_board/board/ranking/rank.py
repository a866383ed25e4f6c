"""One slice and one metric: from cells to a board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from cosmos_board.board.ranking.cohort import Cohort
from cosmos_board.board.ranking.pooling import CellCounts, CellScores, score_without
from cosmos_board.board.slices import Plan
from cosmos_board.board.types import AbsentModel, Board, BoardFacts, BoardKey, BoardRow, Exposure
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.cards import ModelCard
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.intervals import (
    MINIMUM_CLUSTERS,
    bootstrap_factor,
    interval,
    jackknife_errors,
    pair_standard_errors,
    standard_errors,
    t_quantile,
)
from cosmos_board.stats.ranks import first_shares, rank, rank_bounds, tie_groups
from cosmos_board.stats.testing import minimum_detectable_difference

MINIMUM_DATASETS = 5
"""Below this many datasets nothing is said about new ones."""

BOX_PRIOR = "box-prior"
"""The baseline that a box board is read against: the ellipse in the box."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a board stands on, whatever the metric. Arrays have one entry per model."""

    cohort: Cohort
    models: tuple[ModelCard, ...]
    counts: CellCounts
    references: Ints
    """References of the cohort's cells that each model has rows for."""

    rows: Ints
    """Rows behind its score: references times trials."""

    penalised: Ints
    failed: Ints
    clusters: Ints
    """Distinct clusters that each model has rows for."""

    exposure: tuple[Exposure, ...]
    tiers: tuple[str, ...]
    absent: tuple[AbsentModel, ...]
    eligible: Ints
    """Cells of the cohort with at least ten clusters."""

    degrees: int
    """Distinct clusters minus datasets over the eligible cells."""

    facts: BoardFacts


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How sure the scores of a board are; axes (model, …), models as on the ground."""

    plain: Floats
    """Macro replicate minus score, axes (model, replicate): what ranks are taken over."""

    scaled: Floats
    """The same with each target's deviations times √(n / (n − 1)): what errors come from."""

    degrees: int

    @property
    def t(self) -> float:
        """Two-sided 95 % quantile."""
        return t_quantile(0.95, self.degrees)


def macro(values: Floats, cells: Ints) -> Floats:
    """Return each model's mean over `cells`, skipping those it has no score on; NaN if on none.

    Args:
        values: axes (cell, model).
        cells: Which cells.
    """
    chosen = values[cells]
    known = ~np.isnan(chosen)
    with np.errstate(invalid="ignore"):
        found: Floats = np.where(known, chosen, 0.0).sum(axis=0) / known.sum(axis=0)
    return found


def spread_of(ground: Ground, deviations: Sequence[Floats]) -> Spread | None:
    """Return the macro deviations over the eligible cells; None where no interval is allowed.

    Args:
        ground: What the board stands on.
        deviations: By cell, axes (model, replicate).
    """
    cells = ground.eligible
    if not len(cells) or ground.degrees < 1:
        return None
    plain = np.zeros_like(deviations[cells[0]])
    scaled = np.zeros_like(plain)
    for cell in cells:
        plain += deviations[cell]
        scaled += deviations[cell] * bootstrap_factor(int(ground.counts.units[cell]))
    return Spread(plain / len(cells), scaled / len(cells), ground.degrees)


@dataclass(frozen=True, slots=True, eq=False)
class _Ranking:
    """What only ranked models have; 0 or NaN elsewhere. One entry per model."""

    rank: Ints
    micro_rank: Ints
    low: Ints
    high: Ints
    first: Floats
    group: Ints
    detectable: float | None


def rank_board(
    key: BoardKey,
    ground: Ground,
    plan: Plan,
    scores: CellScores,
    spread: Spread | None,
    other: CellScores | None,
) -> Board:
    """Return the board of one metric.

    Args:
        key: Its name.
        ground: What it stands on.
        plan: The track's slices.
        scores: Of the cells.
        spread: Of the macro scores; None where there are too few clusters.
        other: The cells under the other selection, with the same models; for the oracle gap.
    """
    higher = METRICS[key.metric].higher_is_better
    cells = ground.cohort.cells
    score = macro(scores.score, cells)
    with np.errstate(invalid="ignore"):
        micro = scores.sums[cells].sum(axis=0) / ground.rows
    ranked = ground.cohort.ranked & (spread is not None)
    ranking = _rank(score, micro, ranked, spread, higher_is_better=higher)
    low, high = _intervals(key, ground, score, spread)
    low_elsewhere, high_elsewhere = _elsewhere(key, ground, plan, scores, score)
    columns = {
        "score": score,
        "low": low,
        "high": high,
        "low_elsewhere": low_elsewhere,
        "high_elsewhere": high_elsewhere,
        "micro": micro,
        "balanced": macro(scores.balanced, cells),
        "gap": _oracle_gap(key, score, other, cells, higher_is_better=higher),
        "gain": _gain(key, ground, score, higher_is_better=higher),
    }
    made = [
        _row(index, ground, ranking, columns) for index in np.flatnonzero(ground.rows > 0).tolist()
    ]
    made.sort(key=lambda row: (row.rank is None, row.rank or 0, row.model))
    return Board(
        key=key,
        higher_is_better=higher,
        rows=tuple(made),
        absent=ground.absent,
        facts=replace(ground.facts, detectable=ranking.detectable),
    )


def _rank(
    score: Floats, micro: Floats, ranked: Bools, spread: Spread | None, *, higher_is_better: bool
) -> _Ranking:
    size = len(score)
    zeros = [np.zeros(size, np.int64) for _ in range(5)]
    own, by_micro, low, high, group = zeros
    first: Floats = np.full(size, np.nan)
    detectable = None
    if ranked.any():
        own[ranked] = rank(score[ranked], higher_is_better=higher_is_better)
        by_micro[ranked] = rank(micro[ranked], higher_is_better=higher_is_better)
    if ranked.any() and spread is not None:
        replicates = rank(
            score[ranked, None] + spread.plain[ranked], higher_is_better=higher_is_better
        )
        low[ranked], high[ranked] = rank_bounds(replicates)
        first[ranked] = first_shares(replicates)
        errors = pair_standard_errors(spread.scaled[ranked])
        group[ranked] = tie_groups(
            score[ranked], spread.t * errors, higher_is_better=higher_is_better
        )
        detectable = _detectable(errors, spread.degrees)
    return _Ranking(own, by_micro, low, high, first, group, detectable)


def _detectable(errors: Floats, degrees: int) -> float | None:
    pairs = np.sort(errors[_upper(len(errors))])
    if not len(pairs):
        return None
    median = float(pairs[(len(pairs) - 1) // 2] + pairs[len(pairs) // 2]) / 2
    return minimum_detectable_difference(median, degrees)


@lru_cache(maxsize=64)
def _upper(size: int) -> tuple[Ints, Ints]:
    return np.triu_indices(size, 1)


def _intervals(
    key: BoardKey, ground: Ground, score: Floats, spread: Spread | None
) -> tuple[Floats, Floats]:
    nothing = np.full(len(score), np.nan)
    if spread is None:
        return nothing, nothing
    low, high = interval(
        score,
        standard_errors(spread.scaled),
        degrees=spread.degrees,
        bounds=METRICS[key.metric].bounds,
    )
    covered = ground.counts.covered[ground.eligible].all(axis=0)
    return np.where(covered, low, np.nan), np.where(covered, high, np.nan)


def _oracle_gap(
    key: BoardKey, score: Floats, other: CellScores | None, cells: Ints, *, higher_is_better: bool
) -> Floats:
    if other is None:
        return np.full(len(score), np.nan)
    change: Floats = macro(other.score, cells) - score
    towards_oracle = (key.selection == "predicted") == higher_is_better
    return change if towards_oracle else -change


def _gain(key: BoardKey, ground: Ground, score: Floats, *, higher_is_better: bool) -> Floats:
    names = [model.name for model in ground.models]
    nothing = np.full(len(score), np.nan)
    if not key.prompt.startswith("box") or BOX_PRIOR not in names:
        return nothing
    prior = names.index(BOX_PRIOR)
    if not ground.counts.covered[ground.cohort.cells][:, prior].all():
        return nothing
    gain: Floats = score - score[prior]
    return gain if higher_is_better else -gain


def _row(index: int, ground: Ground, ranking: _Ranking, columns: Mapping[str, Floats]) -> BoardRow:
    model = ground.models[index]
    cohort = ground.cohort
    rows = int(ground.rows[index])
    ranks = (int(ranking.rank[index]), int(ranking.micro_rank[index]))
    return BoardRow(
        model=model.name,
        label=model.label,
        family=model.family,
        kind=model.kind,
        status="too-few-clusters"
        if cohort.ranked[index] and not ranks[0]
        else cohort.status[index],
        score=float(columns["score"][index]),
        low=_number(columns["low"][index]),
        high=_number(columns["high"][index]),
        rank=ranks[0] or None,
        rank_low=int(ranking.low[index]) or None,
        rank_high=int(ranking.high[index]) or None,
        p_first=_number(ranking.first[index]),
        tie_group=int(ranking.group[index]) or None,
        references=int(ground.references[index]),
        clusters=int(ground.clusters[index]),
        coverage=float(cohort.coverage[index]),
        micro=float(columns["micro"][index]),
        micro_rank=ranks[1] or None,
        dataset_balanced=float(columns["balanced"][index]),
        rank_moves=abs(ranks[0] - ranks[1]) >= 2,
        oracle_gap=_number(columns["gap"][index]),
        gain_over_box_prior=_number(columns["gain"][index]),
        penalised=int(ground.penalised[index]) / rows,
        failed=int(ground.failed[index]) / rows,
        trained_on=float(cohort.trained_on[index]),
        exposure=ground.exposure[index],
        tier=ground.tiers[index],
        low_elsewhere=_number(columns["low_elsewhere"][index]),
        high_elsewhere=_number(columns["high_elsewhere"][index]),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value) + 0.0  # no −0


def _elsewhere(
    key: BoardKey, ground: Ground, plan: Plan, scores: CellScores, score: Floats
) -> tuple[Floats, Floats]:
    """Return the interval for new datasets, or NaN where there are too few to know."""
    names = ground.facts.datasets
    nothing = np.full(len(score), np.nan)
    if len(names) < MINIMUM_DATASETS:
        return nothing, nothing
    cells = ground.cohort.cells
    everywhere = np.arange(len(cells))
    without = np.stack(
        [macro(score_without(scores, plan, cells, name), everywhere) for name in names]
    )
    low, high = interval(
        score,
        jackknife_errors(without),
        degrees=len(names) - 1,
        bounds=METRICS[key.metric].bounds,
    )
    covered = ground.counts.covered[cells].all(axis=0)
    return np.where(covered, low, np.nan), np.where(covered, high, np.nan)


def find_eligible(cells: Ints, counts: CellCounts) -> Ints:
    """Return the cells that have enough clusters for an interval."""
    return cells[counts.units[cells] >= MINIMUM_CLUSTERS]
