"""Everything mode around a network: a grid of points, thresholds and suppression.

It needs no tensors, so that models which come without torch are asked the same points and keep
their masks by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.masks import Mask, Rle, encode_mask
from cosmos_board.models.sam.geometry import Frame

Draw: TypeAlias = Callable[[Mask], tuple[list[Mask], Mask]]
"""Takes which candidates are wanted, bool (P, K). Returns the stable ones of them, bool, axes
(Y, X) each, and which of the wanted these are, bool."""

Ask: TypeAlias = Callable[[NDArray[np.float64]], tuple[NDArray[np.float32], Draw]]
"""Takes P points (x, y) of the input square, a prompt each, shape (P, 2). Returns the predicted
IoU of K candidates each, shape (P, K), and what draws them."""


@dataclass(frozen=True, slots=True)
class EverythingSettings:
    """The thresholds of everything mode; the defaults are the protocol's."""

    points_per_side: int = 32
    predicted_iou: float = 0.88
    """A candidate is kept when its predicted IoU is greater; 0 keeps all."""

    stability: float = 0.95
    """A candidate is kept when its stability is at least this; 0 keeps all."""

    stability_offset: float = 1.0
    """Logits added to and taken from the mask threshold to measure stability."""

    nms_iou: float = 0.7
    """Of two boxes that overlap more, the one with the lower predicted IoU goes."""


def search_grid(
    ask: Ask, frame: Frame, settings: EverythingSettings, *, prompts_per_call: int
) -> EverythingCandidates:
    """Return the masks that survive, best predicted IoU first.

    The surviving set is that of the official generator without crops. Candidates below the
    predicted-IoU threshold are dropped before they are drawn. `ask` puts points to the network,
    `prompts_per_call` of them at once.
    """
    native = make_grid(settings.points_per_side) * [frame.width, frame.height]
    points = frame.to_input(native)
    least = settings.predicted_iou if settings.predicted_iou > 0 else -np.inf
    rles: list[Rle] = []
    boxes: list[tuple[int, int, int, int]] = []
    scores: list[float] = []
    for start in range(0, len(points), prompts_per_call):
        iou, draw = ask(points[start : start + prompts_per_call])
        wanted = iou > least
        if wanted.any():
            masks, stable = draw(wanted)
            rles += map(encode_mask, masks)
            boxes += map(_find_box, masks)
            scores += map(float, iou[wanted][stable])
    if not rles:
        return EverythingCandidates((), ())
    kept = suppress_boxes(
        np.array(boxes, np.float32), np.array(scores, np.float32), settings.nms_iou
    )
    return EverythingCandidates(
        tuple(rles[index] for index in kept), tuple(scores[index] for index in kept)
    )


def make_grid(points_per_side: int) -> NDArray[np.float64]:
    """Return the centres of an even grid over the unit square, (x, y), in row order.

    Example:
        >>> make_grid(2).tolist()
        [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    half = 1 / (2 * points_per_side)
    centres = np.linspace(half, 1 - half, points_per_side)
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)


def is_stable(strict: NDArray[np.int32], lax: NDArray[np.int32], minimum: float) -> Mask:
    """Return which masks hardly change with the threshold, bool, shape (n,).

    Their pixels at the raised threshold (`strict`, shape (n,)) are at least a share of `minimum`
    of those at the lowered one (`lax`). An empty mask passes only where `minimum` is 0.
    """
    if minimum <= 0:
        return np.ones(len(strict), np.bool_)
    stability = np.divide(
        strict, lax, out=np.zeros(len(lax), np.float32), where=lax > 0, dtype=np.float32
    )
    stable: Mask = (stability >= np.float32(minimum)) & (lax > 0)
    return stable


def suppress_boxes(
    boxes_xyxy: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float
) -> list[int]:
    """Return which of N boxes stay, best score first; the earlier wins a tie.

    A box goes where its IoU with a better one that stays is greater than `max_iou`. Arithmetic is
    float32 and the comparison float64, so that a box at the very limit goes or stays as it does in
    `torchvision.ops.nms`.

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


def _find_box(mask: Mask) -> tuple[int, int, int, int]:
    """Return [min x, min y, max x, max y]; zeros for an empty mask."""
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    if not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
