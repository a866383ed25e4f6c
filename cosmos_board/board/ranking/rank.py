"""One slice and one metric: from pools to a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

import numpy as np

from cosmos_board.board.ranking.inputs import BoardInputs
from cosmos_board.board.ranking.pooling import MetricScores, score_without
from cosmos_board.board.types import Board, BoardKey, BoardRow
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.metrics.table import METRICS
from cosmos_board.stats.intervals import (
    bootstrap_factor,
    interval,
    jackknife_errors,
    pair_standard_errors,
    standard_errors,
    t_quantile,
)
from cosmos_board.stats.ranks import first_shares, nearest_percentiles, rank, tie_groups
from cosmos_board.stats.testing import minimum_detectable_difference

MINIMUM_DATASETS = 5
"""Below this many datasets nothing is said about new ones."""

BOX_PRIOR = "box-prior"
"""The baseline that a box board is read against: the ellipse in the box."""


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """How far the macro scores of bootstrap replicates lie from those of the data."""

    plain: Floats
    """Macro replicate minus score, axes (model, replicate): what ranks are taken over."""

    scaled: Floats
    """The same with each target's deviations times √(n / (n − 1)): what errors come from."""

    degrees: int

    @property
    def t(self) -> float:
        """Two-sided 95 % quantile."""
        return t_quantile(0.95, self.degrees)


