"""Pairs of masks as annotators and models draw them: organ-like blobs and imperfect copies."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask

SHARES = (0.002, 0.01, 0.05, 0.15, 0.40)
"""Areas of the references as shares of the image."""

ERRORS = {"good": 0.004, "middling": 0.015, "bad": 0.05}
"""How far a prediction strays, as a share of the image's side."""


def make_pairs(side: int, *, each: int = 2, seed: int = 0) -> list[tuple[Mask, Mask]]:
    """Return (prediction, reference) pairs for all shares and errors, `each` of every kind."""
    pairs = []
    for share, error, number in product(SHARES, ERRORS.values(), range(each)):
        rng = np.random.default_rng([seed, side, round(1e4 * share), round(1e4 * error), number])
        reference = draw_reference(rng, side, share)
        prediction = _distort(rng, reference, error)
        pairs.append((prediction if prediction.any() else reference, reference))
    return pairs


def draw_reference(rng: np.random.Generator, side: int, share: float) -> Mask:
    """Return one organ-like object, sometimes in two parts, with a hole, or cut by the edge."""
    if rng.random() < 0.3 and share < 0.25:
        mask = _draw_blob(rng, side, 0.65 * share) | _draw_blob(rng, side, 0.35 * share)
    else:
        mask = _draw_blob(rng, side, share)
    if rng.random() < 0.25:
        ys, xs = np.nonzero(mask)
        mask &= ~_draw_blob(rng, side, 0.06 * share, (float(xs.mean()), float(ys.mean())))
    return mask


def _draw_blob(
    rng: np.random.Generator, side: int, share: float, centre: tuple[float, float] | None = None
) -> Mask:
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(2, 9):
        radius += rng.normal(0, 0.25 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, None)
    radius *= np.sqrt(share * side * side / (np.pi * np.mean(radius**2)))
    reach = min(1.3 * float(radius.mean()), side / 2)
    x, y = centre or rng.uniform(reach, side - reach + 1e-9, 2)
    stretch = rng.uniform(0.7, 1.3)
    outline = np.stack([x + radius * np.cos(angle) * stretch, y + radius * np.sin(angle) / stretch])
    canvas = np.zeros((side, side), np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline.T).astype(np.int32)], 1)
    return canvas.view(np.bool_)


def _distort(rng: np.random.Generator, reference: Mask, error: float) -> Mask:
    side, reach = len(reference), error * len(reference)
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    moved = cv2.remap(
        reference.astype(np.float32),
        xs + _draw_field(rng, side, reach),
        ys + _draw_field(rng, side, reach),
        cv2.INTER_LINEAR,
    )
    rough = cv2.resize(rng.normal(0, 0.15, (side // 4, side // 4)).astype(np.float32), (side, side))
    prediction: Mask = cv2.GaussianBlur(moved, (0, 0), max(1.0, reach / 4)) + rough > 0.5
    if error > 0.01 and rng.random() < 0.5:
        prediction |= _draw_blob(rng, side, rng.uniform(0.0001, 0.004))
    if error > 0.02 and rng.random() < 0.5 and prediction.any():
        prediction[:, int(np.quantile(np.nonzero(prediction)[1], 0.7)) :] = False
    return prediction


def _draw_field(rng: np.random.Generator, side: int, reach: float) -> NDArray[np.float32]:
    coarse = rng.normal(0, 1, (side // 8, side // 8)).astype(np.float32)
    field: NDArray[np.float32] = cv2.resize(
        cv2.GaussianBlur(coarse, (0, 0), side / 160), (side,) * 2
    )
    field *= np.float32(reach / (float(field.std()) + 1e-9))
    return field + np.float32(rng.normal(0, reach / 2))
