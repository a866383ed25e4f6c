"""Effects over targets with their intervals: what every study reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.bootstrap import RATIO_STEP, Draws, sum_replicates, to_steps
from cosmos_board.stats.crossed import add_parts
from cosmos_board.stats.design import make_design
from cosmos_board.stats.failures import ratio_interval
from cosmos_board.stats.intervals import (
    MINIMUM_CLUSTERS,
    interval,
    jackknife_errors,
    t_quantile,
)
from cosmos_board.stats.testing import detectable_effect, exceed_failure
from cosmos_board.stats.variance import MeanErrors, measure_means

DIFFERENCE = (-1.0, 1.0)
RATIO = (0.0, 1.0)

LEAST_GROUPS = 3
"""Targets, or datasets, from which there is an interval for others of their kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A number with its uncertainty and what it rests on."""

    value: float
    low: float | None
    high: float | None
    """95 % interval; None where no target has 10 clusters."""

    error: float | None
    """Standard error, in the unit of the value."""

    degrees: float
    """Degrees of freedom of the error, at least 1; 0 where there is none."""

    targets: int
    """Targets behind value and interval: those with at least 10 clusters, or all where none is."""

    clusters: int
    """Distinct clusters behind the value."""

    references: int
    left_out: int
    """Targets under 10 clusters, which have no part."""

    loss: float = 0.0
    """How far one more failed cluster could move the value; less than that is never shown."""

    margin: float = 0.0
    """What the effect has to exceed to be shown."""

    verdict_ends: tuple[float, float] | None = None
    """What verdicts rest on where that is not the interval, which allows for one more failure."""

    @property
    def detectable(self) -> float | None:
        """Least true effect that such data would have shown in 80 % of samples."""
        if self.error is None:
            return None
        failure = float(exceed_failure(self.loss, self.error))
        return self.margin + max(detectable_effect(self.error, self.degrees), failure)

    @property
    def is_shown(self) -> bool:
        """Whether the effect lies beyond the margin on one side of 0."""
        low, high = self.verdict_ends or (self.low, self.high)
        if low is None or high is None:
            return False
        return low > self.margin or high < -self.margin


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The units that a study looks at, and how often the bootstrap draws their clusters."""

    units: Units
    draws: Draws
    """shape (clusters, replicates)."""

    counted: Bools
    """Which units count at all, shape (units,)."""


def take_sample(cube: Cube, track: str = FULL) -> Sample:
    """Return the units of a track. Synthetic data is left out where there is real data."""
    units = cube.units(track)
    draws = cube.draws(track) if len(units) else np.zeros((0, 1), np.uint8)
    return Sample(units, draws, cube.counted_units(track))


@dataclass(frozen=True, slots=True, eq=False)
class TargetMeans:
    """Means over the clusters of each target that counts: those with at least 10, or all."""

    targets: tuple[str, ...]
    scores: Floats
    """shape (columns, targets)."""

    values: tuple[Floats, ...]
    """Of each target's units, shape (columns, units)."""

    clusters: tuple[Ints, ...]
    """Number of each unit's cluster, by target."""

    datasets: tuple[Ints, ...]
    references: tuple[int, ...]
    draws: Draws
    wide: bool
    """Whether the targets have at least 10 clusters each, so that there are intervals."""

    left_out: int
    """Targets under 10 clusters beside these."""

    def measure(self, columns: int | None = None) -> MeanErrors:
        """Return the errors of the first columns' means over targets; at least one target."""
        design = make_design(list(zip(self.clusters, self.datasets, strict=True)))
        return measure_means(np.concatenate(self.values, axis=1)[:columns].T, design)

    def select(self, places: Sequence[int]) -> TargetMeans:
        """Return the means of some targets by index, none of them left out."""
        return TargetMeans(
            tuple(self.targets[index] for index in places),
            self.scores[:, places],
            tuple(self.values[index] for index in places),
            tuple(self.clusters[index] for index in places),
            tuple(self.datasets[index] for index in places),
            tuple(self.references[index] for index in places),
            self.draws,
            self.wide,
            0,
        )

    def replicate(self, step: float = RATIO_STEP) -> Floats:
        """Return the means in every replicate, shape (columns, targets, replicates).

        For what is no mean itself; nothing where the targets are thin.
        """
        if not self.wide:
            return np.zeros((len(self.scores), len(self.targets), 0))
        replicates = [
            _replicate(to_steps(values, step), self.draws[cluster], self.scores[:, place], step)
            for place, (values, cluster) in enumerate(zip(self.values, self.clusters, strict=True))
        ]
        return np.stack(replicates, axis=1)


def average_targets(
    sample: Sample, values: Floats, *, step: float = RATIO_STEP, references: Ints | None = None
) -> TargetMeans:
    """Return target means over the units for which every column has a value.

    Targets with under 10 such clusters have no part, unless there are no others.

    Args:
        sample: Which units count and how their clusters are drawn.
        values: Unit means, shape (columns, units); NaN where there is none.
        step: What `values` are rounded to, so that sums are exact.
        references: How many are behind the values of each unit; all of the unit where None.
    """
    units = sample.units
    behind = units.references if references is None else references
    usable = sample.counted & ~np.isnan(values).any(axis=0)
    found = [np.flatnonzero(usable & (units.target == t)) for t in np.unique(units.target[usable])]
    wide = [members for members in found if len(members) >= MINIMUM_CLUSTERS]
    chosen = wide or found
    inside = [to_steps(values[:, members], step) * step for members in chosen]
    scores = [own.mean(axis=1) for own in inside]
    return TargetMeans(
        tuple(units.targets[units.target[members[0]]].name for members in chosen),
        np.array(scores, np.float64).reshape(-1, len(values)).T,
        tuple(inside),
        tuple(units.cluster[members] for members in chosen),
        tuple(units.dataset[members] for members in chosen),
        tuple(int(behind[members].sum()) for members in chosen),
        sample.draws,
        bool(wide),
        len(found) - len(chosen),
    )


