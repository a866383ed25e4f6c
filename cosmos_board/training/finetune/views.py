"""Other views of one training image: turned, mirrored, zoomed, in other light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.training.finetune.data import TuningImage

_ZOOM = 1.4
_TILT_DEG = 15.0
_KEPT = 0.6
"""An object stays in a view that shows this share of it."""

_MIN_PX = 30


def draw_views(image: TuningImage, count: int, *, seed: int) -> tuple[TuningImage, ...]:
    """Return `count` views of `image`: itself, then others with at least one of its objects.

    Args:
        image: Pixels and references.
        count: How many, at least 1; views that would show no object are left out.
        seed: Names the views.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    others = (_draw_view(image, rng) for _ in range(count - 1))
    return (image, *(view for view in others if view.references))


def _draw_view(image: TuningImage, rng: np.random.Generator) -> TuningImage:
    height, width = image.pixels.shape[:2]
    matrix = _turn_and_zoom(height, width, rng)
    pixels = cv2.warpAffine(
        image.pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    references = _move(image.references, matrix, (width, height))
    return replace(image, pixels=_relight(pixels, rng), references=tuple(references))


def _turn_and_zoom(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    zoom = float(np.exp(rng.uniform(-np.log(_ZOOM), np.log(_ZOOM))))
    turn = float(rng.choice([0, 90, 180, 270]) + rng.uniform(-_TILT_DEG, _TILT_DEG))
    centre = (float(rng.uniform(0.3, 0.7)) * width, float(rng.uniform(0.3, 0.7)) * height)
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, turn, zoom), np.float64)
    matrix[:, 2] += np.array([width, height]) / 2 - np.array(centre)
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], width - 1 - matrix[0, 2]]
    return matrix


def _move(
    references: Sequence[tuple[str, Mask]], matrix: NDArray[np.float64], size: tuple[int, int]
) -> list[tuple[str, Mask]]:
    """Return the references that are still mostly seen; nothing mirrored in from the rim."""
    scale = abs(np.linalg.det(matrix[:, :2]))
    moved = []
    for name, mask in references:
        seen = cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR) > 0.5
        if np.count_nonzero(seen) >= max(_MIN_PX, _KEPT * scale * np.count_nonzero(mask)):
            moved.append((name, seen))
    return moved


def _relight(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    curve = (np.arange(256) / 255) ** float(np.exp(rng.uniform(-0.3, 0.3)))
    gain, offset = float(rng.uniform(0.85, 1.15)), float(rng.uniform(-15, 15))
    table = np.clip(np.round(curve * 255 * gain + offset), 0, 255).astype(np.uint8)
    lit: Pixels = table[pixels]
    return lit
