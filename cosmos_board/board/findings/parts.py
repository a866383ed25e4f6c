"""The parts of a claim, each tested by itself: no minimum or maximum is taken over data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy import stats

from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import (
    DIFFERENCE,
    Effect,
    Sample,
    TargetMeans,
    average_targets,
    measure_effects,
)
from cosmos_board.core.arrays import Floats
from cosmos_board.stats.intervals import (
    LEVEL,
    MINIMUM_CLUSTERS,
    add_one_cluster,
    interval,
)
from cosmos_board.stats.testing import POWER, detectable_effect

LEAST_TARGETS = 3

Bounds: TypeAlias = tuple[float, float]

FindingVerdict: TypeAlias = Literal[
    "holds",
    "smaller than claimed",
    "contradicted",
    "there, size open",
    "not shown",
    "not enough data",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One number that a claim rests on."""

    name: Message
    effect: Effect
    """With its 95 % interval; of alternatives the intervals hold together."""

    upper: float | None
    """Upper end where all parts of the claim hold together (Bonferroni): a claim is contradicted
    by any of them."""

    reach: float | None
    """How far beyond the threshold an effect must lie to be shown in 80 % of such samples."""

    any_of: str = ""
    """Parts with the same text here are alternatives: the claim needs one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured for one claim, one selection and one family."""

    models: tuple[str, ...] = ()
    """The models whose scores were averaged."""

    parts: tuple[Part, ...] = ()
    missing: tuple[Message, ...] = ()
    """What must be added before the claim can be decided; empty where nothing is missing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """Two sides of Dice by unit, shape (units,) each, NaN where there is none."""

    name: Message
    more: Floats
    """The side that the claim puts ahead."""

    less: Floats
    any_of: str = ""


def judge(part: Part, threshold: float, floor: float = 0.0) -> FindingVerdict:
    """Return what one part says of a claim that its effect exceeds a threshold.

    Args:
        part: With or without an interval.
        threshold: The claimed size, at least `floor`.
        floor: Below it the claim is contradicted.
    """
    low, upper = part.effect.low, part.upper
    if low is None or upper is None or part.effect.high is None:
        return "not enough data"
    if low > threshold:
        return "holds"
    if upper < floor:
        return "contradicted"
    if low <= 0:
        return "not shown"
    return "smaller than claimed" if upper < threshold else "there, size open"


def measure_contrasts(
    sample: Sample, contrasts: Sequence[Contrast], models: tuple[str, ...]
) -> Evidence:
    """Return the macro difference of each contrast, all on the same clusters.

    The intervals are for targets and datasets of these kinds, and allow for one more failure of
    the side that is ahead. Fewer than three targets with 10 clusters are not enough data.
    """
    sides = [contrast.more for contrast in contrasts] + [contrast.less for contrast in contrasts]
    means = average_targets(sample, np.stack(sides))
    if not means.wide or len(means.targets) < LEAST_TARGETS:
        return Evidence(models=models, missing=(lack_targets(means, LEAST_TARGETS),))
    effects = measure_effects(_subtract(means), general=True)
    reaches = _reach_with_failure(means, np.array([effect.value for effect in effects]))
    pairs = zip(contrasts, effects, reaches.tolist(), strict=True)
    measured = [
        (contrast.name, _widen(effect, reach), reach, contrast.any_of)
        for contrast, effect, reach in pairs
    ]
    return Evidence(models=models, parts=make_parts(measured))


def make_parts(
    measured: Sequence[tuple[Message, Effect, float, str]], bounds: Bounds = DIFFERENCE
) -> tuple[Part, ...]:
    """Return the parts of a claim from (name, effect, reach of a failure, alternatives) of each.

    Args:
        measured: The reach of a failure is how far an interval extends at least on the side of 0;
            0 where that does not apply.
        bounds: Least and greatest value that an effect can take.
    """
    names = [any_of for _, _, _, any_of in measured]
    claims = len(set(names) - {""}) + names.count("")
    parts = []
    for name, effect, failure, any_of in measured:
        if effect.error is None:
            parts.append(Part(name=name, effect=effect, upper=None, reach=None, any_of=any_of))
            continue
        alpha = (1.0 - LEVEL) / (names.count(any_of) if any_of else 1)
        joint = _widen(_at_level(effect, 1.0 - alpha, bounds), failure) if any_of else effect
        upper = _widen(_at_level(effect, 1.0 - (1.0 - LEVEL) / claims, bounds), failure).high
        reach = failure + float(stats.t.ppf(POWER, effect.degrees)) * effect.error
        shown = detectable_effect(effect.error, effect.degrees, alpha=alpha)
        reach = max(reach, shown)
        parts.append(Part(name=name, effect=joint, upper=upper, reach=reach, any_of=any_of))
    return tuple(parts)


def lack_targets(means: TargetMeans, least: int) -> Message:
    """Return that there are too few targets with enough clusters."""
    return Message.of(
        "wide-targets",
        n=least,
        least=MINIMUM_CLUSTERS,
        have=len(means.targets) if means.wide else 0,
        all=len(means.targets) + means.left_out,
        most=max((len(clusters) for clusters in means.clusters), default=0),
    )


def _subtract(means: TargetMeans) -> TargetMeans:
    half = len(means.scores) // 2
    return replace(
        means,
        scores=means.scores[:half] - means.scores[half:],
        values=tuple(values[:half] - values[half:] for values in means.values),
    )


def _at_level(effect: Effect, level: float, bounds: Bounds) -> Effect:
    assert effect.error is not None
    ends = interval(effect.value, effect.error, degrees=effect.degrees, level=level, bounds=bounds)
    return replace(effect, low=float(ends[0]), high=float(ends[1]))


def _widen(effect: Effect, failure: float) -> Effect:
    """Return the effect with an interval that extends at least so far towards 0."""
    if effect.low is None or effect.high is None or not effect.value:
        return effect
    if effect.value > 0:
        return replace(effect, low=min(effect.low, effect.value - failure))
    return replace(effect, high=max(effect.high, effect.value + failure))


def _reach_with_failure(means: TargetMeans, differences: Floats) -> Floats:
    """Return how far one more cluster, in which the side ahead scores 0, moves the bound.

    As in `stats.intervals.ratio_interval`: the loss, and the one-sided 95 % bound after it; the
    side behind scores its mean. Shape (contrasts,).
    """
    half = len(means.scores) // 2
    errors = _subtract(means).measure()
    ahead = np.where(differences[:, None] > 0, means.scores[:half], means.scores[half:])
    standing = replace(errors, target_means=ahead.T)
    reach: Floats = standing.means - add_one_cluster(standing).low
    return reach
