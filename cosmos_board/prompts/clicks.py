"""Study `clicks`: each click is placed at the error pixel farthest from the error's edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cosmos_board.core.arrays import Ints
from cosmos_board.core.masks import Mask
from cosmos_board.prompts.simulators import tight_box

CLICKS = 10
"""Number of clicks of the study."""


@dataclass(frozen=True, slots=True)
class Click:
    """One click."""

    x: int
    y: int
    positive: bool


def next_click(reference: Mask, prediction: Mask, clicked: Sequence[Click]) -> Click | None:
    """Return a click at the error pixel farthest from the error's edge; None if no error is left.

    Distances (Euclidean, outside of the image counting as zero) are taken over the whole
    false-negative and the whole false-positive set; the greater maximum wins, false negative
    on a tie; of equal pixels the first in row order; clicked pixels are excluded.

    Args:
        reference: bool, axes (Y, X).
        prediction: bool, axes (Y, X), of the same shape.
        clicked: Clicks given so far.
    """
    missed_depth, missed = _deepest(reference & ~prediction, clicked)
    extra_depth, extra = _deepest(prediction & ~reference, clicked)
    if max(missed_depth, extra_depth) == 0:
        return None
    positive = missed_depth >= extra_depth
    x, y = missed if positive else extra
    return Click(x, y, positive)


def _deepest(error: Mask, clicked: Sequence[Click]) -> tuple[int, tuple[int, int]]:
    """Return the greatest squared distance to the outside of `error`, and where (x, y)."""
    if not error.any():
        return 0, (0, 0)
    x_low, y_low, x_high, y_high = tight_box(error)
    depth = _squared_depth(error[y_low : y_high + 1, x_low : x_high + 1])
    for click in clicked:
        if x_low <= click.x <= x_high and y_low <= click.y <= y_high:
            depth[click.y - y_low, click.x - x_low] = 0
    y, x = divmod(int(np.argmax(depth)), depth.shape[1])
    return int(depth[y, x]), (x + x_low, y + y_low)


def _squared_depth(error: Mask) -> Ints:
    """Return squared distances to the outside, exact integers.

    OpenCV's float32 distances are off by up to 2e-5 px; squared and rounded they are exact
    while the depth stays under 2,048 px.
    """
    padded = np.pad(error, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    squared: Ints = np.rint(np.square(depth.astype(np.float64))).astype(np.int64)
    return squared
