"""F1: which shares of targets are segmented well and badly, each with its best prompt.

Targets are a sample, and so are the clusters of each. A target counts as surely good or bad where
the interval of its best prompt says so; the share of such targets is binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from cosmos_board.board.findings.parts import Evidence, Part, lack_targets
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import (
    LEAST_GROUPS,
    Effect,
    Sample,
    TargetMeans,
    average_targets,
)
from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.design import make_design
from cosmos_board.stats.intervals import (
    LEVEL,
    interval,
    jackknife_errors,
    share_interval,
    t_quantile,
)
from cosmos_board.stats.testing import POWER
from cosmos_board.stats.variance import measure_means

HIGH_DICE, LOW_DICE = 0.9, 0.5
LEAST_TARGETS = 10
THRESHOLD = 0.05
"""The share of targets that must be good, and the share that must be bad."""

SURE = 0.99
"""Level of the interval that says on which side of a Dice a target lies."""


@dataclass(frozen=True, slots=True, eq=False)
class BestPrompts:
    """Mean Dice of each target with its best prompt, shape (targets,) each."""

    mean: Floats
    low: Floats
    """Lower end of the 99 % interval."""

    low_with_failures: Floats
    """The lower of that and the mean with as many unseen failures as there may be."""

    high: Floats


def measure_shares(sample: Sample, values: Floats, models: tuple[str, ...]) -> Evidence:
    """Return the shares of targets with Dice ≥ 0.9 and with Dice ≤ 0.5.

    Args:
        sample: Which units count.
        values: Dice by prompt, shape (prompts, units), NaN where there is none.
        models: Whose scores these are.
    """
    means = average_targets(sample, values)
    if not means.wide or len(means.targets) < LEAST_TARGETS:
        return Evidence(models=models, missing=(lack_targets(means, LEAST_TARGETS),))
    best = find_best(means)
    return Evidence(
        models=models,
        parts=(
            _measure_share(
                Message("high-dice-targets"),
                means,
                best.mean >= HIGH_DICE,
                best.low_with_failures >= HIGH_DICE,
                best.high >= HIGH_DICE,
            ),
            _measure_share(
                Message("low-dice-targets"),
                means,
                best.mean <= LOW_DICE,
                best.high <= LOW_DICE,
                best.low <= LOW_DICE,
            ),
        ),
    )


def find_best(means: TargetMeans) -> BestPrompts:
    """Return the mean of each target's best prompt, which other clusters choose than it scores.

    The best prompt is at most as good as the upper ends of all prompts allow. Failures that have
    not been seen are as frequent as the upper end of their share allows: over all targets that
    the other clusters call good, the share of clusters that fail nevertheless.
    """
    lines, failed, tried = [], 0, 0
    for values, cluster, dataset in zip(means.values, means.clusters, means.datasets, strict=True):
        crossed, others = choose_by_others(values)
        called = others >= HIGH_DICE
        tried += int(called.sum())
        failed += int((called & (crossed < LOW_DICE)).sum())
        lines.append(_bound(values, crossed, cluster, dataset))
    mean, low, high = np.array(lines).T
    missed = float(share_interval(failed / tried, tried)[1]) if tried else 1.0
    return BestPrompts(mean, low, np.minimum(low, mean * (1.0 - missed)), high)


def choose_by_others(values: Floats) -> tuple[Floats, Floats]:
    """Return each cluster's score with the prompt that is best on the target's other clusters.

    Args:
        values: Dice, shape (prompts, clusters), at least two clusters.

    Returns:
        The scores, and the mean of the chosen prompt on the other clusters, shape (clusters,).

    Example:
        >>> choose_by_others(np.array([[0.9, 0.1, 0.8], [0.6, 0.7, 0.6]]))[0].tolist()
        [0.6, 0.1, 0.6]
    """
    count = values.shape[1]
    others = (values.sum(axis=1, keepdims=True) - values) / (count - 1)
    chosen = others.argmax(axis=0)
    each = np.arange(count)
    return values[chosen, each], others[chosen, each]


def _bound(
    values: Floats, crossed: Floats, cluster: Ints, dataset: Ints
) -> tuple[float, float, float]:
    """Return the mean, lower and upper end of one target's best prompt."""
    design = make_design([(cluster, dataset)])
    errors = measure_means(np.vstack([crossed, values]).T, design)
    low, high = interval(errors.means, errors.errors, degrees=errors.degrees, level=SURE)
    return float(errors.means[0]), float(low[0]), float(high.max())


def _measure_share(
    name: Message, means: TargetMeans, seen: Bools, surely: Bools, possibly: Bools
) -> Part:
    size = count_effective(seen, means.datasets)
    low, high = bound_share(surely, possibly, size, LEVEL)
    _, upper = bound_share(surely, possibly, size, 1.0 - (1.0 - LEVEL) / 2)
    effect = Effect(
        value=float(seen.mean()),
        low=low,
        high=high,
        error=None,
        degrees=0.0,
        targets=len(seen),
        clusters=len(np.unique(np.concatenate(means.clusters))),
        references=sum(means.references),
        left_out=means.left_out,
    )
    return Part(name=name, effect=effect, upper=upper, reach=_find_reach(size))


def bound_share(surely: Bools, possibly: Bools, size: float, level: float) -> tuple[float, float]:
    """Return the interval of a share of targets, some of which are not known for sure.

    Of the others, a share of (1 − 0.99) / 2 is called sure by chance, and of those that are
    meant as many are called impossible; both ends allow for that.

    Args:
        surely: Which targets are known to be meant, shape (targets,).
        possibly: Which of them may be, shape (targets,).
        size: How many independent targets these amount to.
        level: Share of intervals that should cover at least.
    """
    chance = (1.0 - SURE) / 2
    low = float(share_interval(surely.mean(), size, level=level)[0])
    high = float(share_interval(possibly.mean(), size, level=level)[1])
    return max((low - chance) / (1.0 - chance), 0.0), min(high / (1.0 - chance), 1.0)


def count_effective(hits: Bools, datasets: Sequence[Ints]) -> float:
    """Return how many independent targets a sample of datasets amounts to, for a share of them.

    p (1 − p) over the variance of the share between datasets, less for few datasets (Korn and
    Graubard 1998); at most the number of targets, which it is under three datasets.

    Args:
        hits: shape (targets,).
        datasets: The datasets of each target's units.
    """
    targets = len(hits)
    of_target = [set(numbers.tolist()) for numbers in datasets]
    names = sorted(set().union(*of_target))
    left = [hits[[bool(own - {name}) for own in of_target]] for name in names]
    without = np.array([own.mean() for own in left if len(own)])
    share = float(hits.mean())
    if len(without) < LEAST_GROUPS or share in (0.0, 1.0):
        return float(targets)
    error = float(jackknife_errors(without[:, None])[0])
    if not error:
        return float(targets)
    shrink = t_quantile(LEVEL, targets - 1) / t_quantile(LEVEL, len(without) - 1)
    size = share * (1.0 - share) / error**2 * targets / (targets - 1) * float(shrink) ** 2
    return float(min(size, targets))


def _find_reach(size: float) -> float | None:
    """Return how far beyond the threshold a share must lie to be shown in 80 % of samples."""
    for count in range(1, int(size) + 1):
        shown = np.arange(int(size)) < count
        if bound_share(shown, shown, int(size), LEVEL)[0] > THRESHOLD:
            least = stats.beta.ppf(POWER, count, int(size) - count + 1)
            return float(least) - THRESHOLD
    return None