def macro(values: Floats) -> Floats:
    """Return the mean of `values` (pool, model) over pools, skipping NaN; NaN if on none."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return means


def average_deviations(inputs: BoardInputs, by_pool: Sequence[Floats]) -> Deviations | None:
    """Return the macro deviations over the eligible pools; None where no interval is allowed.

    `by_pool` are the deviations of each pool, axes (model, replicate).
    """
    pools = inputs.eligible
    if not len(pools) or inputs.degrees < 1:
        return None
    plain = np.zeros_like(by_pool[pools[0]])
    scaled = np.zeros_like(plain)
    for pool in pools:
        plain += by_pool[pool]
        scaled += by_pool[pool] * bootstrap_factor(int(inputs.pooled.counts.units[pool]))
    return Deviations(plain / len(pools), scaled / len(pools), inputs.degrees)


def rank_board(
    key: BoardKey,
    inputs: BoardInputs,
    deviations: Deviations | None,
    other: MetricScores | None,
) -> Board:
    """Return the board of one metric.

    Args:
        key: Its name.
        inputs: What it is made from.
        deviations: Of the macro scores; None where there are too few clusters.
        other: The pools under the other selection, with the same models; for the oracle gap.
    """
    higher = METRICS[key.metric].higher_is_better
    pools = inputs.cohort.pools
    scores = inputs.pooled.metrics[key.metric]
    score = macro(scores.score[pools])
    rows = np.array([model.rows for model in inputs.contenders])
    with np.errstate(invalid="ignore"):
        micro = scores.sums[pools].sum(axis=0) / rows
    columns: dict[str, Floats] = {
        "score": score,
        "micro": micro,
        "dataset_balanced": macro(scores.balanced[pools]),
        "oracle_gap": _oracle_gap(key, score, other, pools),
        "gain_over_box_prior": _gain_over_box_prior(key, inputs, score),
    }
    columns["low"], columns["high"] = _interval(key, inputs, score, deviations)
    columns["low_elsewhere"], columns["high_elsewhere"] = _interval_elsewhere(key, inputs, score)
    detectable = None
    if deviations is not None and (ranked := inputs.cohort.ranked).any():
        errors = pair_standard_errors(deviations.scaled[ranked])
        columns |= _rank(score, micro, ranked, deviations, errors, higher_is_better=higher)
        detectable = _find_detectable(errors, deviations.degrees)
    rows_made = [_make_row(inputs, index, columns) for index in np.flatnonzero(rows).tolist()]
    rows_made.sort(key=lambda row: (row.rank is None, row.rank or 0, row.model))
    return Board(
        key=key,
        higher_is_better=higher,
        rows=tuple(rows_made),
        absent=inputs.absent,
        facts=replace(inputs.facts, detectable=detectable),
    )


def _rank(
    score: Floats,
    micro: Floats,
    ranked: Bools,
    deviations: Deviations,
    errors: Floats,
    *,
    higher_is_better: bool,
) -> dict[str, Floats]:
    """Return what only ranked models have, NaN elsewhere; shape (models,) each."""
    own = score[ranked]
    replicates = rank(own[:, None] + deviations.plain[ranked], higher_is_better=higher_is_better)
    low, high = nearest_percentiles(replicates)
    columns = {
        "rank": rank(own, higher_is_better=higher_is_better),
        "micro_rank": rank(micro[ranked], higher_is_better=higher_is_better),
        "rank_low": low,
        "rank_high": high,
        "p_first": first_shares(replicates),
        "tie_group": tie_groups(own, deviations.t * errors, higher_is_better=higher_is_better),
    }
    spread = np.full((len(columns), len(score)), np.nan)
    spread[:, ranked] = list(columns.values())
    return dict(zip(columns, spread, strict=True))


def _find_detectable(errors: Floats, degrees: int) -> float | None:
    pairs = np.sort(errors[np.triu_indices(len(errors), 1)])
    if not len(pairs):
        return None
    median = float(pairs[(len(pairs) - 1) // 2] + pairs[len(pairs) // 2]) / 2
    return minimum_detectable_difference(median, degrees)


def _interval(
    key: BoardKey, inputs: BoardInputs, score: Floats, deviations: Deviations | None
) -> tuple[Floats, Floats]:
    """Return the interval for new clusters, NaN where there is none."""
    if deviations is None:
        return np.full(len(score), np.nan), np.full(len(score), np.nan)
    errors = np.where(
        inputs.pooled.counts.covered[inputs.eligible].all(axis=0),
        standard_errors(deviations.scaled),
        np.nan,
    )
    bounds = METRICS[key.metric].bounds
    return interval(score, errors, degrees=deviations.degrees, bounds=bounds)


def _interval_elsewhere(key: BoardKey, inputs: BoardInputs, score: Floats) -> tuple[Floats, Floats]:
    """Return the interval for new datasets, NaN where there are too few to know."""
    names, pools, pooled = inputs.facts.datasets, inputs.cohort.pools, inputs.pooled
    if len(names) < MINIMUM_DATASETS:
        return np.full(len(score), np.nan), np.full(len(score), np.nan)
    scores = pooled.metrics[key.metric]
    without = [macro(score_without(scores, pooled.plan, pools, name)) for name in names]
    covered = pooled.counts.covered[pools].all(axis=0)
    errors = np.where(covered, jackknife_errors(np.stack(without)), np.nan)
    return interval(score, errors, degrees=len(names) - 1, bounds=METRICS[key.metric].bounds)


def _oracle_gap(key: BoardKey, score: Floats, other: MetricScores | None, pools: Ints) -> Floats:
    if other is None:
        return np.full(len(score), np.nan)
    change: Floats = macro(other.score[pools]) - score
    towards_oracle = (key.selection == "predicted") == METRICS[key.metric].higher_is_better
    return change if towards_oracle else -change


def _gain_over_box_prior(key: BoardKey, inputs: BoardInputs, score: Floats) -> Floats:
    names = inputs.pooled.scores.models
    if key.prompt.startswith("box") and BOX_PRIOR in names:
        prior = names.index(BOX_PRIOR)
        if inputs.pooled.counts.covered[inputs.cohort.pools][:, prior].all():
            gain: Floats = score - score[prior]
            return gain if METRICS[key.metric].higher_is_better else -gain
    return np.full(len(score), np.nan)


def _make_row(inputs: BoardInputs, index: int, columns: dict[str, Floats]) -> BoardRow:
    model = inputs.contenders[index]

    def number(name: str) -> float | None:
        value = float(columns[name][index]) if name in columns else np.nan
        return None if isnan(value) else value + 0.0  # no −0

    def integer(name: str) -> int | None:
        value = number(name)
        return None if value is None else int(value)

    ranks = integer("rank"), integer("micro_rank")
    unranked = inputs.cohort.ranked[index] and ranks[0] is None
    facts = ("family", "kind", "label")
    same = ("failing", "references", "clusters", "coverage", "trained_on", "exposure", "tier")
    return BoardRow(
        model=model.facts.name,
        status="too-few-clusters" if unranked else model.status,
        score=float(columns["score"][index]),
        low=number("low"),
        high=number("high"),
        rank=ranks[0],
        rank_low=integer("rank_low"),
        rank_high=integer("rank_high"),
        p_first=number("p_first"),
        tie_group=integer("tie_group"),
        micro=float(columns["micro"][index]),
        micro_rank=ranks[1],
        dataset_balanced=float(columns["dataset_balanced"][index]),
        rank_moves=abs((ranks[0] or 0) - (ranks[1] or 0)) >= 2,
        oracle_gap=number("oracle_gap"),
        gain_over_box_prior=number("gain_over_box_prior"),
        penalised=model.penalised / model.rows,
        failed=model.failed / model.rows,
        low_elsewhere=number("low_elsewhere"),
        high_elsewhere=number("high_elsewhere"),
        **{name: getattr(model.facts, name) for name in facts},
        **{name: getattr(model, name) for name in same},
    )
