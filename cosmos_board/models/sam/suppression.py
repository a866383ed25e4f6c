"""Of boxes that overlap too much the best stays: greedy suppression, as torchvision has it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suppress_boxes(
    boxes_xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float
) -> list[int]:
    """Return which boxes stay, best score first; the earlier wins a tie.

    Arithmetic is float32 and the comparison float64, so that a box at the very limit goes or stays
    as it does in `torchvision.ops.nms`.

    Args:
        boxes_xyxy: Shape (N, 4).
        scores: Shape (N,).
        max_iou: A box goes where its IoU with a better one that stays is greater.

    Example:
        >>> boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]], np.float32)
        >>> suppress_boxes(boxes, np.array([0.8, 0.9, 0.7], np.float32), 0.7)
        [1, 2]
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = boxes_xyxy[order].T
    areas = (right - left) * (bottom - top)
    stays = np.ones(len(order), np.bool_)
    for place in range(len(order)):
        if not stays[place]:
            continue
        rest = slice(place + 1, None)
        width = np.minimum(right[place], right[rest]) - np.maximum(left[place], left[rest])
        height = np.minimum(bottom[place], bottom[rest]) - np.maximum(top[place], top[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid="ignore"):  # two boxes without area have no IoU, and both stay
            overlap = shared / (areas[place] + areas[rest] - shared)
        stays[rest] &= ~(overlap.astype(np.float64) > max_iou)
    return [int(index) for index in order[stays]]
