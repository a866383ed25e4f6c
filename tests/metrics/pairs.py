"""Pairs of real masks: annotators' references and what a model might have drawn instead."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from tests.shared import read_real_references


@cache
def real_pairs() -> tuple[tuple[Mask, Mask], ...]:
    """Return (prediction, reference) for each real reference, distorted in turn in four ways."""
    pairs = []
    for index, real in enumerate(read_real_references()):
        prediction = distort(real.mask, index, seed=index)
        if prediction.any():
            pairs.append((prediction, real.mask))
    return tuple(pairs)


def distort(mask: Mask, way: int, *, seed: int) -> Mask:
    """Return `mask` shifted, grown, roughened or cut, by the number of the way; it may be empty."""
    return _DISTORTIONS[way % len(_DISTORTIONS)](mask, np.random.default_rng(seed))


def _shift(mask: Mask, rng: np.random.Generator) -> Mask:
    dy, dx = rng.integers(-9, 10, 2)
    moved: NDArray[np.uint8] = cv2.warpAffine(
        mask.astype(np.uint8), np.array([[1.0, 0, dx], [0, 1, dy]]), mask.shape[::-1]
    )
    return moved.astype(np.bool_)


def _dilate(mask: Mask, rng: np.random.Generator) -> Mask:
    size = int(rng.integers(2, 8))
    grown: NDArray[np.uint8] = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8))
    return grown.astype(np.bool_)


def _roughen(mask: Mask, rng: np.random.Generator) -> Mask:
    noise: NDArray[np.float32] = cv2.resize(
        rng.normal(0, 0.3, (mask.shape[0] // 4 + 1, mask.shape[1] // 4 + 1)).astype(np.float32),
        mask.shape[::-1],
    )
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2.0)
    rough: Mask = soft + noise > 0.5
    return rough


def _lose_a_part(mask: Mask, rng: np.random.Generator) -> Mask:
    columns = np.flatnonzero(mask.any(axis=0))
    cut = mask.copy()
    cut[:, int(np.quantile(columns, rng.uniform(0.4, 0.9))) :] = False
    cut[:3, :3] = True
    return cut


_DISTORTIONS = (_shift, _dilate, _roughen, _lose_a_part)
