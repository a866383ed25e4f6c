"""The inputs of a board: which models are ranked, and on which targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cosmos_board.board.contamination import worst
from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.pooling import PoolCounts, PooledScores
from cosmos_board.board.ranking.shares import measure_shares
from cosmos_board.board.slices import Plan, SlicePlan
from cosmos_board.board.types import (
    AbsentModel,
    BoardFacts,
    Exposure,
    FailedAnswers,
    Share,
    Status,
)
from cosmos_board.board.units import count_failing
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.tracks import find_weakest_tier
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS
from cosmos_board.stats.multipliers import Multipliers


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Who is ranked on what. Arrays have one entry per model unless said."""

    plan: SlicePlan
    pools: Ints
    """Pools that scores and ranks rest on: those with at least 10 clusters, or all."""

    thin: Ints
    """The other pools of the slice."""

    ranks: bool
    """Whether `pools` have at least 10 clusters each."""

    complete: Bools
    """Whether a model covers every reference of the slice and few of its answers failed."""

    trained: Bools
    """Whether a model was trained on a dataset of each of `pools`, axes (pool, model)."""

    ranked: Bools
    status: tuple[Status, ...]
    coverage: Floats
    trained_on: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What a board's row says of a model whatever the metric; fields as in `BoardRow`."""

    facts: ModelCard
    status: Status
    failing: FailedAnswers | None
    unanswered: FailedAnswers | None
    unanswered_datasets: tuple[str, ...]
    coverage: float
    trained_on: float
    exposure: Exposure
    tier: str
    references: int
    rows: int
    """Rows behind its score: references times trials."""

    failed: float
    clusters: int


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class BoardInputs:
    """What a board is made from, whatever the metric."""

    pooled: PooledScores
    cohort: Cohort
    contenders: tuple[Contender, ...]
    """Every model of the pooled scores, in their order."""

    absent: tuple[AbsentModel, ...]
    facts: BoardFacts
    multipliers: Multipliers
    """Of every cluster of the track."""

    @cached_property
    def design(self) -> tuple[Design, Ints]:
        """What means over the cohort's pools rest on; see `design_pools`."""
        return design_pools(self.pooled, self.cohort.pools.tolist())

    @cached_property
    def shares(self) -> dict[int, tuple[Share, Share]]:
        """How often each complete model fails and draws nothing; see `measure_shares`."""
        if not self.cohort.ranks:
            return {}
        complete = np.flatnonzero(self.cohort.complete)
        return measure_shares(self.pooled, self.cohort.pools, complete, self.design[0])


def find_trained_pools(
    plan: Plan, models: Sequence[str], exposures: Mapping[tuple[str, str], Exposure]
) -> Bools:
    """Return whether each model was trained on a dataset of each pool, axes (pool, model)."""
    return np.array(
        [
            [
                any(exposures[model, name] == "trained-on" for name in pool.dataset_of_stratum)
                for model in models
            ]
            for pool in plan.pools
        ],
        bool,
    ).reshape(len(plan.pools), len(models))


def gather_cohort(
    plan: SlicePlan, models: Sequence[ModelCard], counts: PoolCounts, trained: Bools
) -> Cohort:
    """Decide who is ranked on a slice, as the protocol words it.

    A model must cover every reference of the slice, at most 1 % of its answers may have failed,
    and it must not be trained on any of the slice's datasets. Whoever joins or leaves, the
    references and targets stay the same.
    """
    everything = np.array(plan.pools, np.int64)
    counted = count_failing(counts.failed[everything], counts.rows[everything])
    failing = np.array([failed is not None for failed in counted], bool)
    complete: Bools = np.asarray(counts.covered[everything].all(axis=0)) & ~failing
    observer = np.array([model.observer for model in models], bool)
    seen: Bools = np.asarray(trained[everything].any(axis=0))
    wide = counts.units[everything] >= MINIMUM_CLUSTERS
    ranks = bool(wide.any())

    def status_of(model: int) -> Status:
        if observer[model]:
            return "observer"
        if not complete[model]:
            return "incomplete"
        if seen[model]:
            return "trained-on"
        return "ranked" if ranks else "too-few-clusters"

    pools = everything[wide] if ranks else everything
    return Cohort(
        plan=plan,
        pools=pools,
        thin=everything[~wide] if ranks else everything[:0],
        ranks=ranks,
        complete=complete,
        trained=trained[pools],
        ranked=complete & ~observer & ~seen if ranks else np.zeros_like(complete),
        status=tuple(status_of(model) for model in range(len(models))),
        coverage=counts.references[everything].sum(axis=0) / counts.available[everything].sum(),
        trained_on=trained[everything].mean(axis=0),
    )


