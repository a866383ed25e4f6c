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
from cosmos_board.stats.failures import reach_with_failure
from cosmos_board.stats.intervals import LEVEL, MINIMUM_CLUSTERS, interval
from cosmos_board.stats.testing import POWER, detectable_effect

LEAST_TARGETS = 3

Reach: TypeAlias = tuple[float, float]
"""How far an interval extends at least below and above its effect, for one more failure of either
side; 0 where that does not apply."""

NO_REACH: Reach = (0.0, 0.0)

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
    either side. Fewer than three targets with 10 clusters are not enough data.
    """
    sides = [contrast.more for contrast in contrasts] + [contrast.less for contrast in contrasts]
    means = average_targets(sample, np.stack(sides))
    if not means.wide or len(means.targets) < LEAST_TARGETS:
        return Evidence(models=models, missing=(lack_targets(means, LEAST_TARGETS),))
    effects = measure_effects(_subtract(means), general=True)
    measured = [
        (contrast.name, effect, reach, contrast.any_of)
        for contrast, effect, reach in zip(
            contrasts, effects, _reach_with_failures(means), strict=True
        )
    ]
    return Evidence(models=models, parts=make_parts(measured))


def make_parts(
    measured: Sequence[tuple[Message, Effect, Reach, str]], bounds: Bounds = DIFFERENCE
) -> tuple[Part, ...]:
    """Return the parts of a claim from (name, effect, reach of a failure, alternatives) of each.

    Args:
        measured: The intervals of effects are made here, from their errors.
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
        joint = _at_level(effect, 1.0 - alpha, failure, bounds)
        upper = _at_level(effect, 1.0 - (1.0 - LEVEL) / claims, failure, bounds).high
        reach = failure[0] + float(stats.t.ppf(POWER, effect.degrees)) * effect.error
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


def _at_level(effect: Effect, level: float, failure: Reach, bounds: Bounds) -> Effect:
    assert effect.error is not None
    value = effect.value
    ends = interval(value, effect.error, degrees=effect.degrees, level=level, bounds=bounds)
    low = max(min(float(ends[0]), value - failure[0]), bounds[0])
    high = min(max(float(ends[1]), value + failure[1]), bounds[1])
    return replace(effect, low=low, high=high)


def _reach_with_failures(means: TargetMeans) -> list[Reach]:
    """Return how far one more failure of either side moves the bounds of each contrast.

    In one target, although targets may share clusters: these intervals hold for other targets too
    and are wider for it, and a claim is judged by them.
    """
    half = len(means.scores) // 2
    spread = _subtract(means).measure().spread
    sides = (means.scores[:half].T, means.scores[half:].T)
    down, up = (reach_with_failure(side, spread, everywhere=False).tolist() for side in sides)
    return list(zip(down, up, strict=True))
