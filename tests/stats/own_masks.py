"""Masks with planted scores: by cluster, in the form that the statistics take, and plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.design import Design, make_design
from cosmos_board.stats.own_scores import ScoredMasks


@dataclass(frozen=True)
class Plain:
    """One entry a mask."""

    unit: Ints
    score: Floats
    """Rounded to a thousandth."""

    iou: Floats
    weight: Floats
    """Of the mask: units weigh the same, and so do a unit's masks."""

    @property
    def dice(self) -> Floats:
        return 2 * self.iou / (1 + self.iou)

    @property
    def failed(self) -> Bools:
        return self.dice < 0.5


def make_plain(unit: Ints, score: Floats, iou: Floats) -> Plain:
    sizes = np.bincount(unit)
    return Plain(unit, np.round(score, 3), iou, 1.0 / (len(sizes) * sizes[unit]))


def count_cells(plain: Plain, weight: Floats | None = None) -> ScoredMasks:
    """Return the masks by unit and level; units weigh the same where `weight` is None."""
    units = int(plain.unit.max()) + 1
    levels, level = np.unique(plain.score, return_inverse=True)
    key, cell = np.unique(plain.unit * len(levels) + level, return_inverse=True)
    unit = key // len(levels)
    in_unit = np.bincount(plain.unit)

    def add(values: Floats) -> Floats:
        share: Floats = np.bincount(cell, values) / in_unit[unit]
        return share

    return ScoredMasks(
        weight=np.full(units, 1 / units) if weight is None else weight,
        levels=levels,
        unit=unit,
        level=key % len(levels),
        mass=add(np.ones(len(plain.unit))),
        failed=add(plain.failed.astype(float)),
        risk=add(1 - plain.dice),
        iou=add(plain.iou),
    )


def one_target(units: int) -> Design:
    return make_design([(np.arange(units), np.zeros(units, np.int64))])


def draw_masks(
    rng: np.random.Generator,
    sizes: Sequence[int],
    *,
    fail: float = 0.15,
    noise: float = 0.6,
    score: Callable[[Floats], Floats] = lambda iou: iou,
) -> Plain:
    """Draw masks whose quality varies by cluster and mask, of which a part fails.

    Args:
        rng: Source of chance.
        sizes: Masks of each cluster.
        fail: Chance of a mask to be one of the poor ones.
        noise: How little the score knows of the quality, on a logit scale.
        score: What the model makes of the quality that it sees.
    """
    unit = np.repeat(np.arange(len(sizes)), sizes)
    own = rng.normal(0, 0.5, len(sizes))[unit]
    poor = rng.random(len(unit)) < fail * np.exp(own - 0.125)
    quality = np.where(poor, -1.5, 1.7) + own + rng.normal(0, 0.7, len(unit))
    seen = quality + rng.normal(0, noise, len(unit))
    return make_plain(unit, score(1 / (1 + np.exp(-seen))), 1 / (1 + np.exp(-quality)))
