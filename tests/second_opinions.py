"""Prompts, factors and metrics a second time, written out as the protocol says them.

They crop nothing, keep no runs and work on whole images with scipy; slow, and easy to check.
"""

from __future__ import annotations

from math import hypot, pi, sqrt

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.scores import Counts, Scores
from cosmos_board.factors.contour import trace_contour

Box = tuple[int, int, int, int]
Points = list[list[int]]


def find_prompts(mask: Mask) -> dict[str, tuple[Points, list[int], Box | None]]:
    """Return (points, labels, box) of each frozen prompt by its name."""
    rows, columns = np.nonzero(mask)
    box = (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
    one, five = (_find_positive(mask, count) for count in (1, 5))
    around = _find_negative(mask, box)
    return {
        "point": (one, [1], None),
        "points-5": (five, [1] * len(five), None),
        "points-5-5": (five + around, [1] * len(five) + [0] * len(around), None),
        "box": ([], [], box),
        "box-point": (one, [1], box),
    }


def _pick(pixels_yx: NDArray[np.intp], count: int) -> Points:
    """Return the pixels at floor((i + 0.5) n / k), all where there are fewer, as (x, y)."""
    many = len(pixels_yx)
    places = [*range(many)]
    if many > count:
        places = [(2 * i + 1) * many // (2 * count) for i in range(count)]
    return [[int(pixels_yx[place, 1]), int(pixels_yx[place, 0])] for place in places]


def _find_positive(mask: Mask, count: int) -> Points:
    inside = np.argwhere(mask)
    many = len(inside)
    y, x = ((2 * int(total) + many) // (2 * many) for total in inside.sum(axis=0))
    if mask[y, x]:
        return [[x, y], *_pick(inside, count - 1)] if count > 1 else [[x, y]]
    return _pick(inside, count)


def _find_negative(mask: Mask, box: Box) -> Points:
    left, top, right, bottom = box
    wide, tall = right - left + 1, bottom - top + 1
    outside = np.argwhere(~mask)
    y, x = outside.T
    near = (np.abs(2 * x - left - right) <= 2 * wide) & (np.abs(2 * y - top - bottom) <= 2 * tall)
    return _pick(outside[near], 5)


def measure_plain_factors(pixels: Pixels, mask: Mask) -> dict[str, float]:
    """Return all factors but those of the contour, by means over whole images."""
    luma = pixels.astype(np.float64)
    if luma.ndim == 3:
        luma = luma @ np.array([0.299, 0.587, 0.114])
    (rows, columns) = ndimage.find_objects(mask.astype(np.int8))[0]
    window = np.zeros_like(mask)
    tall, wide = rows.stop - rows.start, columns.stop - columns.start
    dy, dx = max(1, int(tall * 0.1 + 0.5)), max(1, int(wide * 0.1 + 0.5))
    window[
        max(0, rows.start - dy) : rows.stop + dy, max(0, columns.start - dx) : columns.stop + dx
    ] = True
    around = window & ~mask
    cy, cx = ndimage.center_of_mass(mask)
    height, width = mask.shape
    away = hypot(cy - (height - 1) / 2, cx - (width - 1) / 2)
    return {
        "size_px": int(mask.sum()),
        "aspect_ratio": min(tall, wide) / max(tall, wide),
        "components": ndimage.label(mask, np.ones((3, 3), np.int8))[1],
        "position": away / (hypot(height, width) / 2),
        "intensity_difference": (
            abs(luma[mask].mean() - luma[around].mean()) if around.any() else float("nan")
        ),
    }


def measure_shape(mask: Mask) -> tuple[float, int]:
    """Return boundary complexity and order of the largest component, its holes filled."""
    labels, count = ndimage.label(mask, np.ones((3, 3), np.int8))
    areas = ndimage.sum_labels(mask, labels, np.arange(1, count + 1))
    largest = labels == int(np.argmax(areas)) + 1
    rows, columns = ndimage.find_objects(largest.astype(np.int8))[0]
    return longhand_complexity(largest[rows, columns])


def longhand_complexity(component: Mask) -> tuple[float, int]:
    """Return both factors from full-frame fills of curves computed with a table of harmonics."""
    contour = trace_contour(component).astype(np.float64) + 100
    step = np.roll(contour, -1, axis=0) - contour
    length = np.hypot(*step.T)
    total = length.sum()
    phase = 2 * np.pi * np.concatenate([[0.0], np.cumsum(length)]) / total
    at = 2 * np.pi * np.arange(len(contour)) / len(contour)
    n = np.arange(1, 102)
    cosine = np.diff(np.cos(np.outer(n, phase))) @ (step / length[:, None])
    sine = np.diff(np.sin(np.outer(n, phase))) @ (step / length[:, None])
    scale = (total / (2 * n**2 * np.pi**2))[:, None]
    mean = ((contour + step / 2) * length[:, None]).sum(axis=0) / total
    waves, shifted = np.cos(np.outer(at, n)), np.sin(np.outer(at, n))
    size = (component.shape[0] + 200, component.shape[1] + 200)
    wanted = np.zeros(size, np.uint8)
    cv2.fillPoly(wanted, [contour.astype(np.int32)], 1)
    stop, order, before = None, 101, 0.0
    for k in range(1, 102):
        curve = mean + waves[:, :k] @ (scale * cosine)[:k] + shifted[:, :k] @ (scale * sine)[:k]
        drawn = np.zeros(size, np.uint8)
        # To a millionth of a pixel first: sums differ in their last bits from machine to machine.
        cv2.fillPoly(drawn, [np.floor(np.rint(curve * 2**20) / 2**20 + 0.5).astype(np.int32)], 1)
        dice = 2 * int((drawn & wanted).sum()) / int(drawn.sum() + wanted.sum())
        if stop is None and (dice > 0.97 or dice - before < 0.001):
            stop = k + 200 * (1 - dice)
        if dice > 0.97:
            order = k
            break
        before = dice
    assert stop is not None
    return stop, order


def transform_scores(prediction: Mask, reference: Mask) -> Scores:
    """Return the scores of two masks that are not empty, from transforms of the whole image."""

    def bounded(mask: Mask) -> NDArray[np.bool_]:
        return mask & ~ndimage.binary_erosion(mask)

    def band(mask: Mask) -> NDArray[np.bool_]:
        return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3), np.bool_), iterations=2)

    one, other = bounded(prediction), bounded(reference)
    to_other = ndimage.distance_transform_edt(~other)[one]
    to_one = ndimage.distance_transform_edt(~one)[other]
    pooled = np.concatenate([to_other, to_one])
    bands = band(prediction), band(reference)
    return Scores(
        Counts(
            int((prediction & reference).sum()),
            int((prediction & ~reference).sum()),
            int((~prediction & reference).sum()),
        ),
        float(pooled.max()),
        float(max(np.percentile(to_other, 95), np.percentile(to_one, 95))),
        float(pooled.mean()),
        float((pooled <= 2).mean()),
        float((pooled <= max(1.0, 0.05 * 2 * sqrt(reference.sum() / pi))).mean()),
        float((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()),
    )


def assert_close(scores: Scores, expected: Scores) -> None:
    """Assert the same scores up to the last bits of their means."""
    assert scores.counts == expected.counts
    assert scores.hd_px == pytest.approx(expected.hd_px, abs=1e-12)
    assert scores.hd95_px == pytest.approx(expected.hd95_px, abs=1e-12)
    assert scores.assd_px == pytest.approx(expected.assd_px, abs=1e-7)
    assert scores.nsd == pytest.approx(expected.nsd, abs=1e-15)
    assert scores.nsd_rel == pytest.approx(expected.nsd_rel, abs=1e-15)
    assert scores.boundary_iou == pytest.approx(expected.boundary_iou, abs=1e-15)
