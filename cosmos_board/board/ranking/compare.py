"""Two models side by side: on which targets is one better, and how sure is that?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cosmos_board.board.cube import Cube, Scores
from cosmos_board.board.inputs import count_degrees
from cosmos_board.board.ranking.cohort import describe_failing, find_exposures, trained_cells
from cosmos_board.board.ranking.pairs import cluster_means, judge
from cosmos_board.board.ranking.pooling import CellCounts, count_cells, deviate_cells, score_cells
from cosmos_board.board.slices import Plan, plan_slices
from cosmos_board.board.types import Comparison, PairRow, Slice
from cosmos_board.core.arrays import Floats
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.prompts import get_prompt_kind
from cosmos_board.core.scores import Selection, fails_too_often
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
    track: str = "full",
) -> Comparison:
    """Compare A with B on every target that both cover and neither was trained on.

    Args:
        cube: Over an open database.
        a: Name of a model.
        b: Name of another.
        prompt: How both were prompted.
        selection: How a candidate was chosen; `predicted` by default, `oracle` for `everything`.
        metric: What is compared.
        track: Whose runs count.

    Raises:
        InputError: If a model is unknown, they are one, or one has no scores with this prompt.
    """
    get_metric(metric)
    get_prompt_kind(prompt)
    chosen = selection or cube.selections(prompt)[-1]
    if a == b:
        raise InputError("compare", "models", "are the same", got=a)
    for name in (a, b):
        if name not in cube.models:
            raise UnknownNameError("compare", "model", name, cube.models)
    scores = _pick(cube.load(track, prompt, chosen, [metric]), (a, b), prompt)
    plan = plan_slices(cube.units(track), cube.datasets)
    return _compare(_Duel(cube, plan, scores, metric, track), prompt, chosen)


def _pick(scores: Scores, names: tuple[str, str], prompt: str) -> Scores:
    for name in names:
        if name not in scores.models:
            raise InputError("compare", "model", f"has no scores with prompt {prompt}", got=name)
    columns = [scores.models.index(name) for name in names]
    return replace(
        scores,
        models=names,
        rows=scores.rows[:, columns],
        references=scores.references[:, columns],
        penalised=scores.penalised[:, columns],
        failed=scores.failed[:, columns],
        sums={name: values[:, columns] for name, values in scores.sums.items()},
    )


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class _Duel:
    """Scores of two models and what is needed to compare them on any set of cells."""

    cube: Cube
    plan: Plan
    scores: Scores
    metric: str
    track: str

    @cached_property
    def counts(self) -> CellCounts:
        return count_cells(self.scores, self.plan)

    @cached_property
    def deviations(self) -> list[Floats]:
        drawn = self.cube.counts(self.track)
        return [part[0] for part in deviate_cells(self.scores, [self.metric], self.plan, drawn)]

    @cached_property
    def differences(self) -> Floats:
        score = score_cells(self.scores, self.metric, self.plan).score
        return score[:, 0] - score[:, 1]

    @cached_property
    def steps(self) -> Floats:
        return self.scores.steps(self.metric)

    def meet(self, part: Slice, cells: Sequence[int]) -> PairRow:
        """Return A against B as the mean over `cells`; Holm's correction is the table's."""
        difference = float(np.mean(self.differences[list(cells)]))
        half_95, half_90 = self._halves([c for c in cells if self._is_thick(c)])
        units = np.concatenate([self.plan.units_of(cell) for cell in cells])
        means = cluster_means(self.steps, self.scores, units, np.arange(2))
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
            verdict=judge(self.metric, difference, half_95, half_90),
            clusters=len(np.unique(self.scores.units.cluster[units])),
        )

    def _is_thick(self, cell: int) -> bool:
        return bool(self.counts.units[cell] >= MINIMUM_CLUSTERS)

    def _halves(self, cells: Sequence[int]) -> tuple[float, float]:
        """Return half the 95 % and half the 90 % interval over cells with enough clusters."""
        degrees = count_degrees(self.plan, self.scores.units, np.array(cells, np.int64))
        if degrees < 1:
            return float("nan"), float("nan")
        total = np.zeros(self.deviations[0].shape[1])
        for cell in cells:
            apart = self.deviations[cell][0] - self.deviations[cell][1]
            total += apart * bootstrap_factor(int(self.counts.units[cell]))
        error = float(standard_errors(total[None, :] / len(cells))[0])
        return t_quantile(0.95, degrees) * error, t_quantile(0.90, degrees) * error


def _compare(duel: _Duel, prompt: str, selection: Selection) -> Comparison:
    plan, (a, b) = duel.plan, duel.scores.models
    cells = next((part.cells for part in plan.slices if part.slice.kind == "overall"), ())
    seen = np.asarray(trained_cells(plan, (a, b), find_exposures(duel.cube)).any(axis=1))
    covered = np.asarray(duel.counts.covered.all(axis=1))
    shared = [cell for cell in cells if covered[cell] and not seen[cell]]
    rows = [duel.meet(Slice("target", plan.cells[cell].target), [cell]) for cell in shared]
    adjusted = holm([np.nan if row.p is None else row.p for row in rows])
    targets = tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True))
    outcomes = [_outcome(row, duel.metric) for row in targets]
    return Comparison(
        a=a,
        b=b,
        prompt=prompt,
        selection=selection,
        metric=duel.metric,
        track=duel.track,
        overall=duel.meet(Slice("overall"), shared) if shared else None,
        targets=targets,
        wins=outcomes.count(1),
        ties=outcomes.count(0),
        losses=outcomes.count(-1),
        untested=outcomes.count(None),
        left_out=tuple(plan.cells[cell].target for cell in cells if cell not in shared),
        failing=tuple(_name_failing(duel, shared)),
    )


def _name_failing(duel: _Duel, cells: Sequence[int]) -> Iterator[str]:
    """Yield a line for a model that no board ranks on these cells since its answers failed."""
    chosen = list(cells)
    failed, answers = (of[chosen].sum(axis=0) for of in (duel.counts.failed, duel.counts.rows))
    for index, name in enumerate(duel.scores.models):
        if fails_too_often(failed[index], answers[index]):
            yield f"{name}: {describe_failing(int(failed[index]), int(answers[index]))}"


def _outcome(row: PairRow, metric: str) -> int | None:
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
