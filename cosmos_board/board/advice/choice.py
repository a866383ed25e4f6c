"""The option to use within an effort, what to expect of it, and what less work would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from cosmos_board.board.advice.options import EFFORT, Option, OptionScores
from cosmos_board.board.types import Share
from cosmos_board.core.arrays import Floats
from cosmos_board.stats.choice import (
    ALPHA,
    bound_failures,
    bound_options,
    choose_by_others,
    contrast,
)
from cosmos_board.stats.intervals import LEVEL, share_interval, t_quantile
from cosmos_board.stats.testing import MARGIN
from cosmos_board.stats.variance import measure_means

ADEQUATE_DICE = 0.5
"""Dice to expect up to which nothing is recommended: drawing anew is quicker than correcting."""

AlternativeVerdict: TypeAlias = Literal["as good", "worse", "cannot tell"]
"""What another option is beside the advised one: within 0.01 Dice of it by the simultaneous
interval; worse by more, also if the advised one failed once more; neither."""

Adequacy: TypeAlias = Literal["adequate", "low", "not above baselines"]
"""Whether a choice may be recommended; if not, what it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another option beside the chosen one; differences are its Dice minus that of the chosen."""

    option: Option
    difference: float
    low: float
    high: float
    """95 % interval that holds for all pairs of options together and allows for one more failed
    cluster, which the verdict does not."""

    verdict: AlternativeVerdict
    detectable: float
    """Least true difference that these data would have shown in 80 % of such samples."""

    needed_clusters: int | None
    """Roughly how many clusters it would take to tell; None where these data tell."""

    @property
    def effort(self) -> int:
        """Clicks that it costs."""
        return EFFORT[self.option.prompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The option of the highest mean Dice among those of at most some effort."""

    effort: int
    """Clicks at most."""

    option: Option
    expected: float
    """Dice to expect: the mean over clusters of what the best option by all other clusters scored
    there. No cluster has a part in its own choice."""

    low: float
    high: float
    """95 % interval of the option's true mean Dice that holds for all these options together, and
    contains `expected`."""

    failure: Share
    """References with Dice under 0.5, expected in the same way, with an exact 95 % interval that
    allows for the choice."""

    adequacy: Adequacy
    alternatives: tuple[Alternative, ...]
    """Others of at most that effort, highest mean first."""

    def list_less_work(self) -> tuple[Alternative, ...]:
        """Return the option of the highest mean with each prompt of less effort, least first."""
        first: dict[int, Alternative] = {}
        for other in self.alternatives:
            if other.effort < EFFORT[self.option.prompt]:
                first.setdefault(other.effort, other)
        return tuple(first[effort] for effort in sorted(first))

    def find_simpler(self) -> Alternative | None:
        """Return the one of least effort that is shown to be as good, if there is one."""
        return next((o for o in self.list_less_work() if o.verdict == "as good"), None)


def choose(
    scores: OptionScores, options: Sequence[Option], effort: int, described: Sequence[int]
) -> Choice:
    """Return the option to use within an effort.

    Args:
        scores: Of all options, on at least 10 clusters.
        options: The same, as described.
        effort: Clicks at most; an option must cost no more.
        described: Which options to compare with the chosen one, by number, ascending.
    """
    within = scores.find_within(effort)
    first = int(within[0])
    dice = scores.dice[:, within]
    failures = scores.failures[:, within]
    low, high = bound_options(scores.errors.select(within), failures.mean(axis=0))
    chosen = choose_by_others(dice)[:, None]
    by_others = np.take_along_axis(dice, chosen, axis=1)[:, 0]
    expected = float(by_others.mean())
    others = sorted({*described} & {*within.tolist()} - {first})
    return Choice(
        effort=effort,
        option=options[first],
        expected=expected,
        low=min(float(low[0]), expected),
        high=max(float(high[0]), expected),
        failure=_expect_failures(failures, np.take_along_axis(failures, chosen, axis=1)),
        adequacy=_judge(scores, first, by_others, len(within)),
        alternatives=_compare(scores, options, first, others, len(within)),
    )


def _expect_failures(failures: Floats, by_others: Floats) -> Share:
    """Return how often the first option fails, from clusters that had no part in its choice."""
    clusters = float(len(failures))
    shares = failures.mean(axis=0)
    value = float(by_others.mean())
    low, _ = share_interval(shares[0], clusters)
    high = bound_failures(shares, clusters, alpha=ALPHA / 2)[0]
    return Share(value, min(float(low), value), max(float(high), value))


def _judge(scores: OptionScores, first: int, by_others: Floats, count: int) -> Adequacy:
    """Return whether the choice among `count` options is of use.

    It must be better than each baseline, by the rule for any two models: by more than 0.01, beyond
    the interval of the paired difference and beyond what one more failure would cost. That must
    hold for the option itself, with an interval for all options together, and for what clusters
    without a part in the choice say. All must hold, so that several baselines need no correction.
    """
    expected = float(by_others.mean())
    if expected <= ADEQUATE_DICE:
        return "low"
    for own, level in ((scores.dice[:, first], 1.0 - ALPHA / count), (by_others, LEVEL)):
        ahead = measure_means(own[:, None] - scores.baselines, scores.design)
        half = t_quantile(level, ahead.degrees) * ahead.errors
        loss = float(own.mean()) / (scores.clusters + 1)
        if not (ahead.means - np.maximum(half, loss) > MARGIN).all():
            return "not above baselines"
    return "adequate"


def _compare(
    scores: OptionScores,
    options: Sequence[Option],
    first: int,
    others: Sequence[int],
    count: int,
) -> tuple[Alternative, ...]:
    """Return others beside the chosen option, in the family of all pairs of `count` options."""
    if not others:
        return ()
    comparisons = count * (count - 1) // 2
    found = contrast(scores.errors, first, np.array(others), comparisons=comparisons)
    alternatives = []
    for place, number in enumerate(others):
        verdict: AlternativeVerdict = "cannot tell"
        if found.equivalent[place]:
            verdict = "as good"
        elif found.worse[place]:
            verdict = "worse"
        alternatives.append(
            Alternative(
                option=options[number],
                difference=float(found.difference[place]),
                low=float(found.low[place]),
                high=float(found.high[place]),
                verdict=verdict,
                detectable=float(found.detectable[place]),
                needed_clusters=int(found.needed[place]) if verdict == "cannot tell" else None,
            )
        )
    return tuple(alternatives)
