"""Compares two models on each target, by the verdicts of the boards that rank them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.inputs import (
    Cohort,
    design_pools,
    find_trained_pools,
    gather_cohort,
    load_board_inputs,
)
from cosmos_board.board.ranking.measures import compare_columns, measure_units
from cosmos_board.board.ranking.pairs import describe_pair, pair_row
from cosmos_board.board.ranking.pooling import PooledScores, pool_scores
from cosmos_board.board.ranking.shares import measure_shares
from cosmos_board.board.slices import SlicePlan, plan_slices
from cosmos_board.board.types import BoardKey, Comparison, PairRow, Share, Slice
from cosmos_board.board.units import count_failing
from cosmos_board.core.arrays import Bools
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.core.scores import Selection
from cosmos_board.core.tracks import FULL
from cosmos_board.metrics.table import get_metric
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS


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

    Where a board ranks both, its verdict is shown: that of the family of all its pairs. Elsewhere
    the two are a family of their own. The default of `selection` is `predicted`, and `oracle` for
    `everything`.

    Raises:
        InputError: If a model is unknown, they are one, one has no scores with this prompt, or
            the metric ranks nobody.
    """
    if not get_metric(metric).ranked:
        raise InputError("compare", "--metric", "is a distance, which is not averaged", got=metric)
    get_prompt_kind(prompt)
    if a == b:
        raise InputError("compare", "models", "are the same", got=a)
    for name in (a, b):
        if name not in cube.models:
            raise UnknownNameError("compare", "model", name, cube.models)
    chosen = selection or cube.selections(prompt)[-1]
    scores = cube.load(FULL, prompt, chosen, [metric])
    for name in (a, b):
        if name not in scores.models:
            raise InputError("compare", "model", f"has no scores with prompt {prompt}", got=name)
    plan = plan_slices(scores.units, cube.datasets)
    pooled = pool_scores(scores.of_models((a, b)), plan, [metric])
    boards = build_boards(
        cube.connection,
        [metric],
        prompts=[prompt],
        pair_metrics=[metric],
        kinds={"overall", "target"},
        cube=cube,
    )
    return _PairOfModels(cube, pooled, boards, BoardKey(Slice("overall"), prompt, chosen, metric))()


class _PairOfModels:
    """Two models, their boards, and what is needed to compare them where no board does."""

    def __init__(self, cube: Cube, pooled: PooledScores, boards: Boards, key: BoardKey) -> None:
        self.cube, self.pooled, self.boards, self.key = cube, pooled, boards, key
        self.a, self.b = pooled.scores.models
        self.trained = find_trained_pools(pooled.plan, (self.a, self.b), cube.exposures)
        parts = {part.slice: part for part in pooled.plan.slices}
        self.overall = parts.get(Slice("overall"))

    def __call__(self) -> Comparison:
        """Return the comparison."""
        plan, counts = self.pooled.plan, self.pooled.counts
        pools = self.overall.pools if self.overall else ()
        usable: Bools = np.asarray(counts.covered.all(axis=1) & ~self.trained.any(axis=1))
        shared = [pool for pool in pools if usable[pool]]
        names = [plan.pools[pool].target for pool in shared]
        rows = [
            self._compare_on(Slice("target", name), [pool])
            for name, pool in zip(names, shared, strict=True)
        ]
        overall = self._compare_on(Slice("overall"), shared) if shared else None
        count = Counter(row.verdict for row in rows)
        failing = count_failing(counts.failed[shared], counts.rows[shared])
        failures = self._share_failures(shared)
        return Comparison(
            a=self.a,
            b=self.b,
            prompt=self.key.prompt,
            selection=self.key.selection,
            metric=self.key.metric,
            track=self.key.track,
            overall=overall,
            targets=tuple(rows),
            better=count["better"],
            worse=count["worse"],
            equivalent=count["equivalent"],
            not_separated=count["not separated"],
            not_tested=count["not tested"],
            failures_a=failures[0],
            failures_b=failures[1],
            left_out=tuple(plan.pools[pool].target for pool in pools if pool not in shared),
            failing={
                name: failed
                for name, failed in zip((self.a, self.b), failing, strict=True)
                if failed
            },
        )

    def _compare_on(self, part: Slice, pools: list[int]) -> PairRow:
        """Return A against B on a slice: by its board, or as a table of two on `pools`."""
        key = BoardKey(part, self.key.prompt, self.key.selection, self.key.metric, self.key.track)
        table = self.boards.pairs.get(key)
        if table is not None and {self.a, self.b} <= set(table.models):
            return pair_row(table, self.a, self.b)
        cohort, clusters = self._gather(pools)
        inputs = load_board_inputs(self.cube, self.pooled, cohort)
        if cohort.ranks and cohort.complete.all():
            errors = measure_units(self.pooled, self.key.metric, inputs.design, np.arange(2))
            [family] = compare_columns(inputs, errors)
            return describe_pair(family, 0, 1, (self.a, self.b), part, clusters)
        means = self.pooled.metrics[self.key.metric].score[cohort.pools].mean(axis=0)
        # Both cover these pools, so whoever is incomplete failed too often.
        failing = zip((self.a, self.b), cohort.complete, strict=True)
        return PairRow(
            a=self.a,
            b=self.b,
            slice=part,
            difference=float(means[0] - means[1]),
            low=None,
            high=None,
            verdict="not tested",
            held_back=False,
            detectable=None,
            clusters=clusters,
            failed_often=tuple(name for name, complete in failing if not complete),
        )

    def _gather(self, pools: Iterable[int]) -> tuple[Cohort, int]:
        """Return the two as a cohort of their own on some pools, and how many clusters that is."""
        plan = SlicePlan(Slice("overall"), tuple(pools), synthetic=False)
        models = [self.cube.models[name] for name in (self.a, self.b)]
        cohort = gather_cohort(plan, models, self.pooled.counts, self.trained)
        units = np.concatenate([self.pooled.plan.units_of(pool) for pool in cohort.pools])
        return cohort, len(np.unique(self.pooled.scores.units.cluster[units]))

    def _share_failures(self, pools: list[int]) -> list[Share | None]:
        """Return the share of references with Dice under 0.5 of both, where there are clusters."""
        if not pools or (self.pooled.counts.units[pools] < MINIMUM_CLUSTERS).all():
            return [None, None]
        cohort, _ = self._gather(pools)
        design, _ = design_pools(self.pooled, cohort.pools.tolist())
        shares = measure_shares(self.pooled, cohort.pools, np.arange(2), design)
        return [shares[place][0] for place in range(2)]
