"""How far the score that a model gives its own masks tells what they are worth.

Statistics of a weighted distribution of masks, each with its level (the model's own score), its
true IoU, its risk (1 − Dice) and whether it failed. Every unit, a cluster of a target, counts as in
a mean over targets. A statistic comes with its influence: how a unit moves it, to first order, so
that its standard error is that of a mean over units of these (the infinitesimal jackknife).

Masks of one level come in random order where an order is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cosmos_board.core.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A number and how units move it."""

    value: float
    influence: Floats
    """Derivative along each unit but for a constant, shape (units,)."""


@dataclass(frozen=True, eq=False)  # slots would leave no room for what is computed once
class ScoredMasks:
    """Masks by unit and level; a cell is what one unit has on one level."""

    weight: Floats
    """What each unit counts for; adds up to 1, shape (units,)."""

    levels: Floats
    """Distinct scores, ascending, shape (levels,)."""

    unit: Ints
    """Unit of each cell, shape (cells,)."""

    level: Ints
    """Place of each cell's score among `levels`, shape (cells,)."""

    mass: Floats
    """Share of its unit's masks that is in a cell, shape (cells,)."""

    failed: Floats
    """Share of its unit's masks that is in a cell and failed, shape (cells,)."""

    risk: Floats
    """Sum over a cell of 1 − Dice, over the masks of the unit, shape (cells,)."""

    iou: Floats
    """Sum over a cell of the true IoU, over the masks of the unit, shape (cells,)."""

    def by_level(self, values: Floats) -> Floats:
        """Return the weighted sum over units of a value of each cell, shape (levels,)."""
        weighted = values * self.weight[self.unit]
        return np.bincount(self.level, weighted, len(self.levels)).astype(np.float64)

    def by_unit(self, values: Floats) -> Floats:
        """Return the sum over cells of a value of each cell, shape (units,)."""
        return np.bincount(self.unit, values, len(self.weight)).astype(np.float64)

    @cached_property
    def level_mass(self) -> Floats:
        """Share of all masks on each level, shape (levels,)."""
        return self.by_level(self.mass)

    @cached_property
    def unit_failed(self) -> Floats:
        """Share of each unit's masks that failed, shape (units,)."""
        return self.by_unit(self.failed)

    def cut_bins(self, bins: int) -> Ints:
        """Return the bin of each level: bins of equal weight, no level divided, shape (levels,)."""
        middle = np.cumsum(self.level_mass) - self.level_mass / 2
        return np.minimum((middle * bins).astype(np.int64), bins - 1)


def measure_bias(masks: ScoredMasks) -> Statistic:
    """Return the mean of score − true IoU: positive where a model thinks too well of itself."""
    values = masks.by_unit(masks.mass * masks.levels[masks.level] - masks.iou)
    return Statistic(float(values @ masks.weight), values)


@dataclass(frozen=True, slots=True, eq=False)
class BinGaps:
    """Score against true IoU in bins of equal weight; bins without a mask are left out."""

    mass: Floats
    """Share of all masks, shape (bins,)."""

    score: Floats
    """Mean score, shape (bins,)."""

    iou: Floats
    """Mean true IoU, shape (bins,)."""

    iou_influence: Floats
    """Of each bin's mean true IoU, shape (units, bins)."""

    gap_influence: Floats
    """Of each bin's share times (score − true IoU), shape (units, bins)."""

    units: Ints
    """Units with a mask in each bin, shape (bins,)."""

    @property
    def error(self) -> float:
        """The calibration error: the mean over masks of their bin's |score − true IoU|."""
        return float(self.mass @ np.abs(self.score - self.iou))


def measure_gaps(masks: ScoredMasks, bins: int = 10) -> BinGaps:
    """Return the reliability curve (Guo et al. 2017) in `bins` bins of equal weight."""
    numbers, bin_of = np.unique(masks.cut_bins(bins)[masks.level], return_inverse=True)
    count, units = len(numbers), len(masks.weight)

    def spread(values: Floats) -> Floats:
        cell = masks.unit * count + bin_of
        table = np.bincount(cell, values, units * count).astype(np.float64)
        return table.reshape(units, count)

    mass, iou = spread(masks.mass), spread(masks.iou)
    score = spread(masks.mass * masks.levels[masks.level])
    total = masks.weight @ mass
    mean_iou = (masks.weight @ iou) / total
    return BinGaps(
        mass=total,
        score=(masks.weight @ score) / total,
        iou=mean_iou,
        iou_influence=(iou - mean_iou * mass) / total,
        gap_influence=score - iou,
        units=np.count_nonzero(mass, axis=0).astype(np.int64),
    )


