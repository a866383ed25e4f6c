"""What can be advised for one target: each segmenter with each prompt, highest mean first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Sample
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.scores import fails_too_often
from cosmos_board.stats.bootstrap import RATIO_STEP, to_steps
from cosmos_board.stats.choice import ALPHA, bound_failures, bound_options
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS, share_interval
from cosmos_board.stats.variance import MeanErrors, measure_means
from cosmos_board.store.queries.advice import Outcomes
from cosmos_board.store.queries.studies import Column

EFFORT = {"point": 1, "box": 2, "box-point": 3, "points-5": 5, "points-5-5": 10}
"""Clicks that each prompt costs a user; a box costs two. Everything mode is no advice: its score
picks the mask by looking at the reference."""

FROZEN_BASELINES = frozenset({"threshold", "box-prior", "ellipsoid", "random-walker", "grabcut"})
"""What the protocol fixes as baselines, interactive methods among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One segmenter with one prompt, the model choosing its own best candidate."""

    model: str
    prompt: str
    mean: float
    """Mean Dice on these clusters; of the option that was chosen by it, this is no expectation."""

    low: float | None
    high: float | None
    """95 % interval that holds for all options together; None under 10 clusters."""

    failure: Share | None
    """References with Dice under 0.5, where drawing anew is quicker than correcting, clusters
    weighing as in every score, with an exact interval whose upper end holds for all options
    together; None under 10 clusters."""


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class OptionScores:
    """What every option of one target scored, highest mean first; of equal means the least work.

    Baselines stand apart. All arrays are over the same clusters.
    """

    names: tuple[tuple[str, str], ...]
    """(model, prompt) of each option."""

    dice: Floats
    """Mean Dice by cluster, whole numbers of 2⁻³², shape (clusters, options)."""

    failures: Floats
    """Share of references with Dice under 0.5, shape (clusters, options)."""

    baseline_names: tuple[tuple[str, str], ...]
    baselines: Floats
    """Mean Dice of the baselines, with whatever prompt, shape (clusters, baselines)."""

    design: Design
    references: int

    @property
    def clusters(self) -> int:
        """How many clusters every option answered."""
        return len(self.dice)

    @property
    def wide(self) -> bool:
        """Whether there are clusters enough for an interval and a choice."""
        return self.clusters >= MINIMUM_CLUSTERS and self.design.has_variance

    @cached_property
    def errors(self) -> MeanErrors:
        """Mean Dice of the options with their errors over clusters."""
        return measure_means(self.dice, self.design)

    def find_within(self, effort: int) -> Ints:
        """Return the options that cost at most so many clicks, by number, highest mean first."""
        costs = [EFFORT[prompt] for _, prompt in self.names]
        return np.flatnonzero(np.array(costs) <= effort).astype(np.int64)

    def describe(self) -> tuple[Option, ...]:
        """Return every option, highest mean first."""
        means = self.dice.mean(axis=0).tolist()
        parts: list[tuple[float, float | None, float | None, Share | None]]
        parts = [(mean, None, None, None) for mean in means]
        if self.wide:
            shares = self.failures.mean(axis=0)
            ends = bound_options(self.errors, shares)
            clusters = float(self.clusters)
            lowest, _ = share_interval(shares, np.full(len(shares), clusters))
            highest = bound_failures(shares, clusters, alpha=ALPHA / 2)
            columns = (column.tolist() for column in (*ends, shares, lowest, highest))
            parts = [
                (mean, low, high, Share(*share))
                for mean, low, high, *share in zip(means, *columns, strict=True)
            ]
        return tuple(
            Option(model=model, prompt=prompt, mean=mean, low=low, high=high, failure=failure)
            for (model, prompt), (mean, low, high, failure) in zip(self.names, parts, strict=True)
        )


def score_options(
    cube: Cube, sample: Sample, members: Ints, outcomes: Outcomes
) -> OptionScores | None:
    """Return what the options of one target scored; None where there is none.

    Only models count that answered every reference, of whose answers at most 1 % failed
    technically, and that were not trained on these images.

    Args:
        cube: The board database.
        sample: Which units count.
        members: Units of the target, by index into the sample; those of `outcomes`, in order.
        outcomes: What became of their references.
    """
    usable = outcomes.present > 0
    units = members[usable]
    found: dict[bool, list[int]] = {True: [], False: []}
    for index, column in enumerate(outcomes.columns):
        if _counts(cube, sample, column, units) and _is_whole(outcomes, index, usable):
            found[is_baseline(cube.models[column.model])].append(index)
    if not found[False]:
        return None
    means = np.round(outcomes.dice[:, usable].sum(axis=1) / max(len(units), 1), 12)

    def place(index: int) -> tuple[float, int, str]:
        column = outcomes.columns[index]
        return -means[index], EFFORT[column.prompt], column.model

    options, baselines = sorted(found[False], key=place), sorted(found[True], key=place)
    dice = to_steps(outcomes.dice[:, usable], RATIO_STEP).T * RATIO_STEP
    names = [(column.model, column.prompt) for column in outcomes.columns]
    return OptionScores(
        tuple(names[index] for index in options),
        dice[:, options],
        outcomes.failures[:, usable].T[:, options],
        tuple(names[index] for index in baselines),
        dice[:, baselines],
        make_design([(sample.units.cluster[units], sample.units.dataset[units])]),
        int(outcomes.present.sum()),
    )


def is_baseline(card: ModelCard) -> bool:
    """Return whether a model is what others must be above, and no advice itself."""
    return card.kind == "baseline" or card.name in FROZEN_BASELINES


def _counts(cube: Cube, sample: Sample, column: Column, units: Ints) -> bool:
    """Return whether a column is a user's choice whose score was not learnt from these images."""
    if column.selection != "predicted" or column.prompt not in EFFORT:
        return False
    if column.model not in cube.models or cube.models[column.model].observer:
        return False
    datasets = {sample.units.datasets[index] for index in sample.units.dataset[units]}
    return all(cube.exposures[column.model, name] != "trained-on" for name in datasets)


def _is_whole(outcomes: Outcomes, index: int, usable: Bools) -> bool:
    """Return whether every reference was answered, and at most 1 % of the answers failed."""
    if not (outcomes.references[index] == outcomes.present)[usable].all():
        return False
    failed, answers = (of[index, usable].sum() for of in (outcomes.failed, outcomes.references))
    return not fails_too_often(failed, answers)
