"""Makes the board of one slice and one metric from pooled scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np

from cosmos_board.board.ranking.inputs import BoardInputs, design_pools
from cosmos_board.board.ranking.measures import (
    PoolMeasures,
    average_pools,
    compare_columns,
    measure_pools,
    measure_units,
)
from cosmos_board.board.ranking.pooling import MetricScores
from cosmos_board.board.ranking.shares import measure_shares
from cosmos_board.board.types import Board, BoardKey, BoardRow, Gap, PairTable, ThinTarget
from cosmos_board.core.arrays import Floats, Ints
from cosmos_board.stats.family import Family, rank, tie_letters
from cosmos_board.stats.variance import MeanErrors

BOX_PRIOR = "box-prior"
"""The baseline that a box board is read against: the ellipse in the box."""

Fields = dict[str, Any]
"""Fields of a `BoardRow` by name."""


def rank_boards(
    keys: Sequence[BoardKey], inputs: BoardInputs, others: Mapping[str, MetricScores]
) -> list[tuple[Board, PairTable]]:
    """Return the board of each metric and every pair of its ranked models.

    Args:
        keys: Their names, which differ in the metric alone.
        inputs: What they are made from.
        others: By metric, the pools under the other selection, with the same models, where there
            is one; for the oracle gap.
    """
    cohort = inputs.cohort
    complete, ranked = np.flatnonzero(cohort.complete), np.flatnonzero(cohort.ranked)
    measured: list[MeanErrors | None] = [None] * len(keys)
    families: list[Family | None] = [None] * len(keys)
    if cohort.ranks:
        errors = [measure_units(inputs.pooled, k.metric, inputs.design, complete) for k in keys]
        measured = [*errors]
        if len(ranked):
            own = np.searchsorted(complete, ranked)
            families = [*compare_columns(inputs, *(each.select(own) for each in errors))]
    return [
        _rank_board(key, inputs, others.get(key.metric), each, family)
        for key, each, family in zip(keys, measured, families, strict=True)
    ]


def _rank_board(
    key: BoardKey,
    inputs: BoardInputs,
    other: MetricScores | None,
    errors: MeanErrors | None,
    family: Family | None,
) -> tuple[Board, PairTable]:
    cohort, pooled = inputs.cohort, inputs.pooled
    complete, ranked = np.flatnonzero(cohort.complete), np.flatnonzero(cohort.ranked)
    here = measure_pools(pooled, key.metric, cohort.pools, complete, errors)
    rows = [_describe(here, index) for index in range(len(inputs.contenders))]
    for index, shares in inputs.shares.items():
        rows[index]["failure"], rows[index]["empty"] = shares
    _add_oracle_gaps(key, inputs, other, rows)
    _add_gains(key, inputs, here.score, rows)
    if family is not None:
        _add_ranks(here, ranked, family, rows)
    _restrict_trained(key, inputs, here.score, rows)
    made = [
        _make_row(inputs, index, row)
        for index, row in enumerate(rows)
        if inputs.contenders[index].rows
    ]
    made.sort(key=lambda row: (row.rank is None, row.rank or 0, row.model))
    board = Board(
        key=key,
        higher_is_better=True,
        rows=tuple(made),
        absent=inputs.absent,
        facts=replace(
            inputs.facts,
            thin=_list_thin(inputs, key.metric),
            detectable=_find_detectable(family),
        ),
    )
    return board, _tabulate(board, inputs, ranked, family)


def _describe(here: PoolMeasures, index: int) -> Fields:
    """Return what a model scored on some pools."""
    return {
        name: _number(getattr(here, name)[index])
        for name in (
            *("score", "micro", "dataset_balanced", "low", "high"),
            *("low_elsewhere", "high_elsewhere"),
        )
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else float(value) + 0.0  # no −0


def _add_oracle_gaps(
    key: BoardKey, inputs: BoardInputs, other: MetricScores | None, rows: list[Fields]
) -> None:
    if other is None:
        return
    sign = 1.0 if key.selection == "predicted" else -1.0
    theirs = average_pools(other.score[inputs.cohort.pools])
    for row, value in zip(rows, theirs, strict=True):
        if row["score"] is not None:
            row["oracle_gap"] = _number(sign * (value - row["score"]))


def _add_gains(key: BoardKey, inputs: BoardInputs, score: Floats, rows: list[Fields]) -> None:
    names = inputs.pooled.scores.models
    if key.prompt.startswith("box") and BOX_PRIOR in names:
        prior = names.index(BOX_PRIOR)
        if inputs.pooled.counts.covered[inputs.cohort.pools][:, prior].all():
            for row, value in zip(rows, score, strict=True):
                row["gain_over_box_prior"] = _number(value - score[prior])


def _add_ranks(here: PoolMeasures, ranked: Ints, family: Family, rows: list[Fields]) -> None:
    place = rank(here.score[ranked])
    micro = rank(here.micro[ranked])
    best, worst = family.rank_ranges()
    # Of models with one score, or one that the intervals leave open, the point rank lies inside.
    order = np.argsort(place, kind="stable")
    letters = tie_letters(family.separated, order)
    for own, index in enumerate(ranked):
        rows[index] |= {
            "rank": int(place[own]),
            "micro_rank": int(micro[own]),
            "rank_moves": abs(int(place[own]) - int(micro[own])) >= 2,
            "rank_low": min(int(best[own]), int(place[own])),
            "rank_high": max(int(worst[own]), int(place[own])),
            "lead_share": float(family.lead_share[own]),
            "letters": letters[own],
        }


def _restrict_trained(
    key: BoardKey, inputs: BoardInputs, score: Floats, rows: list[Fields]
) -> None:
    """Let a model that was trained on some datasets stand with its clean targets alone."""
    cohort = inputs.cohort
    standing = np.where(cohort.ranked, score, -np.inf)
    leader = int(standing.argmax()) if cohort.ranked.any() else None
    for index, status in enumerate(cohort.status):
        if status != "trained-on":
            continue
        clean = cohort.pools[~cohort.trained[:, index]]
        rows[index]["clean_targets"] = len(clean)
        if not len(clean):
            continue
        rows[index] |= _measure_clean(key.metric, inputs, index, clean, leader)


def _measure_clean(
    metric: str, inputs: BoardInputs, index: int, clean: Ints, leader: int | None
) -> Fields:
    """Return what a model scored on its clean pools, and how far it is from the leader there."""
    pooled = inputs.pooled
    design = design_pools(pooled, clean.tolist())
    columns = np.array([index] if leader is None else [index, leader])
    errors = measure_units(pooled, metric, design, columns) if inputs.cohort.ranks else None
    own = None if errors is None else errors.select(np.array([0]))
    fields = _describe(measure_pools(pooled, metric, clean, columns[:1], own), index)
    if errors is not None:
        shares = measure_shares(pooled, clean, columns[:1], design[0])
        fields["failure"], fields["empty"] = shares[index]
    if leader is not None and errors is not None:
        [pair] = compare_columns(inputs, errors)
        fields["behind"] = Gap(float(pair.difference[0]), float(pair.low[0]), float(pair.high[0]))
    return fields


def _make_row(inputs: BoardInputs, index: int, fields: Fields) -> BoardRow:
    model = inputs.contenders[index]
    facts = {name: getattr(model.facts, name) for name in ("family", "kind", "label")}
    same = (
        *("status", "failing", "unanswered", "unanswered_datasets", "references", "clusters"),
        *("coverage", "exposure", "tier", "failed"),
    )
    return BoardRow(
        model=model.facts.name,
        trained_on=model.trained_on,
        **facts,
        **{name: getattr(model, name) for name in same},
        **fields,
    )


def _list_thin(inputs: BoardInputs, metric: str) -> tuple[ThinTarget, ...]:
    pooled, names = inputs.pooled, inputs.pooled.scores.models
    found = []
    for pool in inputs.cohort.thin:
        scores = pooled.metrics[metric].score[pool]
        found.append(
            ThinTarget(
                target=pooled.plan.pools[pool].target,
                clusters=int(pooled.counts.units[pool]),
                scores=tuple(
                    (name, float(value))
                    for name, value in zip(names, scores, strict=True)
                    if not np.isnan(value)
                ),
            )
        )
    return tuple(sorted(found, key=lambda thin: thin.target))


def _find_detectable(family: Family | None) -> float | None:
    if family is None or not len(family.detectable):
        return None
    return float(np.median(family.detectable))


def _tabulate(board: Board, inputs: BoardInputs, ranked: Ints, family: Family | None) -> PairTable:
    names = inputs.pooled.scores.models
    return PairTable(
        key=board.key,
        models=tuple(names[index] for index in ranked),
        family=family,
        clusters=board.facts.clusters,
    )
