"""Scores that are implausibly good: a person reviews them before they are shown.

References are public, so they can be submitted as predictions, whole or altered by a few pixels.
Over the demo packs the project's own entries come nowhere near these limits: no row is perfect, at
most 26 % of a pack's rows under one prompt are nearly so, and at most 19 % of the estimates hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cosmos_board.submissions.problems import Problem

PERFECT_LIMIT = 0.2
NEAR_LIMIT = 0.5
ESTIMATE_LIMIT = 0.5
"""Shares of rows above which a submission is held."""

NEAR_DICE = 0.99
NEAR_PX = 2
"""A row is nearly perfect from this Dice on, or up to so many wrong pixels."""

NEAR_IOU = 0.005
FEWEST_ROWS = 10
"""Under these a share says nothing."""


def find_implausible(
    groups: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]], where: str
) -> Iterator[Problem]:
    """Yield what is too good, each kind once, at the first group that shows it.

    Args:
        groups: By what messages call them, such as `demo-brain, box`: counts (tp, fp, fn; axes
            (row, count)) and predicted IoU (NaN where there is none) of each row.
        where: Path of the file, for messages.
    """
    problems: dict[str, str] = {}
    whole = tuple(np.concatenate(parts) for parts in zip(*groups.values(), strict=True))
    for name, (counts, estimates) in [("", whole), *groups.items()] if groups else ():
        tp, fp, fn = counts.T
        wrong, real = fp + fn, tp > 0
        iou = tp / np.maximum(tp + wrong, 1)
        near = (2 * iou / (1 + iou) >= NEAR_DICE) | (real & (wrong <= NEAR_PX))
        rules = (
            ("are perfect", wrong == 0, PERFECT_LIMIT),
            (f"have Dice {NEAR_DICE} or at most {NEAR_PX} wrong pixels", near, NEAR_LIMIT),
            ("predict their own IoU", real & (abs(estimates - iou) < NEAR_IOU), ESTIMATE_LIMIT),
        )
        for text, rows, limit in rules:
            if len(rows) >= FEWEST_ROWS and rows.mean() > limit:
                share = f"{100 * rows.mean():.2f} % of rows{name and f' of {name}'} {text}"
                problems.setdefault(text, f"{share}; held for review (limit {100 * limit:.0f} %)")
    yield from (Problem(where, "rows", text, "held") for text in problems.values())
