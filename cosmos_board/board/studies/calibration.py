"""Whether a calibration of a model's own score that was learnt on other datasets carries over."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.stats.own_scores import ScoredMasks, Statistic

_BINS = 10


def measure_transfer(masks: ScoredMasks, dataset: Ints) -> Statistic | None:
    """Return by how much calibration lowers the squared error of the score, on unseen datasets.

    Each dataset in turn is left out: ten bins of equal weight of the masks of all others give the
    mean true IoU that stands for a score. What that leaves as squared error of the true IoU is
    taken from what the score itself leaves. Whatever no calibration can remove cancels out. The
    influence takes the calibrations as they are.

    Args:
        masks: Of one model and prompt.
        dataset: Number of each unit's dataset, shape (units,).

    Returns:
        None with a single dataset.
    """
    names = np.unique(dataset)
    if len(names) < 2:
        return None
    calibrated = np.zeros(len(masks.unit))
    for name in names:
        held_out = dataset[masks.unit] == name
        calibrated[held_out] = learn_calibration(masks, ~held_out)[masks.level[held_out]]
    score = masks.levels[masks.level]
    # (s − y)² − (c − y)² of a mask, summed over a cell, needs no more than the sum of y.
    gained = masks.mass * (score**2 - calibrated**2) - 2 * masks.iou * (score - calibrated)
    values = masks.by_unit(gained)
    return Statistic(float(values @ masks.weight), values)


def learn_calibration(masks: ScoredMasks, chosen: Bools) -> Floats:
    """Return the IoU that stands for each level, learnt on the chosen cells, shape (levels,).

    The mean true IoU of ten bins of equal weight at their mean scores, straight lines between
    them, and the value of the last bin beyond it.
    """
    mass = masks.by_level(masks.mass * chosen)
    iou = masks.by_level(masks.iou * chosen)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bins = np.clip((middle * _BINS).astype(np.int64), 0, _BINS - 1)
    in_bin = np.bincount(bins, mass, _BINS)
    held = in_bin > 0
    score, mean = (
        np.bincount(bins, sums, _BINS)[held] / in_bin[held] for sums in (mass * masks.levels, iou)
    )
    learnt: Floats = np.interp(masks.levels, score, mean)
    return learnt