def measure_auroc(masks: ScoredMasks) -> Statistic | None:
    """Return how well a low score tells a failure: the area under the ROC curve.

    The chance that a failed mask has a lower score than one that did not fail, ties counting half;
    None where all or none failed. Influence after DeLong et al. 1988, over units.
    """
    failed = masks.by_level(masks.failed)
    good = np.maximum(masks.level_mass - failed, 0.0)
    all_failed, all_good = float(failed.sum()), float(good.sum())
    if all_failed <= 0 or all_good <= 1e-12:
        return None
    above = all_good - np.cumsum(good) + good / 2
    below = np.cumsum(failed) - failed / 2
    value = float(failed @ above) / (all_failed * all_good)
    of_failed = above / (all_failed * all_good) - value / all_failed
    of_good = below / (all_failed * all_good) - value / all_good
    cells = masks.failed * of_failed[masks.level]
    cells += (masks.mass - masks.failed) * of_good[masks.level]
    return Statistic(value, masks.by_unit(cells))


def measure_risk_area(masks: ScoredMasks) -> Statistic:
    """Return the area under the risk–coverage curve (Geifman and El-Yaniv 2017), in [0, 1].

    The mean over coverages c in (0, 1] of the mean risk of the share c of masks with the highest
    scores. That is ∫ r(u) · (−ln u) du, r(u) being the risk of the mask that a share u is above;
    a score without information gives the mean risk of all.
    """
    risk, mass = masks.by_level(masks.risk), masks.level_mass
    below = np.cumsum(mass[::-1])[::-1]  # the share down to a level, and the level itself
    above = np.append(below[1:], 0.0)
    mean = risk / mass
    part = _integrate_log(below) - _integrate_log(above)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = mean * (np.log(above) - np.log(below))
    # Mass on a level pushes all lower levels down: the highest level is pushed by none.
    pushed = np.append(0.0, np.cumsum(shift[:-1]))
    of_risk = part / mass
    of_mass = -mean * np.log(below) - mean * part / mass + pushed
    cells = masks.risk * of_risk[masks.level] + masks.mass * of_mass[masks.level]
    return Statistic(float(mean @ part), masks.by_unit(cells))


def _integrate_log(share: Floats) -> Floats:
    """Return ∫ −ln u du from 0 to `share`."""
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    area: Floats = share - share * logs
    return area


def measure_risk_at(masks: ScoredMasks, coverage: float) -> tuple[Statistic, Floats]:
    """Return the mean risk of the share `coverage` of masks with the highest scores.

    Returns:
        The risk; the share of each unit's masks that is among them, shape (units,).
    """
    risk, mass = masks.by_level(masks.risk), masks.level_mass
    above = np.append(np.cumsum(mass[::-1])[::-1][1:], 0.0)
    taken = np.clip((coverage - above) / mass, 0.0, 1.0)  # share of each level
    last = int(np.flatnonzero(taken > 0)[0])
    at_end = risk[last] / mass[last]
    value = float(risk @ taken) / coverage
    cells = (masks.risk - at_end * masks.mass) * taken[masks.level] / coverage
    part = masks.by_unit(masks.mass * taken[masks.level])
    return Statistic(value, masks.by_unit(cells)), part


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """What part of the masks to look at, lowest scores first, to meet a share of the failures."""

    share: float
    """Of the masks, in [0, 1]."""

    catch_influence: Floats
    """Of the share of failures met by that much work, shape (units,)."""

    reviewed: Floats
    """Share of masks up to each level, shape (levels,)."""

    caught: Floats
    """Share of failures up to each level, shape (levels,)."""


def measure_review(masks: ScoredMasks, goal: float) -> Review | None:
    """Return how much must be reviewed to meet a share `goal` of failures; None without one."""
    failed = masks.by_level(masks.failed)
    total = float(failed.sum())
    if total <= 0:
        return None
    reviewed, caught = np.cumsum(masks.level_mass), np.cumsum(failed) / total
    last = int(np.searchsorted(caught, goal * (1 - 1e-12)))
    before = float(caught[last - 1]) if last else 0.0
    part = (goal - before) / (float(caught[last]) - before)
    start = float(reviewed[last - 1]) if last else 0.0
    share = start + part * float(masks.level_mass[last])
    taken = np.zeros(len(masks.levels))
    taken[:last], taken[last] = 1.0, part
    cells = masks.failed * (taken[masks.level] - goal) / total
    return Review(share, masks.by_unit(cells), reviewed, caught)