def load_board_inputs(cube: Cube, pooled: PooledScores, cohort: Cohort) -> BoardInputs:
    """Return what the boards of one slice, prompt and selection are made from."""
    plan, counts, units = pooled.plan, pooled.counts, pooled.scores.units
    datasets = plan.datasets_of(cohort.pools)
    members = np.concatenate([plan.units_of(pool) for pool in cohort.pools])
    return BoardInputs(
        pooled=pooled,
        cohort=cohort,
        contenders=_find_contenders(cube, pooled, cohort, datasets),
        absent=_find_absent(cube, pooled, cohort),
        facts=BoardFacts(
            targets=tuple(plan.pools[pool].target for pool in cohort.pools),
            thin=(),
            cluster_units=tuple(sorted({cube.datasets[name].cluster_unit for name in datasets})),
            datasets=datasets,
            references=int(counts.available[cohort.pools].sum()),
            clusters=len(np.unique(units.cluster[members])),
            synthetic=cohort.plan.synthetic,
            ranks=cohort.ranks,
            detectable=None,
        ),
        multipliers=cube.multipliers(pooled.scores.track),
    )


def design_pools(pooled: PooledScores, pools: Sequence[int]) -> tuple[Design, Ints]:
    """Return the design of the mean over some pools, and their units in its listed order."""
    units = pooled.scores.units
    members = [pooled.plan.units_of(pool) for pool in pools]
    design = make_design([(units.cluster[own], units.dataset[own]) for own in members])
    return design, np.concatenate(members)


def _find_contenders(
    cube: Cube, pooled: PooledScores, cohort: Cohort, datasets: Sequence[str]
) -> tuple[Contender, ...]:
    scores, counts, pools = pooled.scores, pooled.counts, cohort.pools
    members = np.concatenate([pooled.plan.units_of(pool) for pool in pools])
    clusters = scores.units.cluster[members]
    everything = len(np.unique(clusters))
    present = scores.rows[members] > 0
    everything_asked = np.array(cohort.plan.pools, np.int64)
    failed, answers = counts.failed[everything_asked], counts.rows[everything_asked]
    failing = count_failing(failed, answers)
    with np.errstate(invalid="ignore"):  # a model may have no answer at all
        failed_share = failed.sum(axis=0) / answers.sum(axis=0)
    asked = int(counts.available[everything_asked].sum())
    missing = asked - counts.references[everything_asked].sum(axis=0)
    answered = {
        name: getattr(counts, name)[pools].sum(axis=0).tolist() for name in ("references", "rows")
    }
    contenders = []
    for index, name in enumerate(scores.models):
        own = present[:, index]
        tiers = {tier for dataset in datasets for tier in cube.tiers(scores.track, name, dataset)}
        contenders.append(
            Contender(
                facts=cube.models[name],
                status=cohort.status[index],
                failing=failing[index] if cohort.status[index] == "incomplete" else None,
                unanswered=FailedAnswers(int(missing[index]), asked)
                if missing[index] and cohort.status[index] == "incomplete"
                else None,
                unanswered_datasets=_find_unanswered(pooled, cohort.plan.pools, index)
                if missing[index] and cohort.status[index] == "incomplete"
                else (),
                coverage=float(cohort.coverage[index]),
                failed=float(failed_share[index]),
                trained_on=float(cohort.trained_on[index]),
                exposure=worst(cube.exposures[name, dataset] for dataset in datasets),
                tier=find_weakest_tier(tiers),
                clusters=everything if own.all() else len(np.unique(clusters[own])),
                **{name: numbers[index] for name, numbers in answered.items()},
            )
        )
    return tuple(contenders)


def _find_unanswered(pooled: PooledScores, pools: Sequence[int], model: int) -> tuple[str, ...]:
    """Return the datasets of some pools on which a model has no row, sorted."""
    plan, starts = pooled.plan, pooled.plan.starts
    rows: dict[str, int] = {}
    for pool in pools:
        strata = zip(plan.pools[pool].strata, plan.pools[pool].dataset_of_stratum, strict=True)
        for stratum, dataset in strata:
            own = pooled.scores.rows[starts[stratum] : starts[stratum + 1], model]
            rows[dataset] = rows.get(dataset, 0) + int(own.sum())
    return tuple(sorted(name for name, count in rows.items() if not count))


def _find_absent(cube: Cube, pooled: PooledScores, cohort: Cohort) -> tuple[AbsentModel, ...]:
    """Return the models without a row here, except models that have scores on other tracks only."""
    scores = pooled.scores
    rows = pooled.counts.rows[list(cohort.plan.pools)].sum(axis=0)
    present = {name for name, count in zip(scores.models, rows, strict=True) if count}
    return tuple(
        AbsentModel(
            model=model.name,
            label=model.label,
            reason="not run" if scores.prompt in model.prompts else "unsupported",
        )
        for model in cube.models.values()
        if model.name not in present
        and not model.observer
        and not cube.is_elsewhere(model.name, scores.track)
    )
