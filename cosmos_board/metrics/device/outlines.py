"""Boundaries and inner bands of many masks at once, without asking how many pixels they have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cosmos_board.metrics.boundaries import BAND_PASSES

_ABSENT = float(1 << 28)
"""Squared norm of a place in a list that holds no pixel: further away than any that does."""


@dataclass(frozen=True, slots=True, eq=False)
class PointLists:
    """Boundary pixels of several masks, in lists of one length."""

    yx: Tensor
    """Coordinates from the middle of the image, float32, (B, L, 2); 0 where there is no pixel."""

    norm_sq: Tensor
    """Squared length of each, float32, (B, L); `_ABSENT` where there is no pixel."""

    count: Tensor
    """Pixels of each boundary, int64, (B,); more than L where the list was too short."""

    def select(self, which: Tensor) -> PointLists:
        """Return the lists of some of the masks, by index."""
        return PointLists(self.yx[which], self.norm_sq[which], self.count[which])


def list_points(masks: Tensor, length: int) -> PointLists:
    """Return the boundaries of `masks`, cut at `length` pixels, without asking how many."""
    batch, height, width = masks.shape
    boundary = (masks & ~_erode(masks, square=False)).flatten(1)
    rank = boundary.cumsum(1) - 1
    # Every pixel is written: boundary pixels to their rank, all others to a place that is cut off.
    place = torch.where(boundary, rank, length).clamp_(max=length)
    pixel = torch.arange(height * width, device=masks.device).expand(batch, -1)
    listed = torch.zeros(batch, length + 1, dtype=torch.int64, device=masks.device)
    listed = listed.scatter_(1, place, pixel)[:, :length]
    count = boundary.sum(dim=1)
    present = torch.arange(length, device=masks.device) < count[:, None]
    y = torch.div(listed, width, rounding_mode="floor") - height // 2
    x = listed % width - width // 2
    yx = (torch.stack([y, x], dim=2) * present[..., None]).float()
    norm_sq = torch.where(present, yx.square().sum(dim=2), _ABSENT)
    return PointLists(yx, norm_sq, count)


def find_bands(masks: Tensor) -> Tensor:
    """Return the inner bands of `masks`, bool, (B, Y, X)."""
    core = masks
    for _ in range(BAND_PASSES):
        core = _erode(core, square=True)
    return masks & ~core


def _erode(masks: Tensor, *, square: bool) -> Tensor:
    """Return one pass by the 3×3 square or the cross; beyond the image is outside."""
    padded = torch.nn.functional.pad(masks, (1, 1, 1, 1))
    across = padded[..., :-2] & padded[..., 1:-1] & padded[..., 2:]
    if square:
        return across[:, :-2] & across[:, 1:-1] & across[:, 2:]
    return across[:, 1:-1] & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]
