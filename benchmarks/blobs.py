"""Masks to put in place of a random model's: seeded blobs, of which 50 to 200 survive an image.

With random weights everything mode finds nothing or noise, so that filters, upsampling and
suppression would have no work. The decoder still does all of its own; only what it returns is
replaced, in the order of the grid, by the same blobs for both sides of a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from cosmos_board.models.sam import everything as sam_everything
from cosmos_board.models.sam.decoder import (
    SamModules,
    TransformerOutput,
    mask_logits,
    predicted_iou,
)
from cosmos_board.models.sam.everything_grid import EverythingSettings, make_grid

OBJECTS, SIDE = 45, 256
_SCALES = (0.6, 1.0, 1.5)


class Blobs:
    """Hands out low-resolution logits and predicted IoU, grid point after grid point."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        centres = rng.uniform(0.08, 0.92, (OBJECTS, 2))
        grid = make_grid(EverythingSettings().points_per_side)
        gaps = np.linalg.norm(grid[:, None] - centres[None], axis=2)
        self._object = torch.from_numpy(gaps.argmin(axis=1))
        self._logits = torch.from_numpy(_draw(rng, centres))
        self._iou = torch.from_numpy(rng.uniform(0.8, 0.97, (len(grid), 3)).astype(np.float32))
        self._at = 0

    def take(self, count: int) -> tuple[Tensor, Tensor]:
        """Return logits (n, 3, y, x) and predicted IoU (n, 3) of the next `count` points."""
        part = slice(self._at, self._at + count)
        self._at = part.stop % len(self._iou)
        return self._logits[self._object[part]], self._iou[part]


class BlobDecoder(nn.Module):
    """An official mask decoder whose answers are replaced."""

    def __init__(self, official: nn.Module, blobs: Blobs) -> None:
        super().__init__()
        self.official, self._blobs = official, blobs

    def forward(self, **given: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - handed through
        """Decode, then return blobs."""
        masks, _ = self.official(**given)
        return self._blobs.take(len(masks))


@contextmanager
def drawing_blobs(blobs: Blobs) -> Iterator[None]:
    """Replace what our everything mode decodes, after it is decoded."""
    latest: list[tuple[Tensor, Tensor]] = []

    def iou(sam: SamModules, attended: TransformerOutput) -> Tensor:
        estimates = predicted_iou(sam, attended)
        latest[:] = [blobs.take(len(estimates))]
        return latest[0][1]

    def masks(sam: SamModules, attended: TransformerOutput) -> Tensor:
        mask_logits(sam, attended)
        logits, estimates = latest[0]
        return logits[(estimates > EverythingSettings().predicted_iou).any(dim=1)]

    with (
        patch.object(sam_everything, "predicted_iou", iou),
        patch.object(sam_everything, "mask_logits", masks),
    ):
        yield


def _draw(rng: np.random.Generator, centres: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return logits that fall from the middle of each object, float32, (objects, 3, y, x)."""
    axis = (np.arange(SIDE) + 0.5) / SIDE
    logits = np.empty((len(centres), 3, SIDE, SIDE), np.float32)
    for planes, (cx, cy) in zip(logits, centres, strict=True):
        dx, dy = axis[None] - cx, axis[:, None] - cy
        angle = np.arctan2(dy, dx)
        outline = 1 + sum(
            rng.normal(0, 0.2 / k) * np.cos(k * angle + rng.uniform(0, 6.28)) for k in range(2, 6)
        )
        share = np.hypot(dx, dy) / (rng.uniform(0.03, 0.09) * np.clip(outline, 0.4, 2))
        for plane, scale in zip(planes, _SCALES, strict=True):
            plane[:] = rng.uniform(60, 250) * (1 - share / scale)
    return logits
