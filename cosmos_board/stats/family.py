"""All pairs of a table as one family: simultaneous intervals, verdicts, ranks and tie letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.failures import lose_cluster, reach_with_failure
from cosmos_board.stats.intervals import LEVEL, t_quantile
from cosmos_board.stats.multipliers import Multipliers, weigh_clusters
from cosmos_board.stats.testing import MARGIN, exceed_failure
from cosmos_board.stats.variance import MeanErrors

Verdict: TypeAlias = Literal["better", "worse", "equivalent", "not separated"]

MAX_T_DEGREES = 45
"""Below so many degrees of freedom resamples understate the family's quantile (ten equal models:
7 to 8 % false differences at 10 to 30 clusters) and Bonferroni's is taken, up to 15 % wider."""

FEW_MODELS = 20
"""Up to so many models the shared quantile is taken from four sums of replicates each: with 1,000
alone it errs by 2 % for three models, then by under 1 %."""

SQRT_2 = float(np.sqrt(2.0))

_VERDICTS: tuple[Verdict, ...] = ("not separated", "better", "worse", "equivalent")


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class Family:
    """Every pair of some models on a ratio in [0, 1]; differences are first − second.

    Pairs are in the order (0, 1), (0, 2), …, (1, 2), …; shape (pairs,) unless said.
    """

    first: Ints
    second: Ints
    difference: Floats
    error: Floats
    """Standard error of each difference over clusters."""

    tail: float
    """Share of a normal distribution beyond the quantile that all intervals share, two-sided."""

    half: Floats
    """Half the simultaneous 95 % interval."""

    low: Floats
    high: Floats
    """What is printed: the simultaneous interval, its lower end at most the one-sided 95 % bound of
    the difference with one more failure of the first model, its upper end at least that with one of
    the second. Verdicts and ranks rest on `verdict_low` and `verdict_high`."""

    loss: Floats
    """How far one more cluster of 0 lowers each model's mean, shape (models,)."""

    detectable: Floats
    """Least true difference that would be called better or worse in 80 % of such samples."""

    lead_share: Floats
    """Share of resamples in which a model leads, shape (models,); shared leads count in parts."""

    @cached_property
    def verdict_low(self) -> Floats:
        """The lower of the interval's end and the estimate after one more failure of the first."""
        low: Floats = self.difference - np.maximum(self.half, self.loss[self.first])
        return low

    @cached_property
    def verdict_high(self) -> Floats:
        """The higher of its other end and the estimate after one more failure of the second."""
        high: Floats = self.difference + np.maximum(self.half, self.loss[self.second])
        return high

    @cached_property
    def verdict_codes(self) -> NDArray[np.int8]:
        """Index into the verdicts not separated, better, worse, equivalent."""
        inside = np.abs(self.difference) + self.half <= MARGIN
        choices = [self.verdict_low > MARGIN, self.verdict_high < -MARGIN, inside]
        return np.select(choices, [1, 2, 3], default=0).astype(np.int8)

    @cached_property
    def separated(self) -> Bools:
        """Whether one is better than the other, shape (models, models), symmetric."""
        apart = np.zeros((len(self.loss), len(self.loss)), bool)
        apart[self.first, self.second] = np.isin(self.verdict_codes, (1, 2))
        return apart | apart.T

    @cached_property
    def held_back(self) -> Bools:
        """Whether only the added failure keeps a pair from being separated."""
        beyond = np.abs(self.difference) - self.half > MARGIN
        held: Bools = beyond & (self.verdict_codes == 0)
        return held

    def find_pair(self, first: int, second: int) -> int:
        """Return the number of the pair of two models, `first` < `second`."""
        models = len(self.loss)
        return first * (2 * models - first - 1) // 2 + second - first - 1

    def verdict(self, pair: int) -> Verdict:
        """Return what one pair amounts to."""
        return _VERDICTS[int(self.verdict_codes[pair])]

    def rank_ranges(self) -> tuple[Ints, Ints]:
        """Return the best and the worst rank of each model that the intervals allow.

        A model is surely behind those whose interval against it lies above 0 (Mogstad, Romano,
        Shaikh and Wilhelm 2024): since the intervals hold together, so do the ranges.
        """
        models = len(self.loss)
        first_ahead, second_ahead = self.verdict_low > 0, self.verdict_high < 0
        ahead = np.bincount(self.second, first_ahead, models)
        ahead += np.bincount(self.first, second_ahead, models)
        behind = np.bincount(self.first, first_ahead, models)
        behind += np.bincount(self.second, second_ahead, models)
        return (1 + ahead).astype(np.int64), (models - behind).astype(np.int64)


