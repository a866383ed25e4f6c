"""Augmentation of a training image: rotation, mirroring, zoom, brightness and contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from cosmos_board.core.arrays import Floats
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.training.finetune.data import TuningImage

_ZOOM = 1.4
_TILT_DEG = 15.0
_MIN_SHARE = 0.6
"""A variant keeps an object of which it shows at least this share."""

_MIN_PX = 30


def augment_image(image: TuningImage, count: int, *, seed: int) -> tuple[TuningImage, ...]:
    """Return `image` and up to `count` − 1 variants that show at least one of its objects."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    variants = (_draw_variant(image, rng) for _ in range(count - 1))
    return (image, *(variant for variant in variants if variant.references))


def _draw_variant(image: TuningImage, rng: np.random.Generator) -> TuningImage:
    height, width = image.pixels.shape[:2]
    matrix = _draw_affine(height, width, rng)
    pixels = cv2.warpAffine(
        image.pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    references = _warp(image.references, matrix, (width, height))
    return replace(image, pixels=_change_intensity(pixels, rng), references=tuple(references))


def _draw_affine(height: int, width: int, rng: np.random.Generator) -> Floats:
    zoom = float(np.exp(rng.uniform(-np.log(_ZOOM), np.log(_ZOOM))))
    turn = float(rng.choice([0, 90, 180, 270]) + rng.uniform(-_TILT_DEG, _TILT_DEG))
    centre = (float(rng.uniform(0.3, 0.7)) * width, float(rng.uniform(0.3, 0.7)) * height)
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, turn, zoom), np.float64)
    matrix[:, 2] += np.array([width, height]) / 2 - np.array(centre)
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], width - 1 - matrix[0, 2]]
    return matrix


def _warp(
    references: Sequence[tuple[str, Mask]], matrix: Floats, size: tuple[int, int]
) -> list[tuple[str, Mask]]:
    """Return the references that are mostly visible; unlike pixels, they are not reflected."""
    scale = abs(np.linalg.det(matrix[:, :2]))
    warped = []
    for name, mask in references:
        visible = (
            cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR) > 0.5
        )
        if np.count_nonzero(visible) >= max(_MIN_PX, _MIN_SHARE * scale * np.count_nonzero(mask)):
            warped.append((name, visible))
    return warped


def _change_intensity(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    curve = (np.arange(256) / 255) ** float(np.exp(rng.uniform(-0.3, 0.3)))
    gain, offset = float(rng.uniform(0.85, 1.15)), float(rng.uniform(-15, 15))
    table = np.clip(np.round(curve * 255 * gain + offset), 0, 255).astype(np.uint8)
    changed: Pixels = table[pixels]
    return changed
