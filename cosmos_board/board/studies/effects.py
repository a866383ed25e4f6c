"""Effects over targets and their cluster-bootstrap intervals: what every study reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np

from cosmos_board.board.cube import Cube
from cosmos_board.board.units import Units
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.tracks import FULL
from cosmos_board.stats.bootstrap import RATIO_STEP, Draws, sum_replicates, to_steps
from cosmos_board.stats.intervals import MINIMUM_CLUSTERS, bootstrap_factor, interval
from cosmos_board.stats.testing import Verdict, equivalence_verdict

Statistic: TypeAlias = Callable[[Floats], Floats]
"""From means, axes (columns, targets, replicates), to effects, shape (replicates,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A number with its uncertainty and what it rests on."""

    value: float
    low: float | None
    high: float | None
    """95 % interval for new clusters of these datasets; None where no target has 10 clusters."""

    error: float | None
    """Bootstrap standard error, in the unit of the value."""

    degrees: int
    """Degrees of freedom: clusters − datasets behind the interval."""

    targets: int
    """Targets behind the value."""

    clusters: int
    """Distinct clusters behind the value."""

    references: int
    left_out: int
    """Targets under 10 clusters, which have no part in the interval."""

    @property
    def verdict(self) -> Verdict:
        """What it amounts to as a paired difference of a ratio; `undecided` without interval."""
        if self.error is None or self.low is None or self.high is None:
            return "undecided"
        low, high = interval(self.value, self.error, degrees=self.degrees, level=0.9)
        return equivalence_verdict((self.low, self.high), (float(low), float(high)))


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
    synthetic = np.array([cube.datasets[name].synthetic for name in units.datasets], bool)
    real = ~synthetic[units.dataset] if len(units) else np.zeros(0, bool)
    draws = cube.draws(track) if len(units) else np.zeros((0, 1), np.uint8)
    return Sample(units, draws, real if real.any() else np.ones(len(units), bool))


@dataclass(frozen=True, slots=True, eq=False)
class TargetMeans:
    """Means over the clusters of each target, as measured and in every replicate."""

    targets: tuple[str, ...]
    scores: Floats
    """shape (columns, targets)."""

    replicates: Floats
    """Of the wide targets only, shape (columns, wide targets, replicates)."""

    wide: Bools
    """Which targets have at least 10 clusters, shape (targets,)."""

    clusters: tuple[frozenset[int], ...]
    """Clusters of each target by number."""

    datasets: tuple[frozenset[int], ...]
    references: tuple[int, ...]


def average_targets(
    sample: Sample,
    values: Floats,
    *,
    step: float = RATIO_STEP,
    wide_only: bool = False,
    references: Ints | None = None,
) -> TargetMeans:
    """Return target means over the units for which every column has a value.

    Args:
        sample: Which units count and how their clusters are drawn.
        values: Unit means, shape (columns, units); NaN where there is none.
        step: What `values` are rounded to, so that sums are exact.
        wide_only: Leave out targets under 10 clusters altogether.
        references: How many are behind the values of each unit; all of the unit where None.
    """
    units = sample.units
    behind = units.references if references is None else references
    usable = sample.counted & ~np.isnan(values).any(axis=0)
    names, scores, replicates, wide = [], [], [], []
    clusters, datasets, used = [], [], []
    for target in np.unique(units.target[usable]):
        members = np.flatnonzero(usable & (units.target == target))
        enough = len(members) >= MINIMUM_CLUSTERS
        if wide_only and not enough:
            continue
        steps = to_steps(values[:, members], step)
        score = steps.sum(axis=1) / len(members) * step
        if enough:
            replicates.append(_replicate(steps, sample.draws[units.cluster[members]], score, step))
        names.append(units.targets[target].name)
        scores.append(score)
        wide.append(enough)
        clusters.append(frozenset(units.cluster[members].tolist()))
        datasets.append(frozenset(units.dataset[members].tolist()))
        used.append(int(behind[members].sum()))
    width, draws = len(values), sample.draws.shape[1]
    return TargetMeans(
        tuple(names),
        np.array(scores, np.float64).reshape(-1, width).T,
        np.stack(replicates, axis=1) if replicates else np.zeros((width, 0, draws)),
        np.array(wide, bool),
        tuple(clusters),
        tuple(datasets),
        tuple(used),
    )


def _replicate(steps: Floats, draws: Draws, score: Floats, step: float) -> Floats:
    drawn = sum_replicates(np.ones((len(draws), 1)), draws)
    sums = sum_replicates(steps.T, draws)
    with np.errstate(invalid="ignore"):
        means = sums / drawn * step
    # A replicate that draws none of a target's clusters says nothing about it.
    return np.where(drawn > 0, means, score[:, None])


def macro(means: Floats) -> Floats:
    """Return the mean over targets of the one column, shape (replicates,)."""
    average: Floats = means[0].mean(axis=0)
    return average


def measure_effect(
    means: TargetMeans,
    statistic: Statistic = macro,
    *,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Effect | None:
    """Return the effect that `statistic` finds, or None where there is no target.

    As on a board, the deviations of each target's replicates are first scaled by √(n / (n − 1))
    of its own n clusters; the statistic is taken of these.

    Args:
        means: From `average_targets`.
        statistic: What is measured on the means.
        bounds: Least and greatest value the effect can take.
    """
    if not means.targets:
        return None
    value = float(statistic(means.scores[:, :, None])[0])
    wide = [index for index, enough in enumerate(means.wide) if enough]
    clusters = frozenset[int]().union(*(means.clusters[index] for index in wide))
    datasets = frozenset[int]().union(*(means.datasets[index] for index in wide))
    degrees = len(clusters) - len(datasets)
    error = None
    if wide and degrees > 0:
        error = float(statistic(_scale_replicates(means)).std(ddof=1))
    support = SampleCounts(
        targets=len(means.targets),
        clusters=len(frozenset[int]().union(*means.clusters)),
        references=sum(means.references),
        degrees=degrees,
        left_out=len(means.targets) - len(wide),
    )
    return _describe(value, error, support, bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCounts:
    """How much stands behind a value; see `Effect`."""

    targets: int
    clusters: int
    references: int
    degrees: int
    left_out: int = 0


def measure_pooled(
    value: float,
    replicates: Floats,
    support: SampleCounts,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Effect:
    """Return the effect of a value that is pooled over targets; no interval under 10 clusters.

    Args:
        value: As measured.
        replicates: In every replicate, shape (replicates,); NaN where there is none.
        support: Its numbers of targets, clusters and references.
        bounds: Least and greatest value the effect can take.
    """
    known = replicates[~np.isnan(replicates)]
    error = None
    if support.clusters >= MINIMUM_CLUSTERS and support.degrees > 0 and len(known) > 1:
        error = float(known.std(ddof=1)) * bootstrap_factor(support.clusters)
    return _describe(value, error, support, bounds)


def _describe(
    value: float, error: float | None, support: SampleCounts, bounds: tuple[float, float]
) -> Effect:
    low = high = None
    if error is not None:
        ends = interval(value, error, degrees=support.degrees, bounds=bounds)
        low, high = float(ends[0]), float(ends[1])
    facts = asdict(support) | {"degrees": max(support.degrees, 0)}
    return Effect(value=value, low=low, high=high, error=error, **facts)


def _scale_replicates(means: TargetMeans) -> Floats:
    """Return the replicates of the wide targets, farther from the scores by each one's factor."""
    sizes = [len(c) for c, wide in zip(means.clusters, means.wide, strict=True) if wide]
    factors = np.array([bootstrap_factor(size) for size in sizes])
    centre = means.scores[:, means.wide, None]
    scaled: Floats = centre + (means.replicates - centre) * factors[:, None]
    return scaled


def measure_targets(means: TargetMeans, statistic: Statistic = macro) -> dict[str, Effect]:
    """Return the effect on all targets under the name "", then on each by itself; {} if none."""
    every = range(len(means.targets))
    chosen = {"": list(every), **{means.targets[index]: [index] for index in every}}
    effects = {
        name: measure_effect(_select_targets(means, places), statistic)
        for name, places in chosen.items()
    }
    return {name: effect for name, effect in effects.items() if effect is not None}


def _select_targets(means: TargetMeans, places: Sequence[int]) -> TargetMeans:
    place = np.cumsum(means.wide) - 1
    wide = [int(place[index]) for index in places if means.wide[index]]
    return TargetMeans(
        tuple(means.targets[index] for index in places),
        means.scores[:, places],
        means.replicates[:, wide],
        means.wide[places],
        tuple(means.clusters[index] for index in places),
        tuple(means.datasets[index] for index in places),
        tuple(means.references[index] for index in places),
    )