def compare_all(errors: MeanErrors, multipliers: Multipliers) -> Family:
    """Return the family of all pairs of the columns of `errors`, means of ratios in [0, 1].

    The largest |difference| / error over pairs, under normal weights of the clusters, gives the
    quantile that all intervals share; each pair's own degrees of freedom then widen it (max-t, or
    Bonferroni under `MAX_T_DEGREES`). For two models it is the plain t interval.

    Args:
        errors: Of the models' means.
        multipliers: Of the design's clusters, shape (clusters, replicates).
    """
    [family] = compare_together([errors], multipliers, np.arange(len(multipliers)))
    return family


def compare_together(
    tables: Sequence[MeanErrors], multipliers: Multipliers, key: Ints
) -> list[Family]:
    """Return the family of each of several tables of one design, such as metrics of one board.

    They are the families that `compare_all` returns, to the bit, in less time: see
    `weigh_clusters`.

    Args:
        tables: Means of the models of each table.
        multipliers: Of the design's clusters and others, shape (all clusters, replicates).
        key: Place of each of the design's clusters among `multipliers`, shape (clusters,).
    """
    steps = np.concatenate([errors.influences[0] for errors in tables], axis=1)
    sums = weigh_clusters(steps, multipliers, key)
    stops = np.cumsum([len(errors.means) for errors in tables])[:-1]
    return [
        _compare(errors, own * errors.influences[1])
        for errors, own in zip(tables, np.split(sums, stops), strict=True)
    ]


def _compare(errors: MeanErrors, replicates: Floats) -> Family:
    """Return the family of a table from the deviations of its means, (models, replicates)."""
    first, second = errors.pairs
    spread, means = errors.pair_spread, errors.means
    if len(first) and spread.degrees.min() < MAX_T_DEGREES:
        beyond = (1.0 - LEVEL) / len(first)
    else:
        beyond = find_tail(replicates)
    quantile = t_quantile(1.0 - beyond, spread.degrees)
    half = quantile * spread.errors
    difference = means[first] - means[second]
    down, up = (
        np.maximum(half, reach_with_failure(errors.target_means[:, failing], spread))
        for failing in (first, second)
    )
    loss, _ = lose_cluster(errors.target_means, errors.design)
    # Johnson and Welch (1940): the half width varies too, which matters where it is many errors.
    widened = spread.errors * np.sqrt(1.0 + quantile**2 / (2.0 * spread.degrees))
    failure = exceed_failure(np.maximum(loss[first], loss[second]), spread.errors)
    return Family(
        first=first,
        second=second,
        difference=difference,
        error=spread.errors,
        tail=beyond,
        half=half,
        low=np.maximum(difference - down, -1.0),
        high=np.minimum(difference + up, 1.0),
        loss=loss,
        detectable=MARGIN + np.maximum(exceed_failure(half, widened), failure),
        lead_share=_share_leads(means[:, None] + replicates),
    )


