"""Two models side by side: on which targets is one better, and how sure is that?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.inputs import count_degrees, count_failing, find_trained_pools
from cosmos_board.board.ranking.pairs import average_clusters, pair_verdict
from cosmos_board.board.ranking.pooling import PooledScores, deviate_pools, pool_scores
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Comparison, PairRow, Slice
from cosmos_board.board.units import UnitScores
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import METRICS, get_metric
from cosmos_board.stats.intervals import (
    MINIMUM_CLUSTERS,
    bootstrap_factor,
    standard_errors,
    t_quantile,
)
from cosmos_board.stats.signed_rank import pairwise_signed_rank
from cosmos_board.stats.testing import holm


def compare(
    cube: Cube,
    a: str,
    b: str,
    *,
    prompt: str = "box",
    selection: Selection | None = None,
    metric: str = "dice",
) -> Comparison:
    """Compare full runs of A and B on every target that both cover and neither was trained on.

    The default of `selection` is `predicted`, and `oracle` for `everything`.

    Raises:
        InputError: If a model is unknown, they are one, or one has no scores with this prompt.
    """
    get_metric(metric)
    get_prompt_kind(prompt)
    if a == b:
        raise InputError("compare", "models", "are the same", got=a)
    for name in (a, b):
        if name not in cube.models:
            raise UnknownNameError("compare", "model", name, cube.models)
    scores = cube.load(FULL, prompt, selection or cube.selections(prompt)[-1], [metric])
    for name in (a, b):
        if name not in scores.models:
            raise InputError("compare", "model", f"has no scores with prompt {prompt}", got=name)
    plan = plan_slices(scores.units, cube.datasets)
    pooled = pool_scores(scores.of_models((a, b)), plan, [metric])
    return _compare_pools(cube, PairComparison(cube, pooled, metric))


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class PairComparison:
    """Scores of two models, to be compared on any set of pools."""

    cube: Cube
    pooled: PooledScores
    metric: str

    @property
    def scores(self) -> UnitScores:
        """Of the two models alone."""
        return self.pooled.scores

    @cached_property
    def deviations(self) -> list[Floats]:
        """By pool: how far replicates lie from the scores, axes (model, replicate)."""
        draws = self.cube.draws(self.scores.track)
        by_pool = deviate_pools(self.scores, [self.metric], self.pooled.plan, draws)
        return [deviations[0] for deviations in by_pool]

    @cached_property
    def steps(self) -> Floats:
        """The units' means, axes (unit, model)."""
        return self.scores.steps(self.metric)

    def compare_on(self, part: Slice, pools: Sequence[int]) -> PairRow:
        """Return A against B as the mean over `pools`; Holm's correction is the table's."""
        chosen = np.array(pools, np.int64)
        score = self.pooled.metrics[self.metric].score[chosen]
        difference = float(np.mean(score[:, 0] - score[:, 1]))
        thick = self.pooled.counts.units[chosen] >= MINIMUM_CLUSTERS
        half_95, half_90 = self._measure_halves(chosen[thick])
        units = np.concatenate([self.pooled.plan.units_of(pool) for pool in pools])
        means = average_clusters(self.steps, self.scores, units, np.arange(2))
        p = float(pairwise_signed_rank(means)[0])
        known = not np.isnan(half_95)
        return PairRow(
            a=self.scores.models[0],
            b=self.scores.models[1],
            slice=part,
            difference=difference,
            low=difference - half_95 if known else None,
            high=difference + half_95 if known else None,
            p=p,
            p_holm=p,
            verdict=pair_verdict(self.metric, difference, half_95, half_90),
            clusters=len(np.unique(self.scores.units.cluster[units])),
        )

    def _measure_halves(self, pools: Ints) -> tuple[float, float]:
        """Return half the 95 % and half the 90 % interval over pools with enough clusters."""
        degrees = count_degrees(self.pooled.plan, self.scores.units, pools)
        if degrees < 1:
            return float("nan"), float("nan")
        total = np.zeros(self.deviations[0].shape[1])
        for pool in pools:
            apart = self.deviations[pool][0] - self.deviations[pool][1]
            total += apart * bootstrap_factor(int(self.pooled.counts.units[pool]))
        error = float(standard_errors(total[None, :] / len(pools))[0])
        return t_quantile(0.95, degrees) * error, t_quantile(0.90, degrees) * error


def _compare_pools(cube: Cube, pair: PairComparison) -> Comparison:
    plan, (a, b) = pair.pooled.plan, pair.scores.models
    pools = next((part.pools for part in plan.slices if part.slice.kind == "overall"), ())
    seen: Bools = np.asarray(find_trained_pools(plan, (a, b), cube.exposures).any(axis=1))
    covered: Bools = np.asarray(pair.pooled.counts.covered.all(axis=1))
    shared = [pool for pool in pools if covered[pool] and not seen[pool]]
    rows = [pair.compare_on(Slice("target", plan.pools[pool].target), [pool]) for pool in shared]
    adjusted = holm([np.nan if row.p is None else row.p for row in rows])
    targets = tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True))
    outcomes = [_find_outcome(row, pair.metric) for row in targets]
    failing = count_failing(pair.pooled.counts, np.array(shared, np.int64))
    return Comparison(
        a=a,
        b=b,
        prompt=pair.scores.prompt,
        selection=pair.scores.selection,
        metric=pair.metric,
        track=pair.scores.track,
        overall=pair.compare_on(Slice("overall"), shared) if shared else None,
        targets=targets,
        wins=outcomes.count(1),
        ties=outcomes.count(0),
        losses=outcomes.count(-1),
        untested=outcomes.count(None),
        left_out=tuple(plan.pools[pool].target for pool in pools if pool not in shared),
        failing={name: counts for name, counts in zip((a, b), failing, strict=True) if counts},
    )


def _find_outcome(row: PairRow, metric: str) -> int | None:
    """Return 1 where A is better, −1 where it is worse, None where that was not tested, else 0.

    A metric without a margin counts as decided where the interval leaves 0 out.
    """
    if row.low is None or row.high is None:
        return None
    if row.verdict is not None:
        return {"better": 1, "worse": -1}.get(row.verdict, 0)
    if row.low <= 0 <= row.high:
        return 0
    return 1 if (row.difference > 0) == METRICS[metric].higher_is_better else -1