def _replicate(steps: Floats, draws: Draws, score: Floats, step: float) -> Floats:
    drawn = sum_replicates(np.ones((len(draws), 1)), draws)
    sums = sum_replicates(steps.T, draws)
    with np.errstate(invalid="ignore"):
        means = sums / drawn * step
    # A replicate that draws none of a target's clusters says nothing about it.
    return np.where(drawn > 0, means, score[:, None])


def measure_effects(
    means: TargetMeans, *, bounds: tuple[float, float] = DIFFERENCE, general: bool = False
) -> tuple[Effect, ...]:
    """Return the mean over targets of each column; nothing where there is no target.

    Args:
        means: From `average_targets`.
        bounds: Least and greatest value: `RATIO` for Dice and its like, whose interval allows for
            one more failure; `DIFFERENCE` else.
        general: Whether the interval is for targets and datasets of these kinds, not only for new
            clusters: the widest of those over clusters, over targets and over datasets.
    """
    if not means.targets:
        return ()
    errors = means.measure()
    effects = []
    for column, value in enumerate(means.scores.mean(axis=1)):
        error = low = high = None
        degrees = 0.0
        if means.wide and errors.design.has_variance:
            error, degrees = _find_error(means, errors, column, general=general)
            low, high = (
                float(end) for end in interval(value, error, degrees=degrees, bounds=bounds)
            )
            if bounds == RATIO:
                ends = ratio_interval(errors)
                low, high = min(low, float(ends[0][column])), max(high, float(ends[1][column]))
        effects.append(
            Effect(
                value=float(value),
                low=low,
                high=high,
                error=error,
                degrees=degrees,
                targets=len(means.targets),
                clusters=len(errors.design.key),
                references=sum(means.references),
                left_out=means.left_out,
            )
        )
    return tuple(effects)


def _find_error(
    means: TargetMeans, errors: MeanErrors, column: int, *, general: bool
) -> tuple[float, float]:
    """Return the standard error of a mean over targets and its degrees of freedom."""
    choices = [(float(errors.errors[column]), float(errors.degrees[column]))]
    if general:
        if len(means.targets) >= LEAST_GROUPS:
            choices.append(_find_error_over_targets(means, errors, column))
        without = _leave_datasets_out(means, column)
        if len(without) >= LEAST_GROUPS:
            error = float(jackknife_errors(without[:, None])[0])
            choices.append((error, len(without) - 1.0))
    return max(choices, key=lambda choice: choice[0] * float(t_quantile(0.95, choice[1])))


def _find_error_over_targets(
    means: TargetMeans, errors: MeanErrors, column: int
) -> tuple[float, float]:
    """Return the standard error for other targets and its degrees of freedom.

    The spread of target means knows nothing of what all targets of a cluster have in common; that
    is how much larger the variance over clusters is than if each target had its own.
    """
    scores = means.scores[column]
    count = len(scores)
    own = float(errors.target_variances[:, column].sum()) / count**2
    common = float(errors.errors[column]) ** 2 - own
    spread, degrees = float(scores.std(ddof=1)) / count**0.5, count - 1.0
    if common <= 0:
        return spread, degrees
    both = add_parts(
        np.array([spread]),
        np.array([degrees]),
        np.array([common**0.5]),
        float(errors.degrees[column]),
    )
    return float(both[0][0]), float(both[1][0])


def _leave_datasets_out(means: TargetMeans, column: int) -> Floats:
    """Return the mean over targets without each dataset, shape (datasets,)."""
    names = np.unique(np.concatenate(means.datasets))
    left = []
    for name in names:
        kept = [
            float(values[column, dataset != name].mean())
            for values, dataset in zip(means.values, means.datasets, strict=True)
            if (dataset != name).any()
        ]
        if kept:
            left.append(float(np.mean(kept)))
    return np.array(left)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCounts:
    """How much stands behind a value; see `Effect`."""

    targets: int
    clusters: int
    references: int
    left_out: int = 0


def describe_effect(
    value: float,
    error: float | None,
    degrees: float,
    counts: SampleCounts,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Effect:
    """Return the effect of a value that is pooled over targets; no interval under 10 clusters."""
    low = high = None
    if counts.clusters < MINIMUM_CLUSTERS or degrees < 1 or error is None:
        error, degrees = None, 0.0
    else:
        low, high = (float(end) for end in interval(value, error, degrees=degrees, bounds=bounds))
    return Effect(
        value=value,
        low=low,
        high=high,
        error=error,
        degrees=degrees,
        targets=counts.targets,
        clusters=counts.clusters,
        references=counts.references,
        left_out=counts.left_out,
    )