def find_tail(replicates: Floats) -> float:
    """Return how much of a normal distribution lies beyond the quantile that all pairs share.

    The quantile is that of the largest |difference| over its spread; never below that of one pair.
    Each difference is scaled by its own spread over replicates, so that it stays what it is when
    a model joins, and the quantile can all but only rise.

    Args:
        replicates: Deviations of the means, shape (models, replicates).
    """
    alpha = 1.0 - LEVEL
    models = len(replicates)
    if models < 3:
        return alpha
    shifts = (1, 2, 3, 4) if models <= FEW_MODELS else (0,)
    largest = np.zeros((len(shifts), replicates.shape[1]))
    buffers = np.empty((2, *replicates.shape))  # in use again, memory is faster than new
    for model in range(models - 1):
        apart = np.subtract(replicates[model], replicates[model + 1 :], out=buffers[0, model + 1 :])
        other = buffers[1, model + 1 :]
        spread = np.sqrt(np.multiply(apart, apart, out=other).mean(axis=1))
        apart *= np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)[:, None]
        for place, shift in enumerate(shifts):
            summed = _add_shifted(apart, shift, out=other) if shift else apart
            highest = np.abs(summed, out=other).max(axis=0)
            np.maximum(largest[place], highest, out=largest[place])
    ordered = np.sort(largest, axis=None)
    quantile = ordered[int(np.ceil(LEVEL * len(ordered))) - 1]
    return min(alpha, float(2.0 * special.ndtr(-quantile)))


def _add_shifted(replicates: Floats, shift: int, *, out: Floats) -> Floats:
    """Return replicates made of two each: the sum of two normal ones is another.

    Args:
        replicates: shape (pairs, replicates).
        shift: How far apart the two stand, at least 1; the last ones meet the first.
        out: Where to put them.
    """
    np.add(replicates[:, shift:], replicates[:, :-shift], out=out[:, shift:])
    np.add(replicates[:, :shift], replicates[:, -shift:], out=out[:, :shift])
    return np.divide(out, SQRT_2, out=out)


def _share_leads(scores: Floats) -> Floats:
    """Return the share of replicates that each model leads, shape (models,)."""
    first = scores == scores.max(axis=0)
    shares: Floats = (first / first.sum(axis=0)).mean(axis=1)
    return shares


def rank(scores: Floats) -> Ints:
    """Return the rank of each model, 1 being the highest score; equal scores share the better rank.

    Example:
        >>> rank(np.array([0.5, 0.9, 0.5, 0.1])).tolist()
        [2, 1, 2, 4]
    """
    better: Ints = (scores[None, :] > scores[:, None]).sum(axis=1).astype(np.int64)
    return better + 1


def tie_letters(separated: Bools, order: Ints) -> tuple[str, ...]:
    """Return the letters of each model: two models share one unless they are separated.

    A letter is a largest set of models of which no two are separated; letters go to sets by
    the best model in them, in `order`. Sets overlap.

    Args:
        separated: shape (models, models), symmetric.
        order: Models from best to worst, shape (models,).

    Example:
        >>> apart = np.zeros((3, 3), bool)
        >>> apart[0, 2] = apart[2, 0] = True
        >>> tie_letters(apart, np.arange(3))
        ('a', 'ab', 'b')
    """
    place = {int(model): index for index, model in enumerate(order)}
    near = {a: {b for b in place if b != a and not separated[a, b]} for a in place}
    sets = sorted(_maximal_sets(near), key=lambda members: sorted(place[m] for m in members))
    letters = [""] * len(separated)
    for number, members in enumerate(sets):
        for member in members:
            letters[member] += _letter(number)
    return tuple(letters)


def _letter(number: int) -> str:
    """Return a, b, …, z, then a2, b2, …."""
    round_, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(round_ + 1) if round_ else "")


def _maximal_sets(near: dict[int, set[int]]) -> list[frozenset[int]]:
    """Return every maximal clique of a graph (Bron and Kerbosch 1973, with a pivot)."""
    found: list[frozenset[int]] = []
    stack: list[tuple[frozenset[int], set[int], set[int]]] = [(frozenset(), set(near), set())]
    while stack:
        chosen, open_, closed = stack.pop()
        if not open_ and not closed:
            found.append(chosen)
            continue
        pivot = max(open_ | closed, key=lambda node: (len(near[node] & open_), -node))
        for node in sorted(open_ - near[pivot]):
            stack.append((chosen | {node}, open_ & near[node], closed & near[node]))
            open_ = open_ - {node}
            closed = closed | {node}
    return [members for members in found if members]
