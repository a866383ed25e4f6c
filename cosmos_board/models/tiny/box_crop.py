"""What `cosmos-tiny` sees in and around the box, cut out and brought to one size.

On a grid of 64 × 64 a nucleus has four cells and a lung a thousand, and a small net has to learn
either by itself. Cut out along the box and brought to 32 × 32 they are one task: find what fills
the middle (features cut out along boxes are those of He et al. 2017, Mask R-CNN).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.tiny.encoder import SIDE_PX

CROP_CHANNELS = 4
"""Channels that come back."""

_CROP_SIDE, _OUT_SIDE = 32, SIDE_PX // 2
_WIDTH, _DEEP = 32, 64
_MARGIN, _MARGIN_PX = 0.15, 4.0
"""Of the box's size, and in pixels, that is seen beyond each of its sides."""


class BoxCrop(nn.Module):
    """A small U-Net (Ronneberger et al. 2015) in the frame of each prompt's box."""

    def __init__(self, planes: int) -> None:
        """Prepare for as many `planes`, of all strides together."""
        super().__init__()
        self.enter = nn.Sequential(*_step(planes, _WIDTH), *_step(_WIDTH, _WIDTH))
        self.down = nn.Sequential(*_step(_WIDTH, _DEEP, 2), *_step(_DEEP, _DEEP))
        self.deep = nn.Sequential(*_step(_DEEP, _DEEP, 2), *_step(_DEEP, _DEEP))
        self.lift_deep = nn.Sequential(*_step(_DEEP, _DEEP))
        self.lift = nn.Conv2d(_DEEP, _WIDTH, 1)
        self.leave = nn.Sequential(*_step(_WIDTH, _WIDTH), nn.Conv2d(_WIDTH, CROP_CHANNELS, 1))
        for weights in self.leave[-1].parameters():
            nn.init.zeros_(weights)

    def forward(self, planes: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """Return (P, 4, 128, 128), zero beyond what was cut out.

        Args:
            planes: Of any stride, (P, some, side, side) each.
            boxes: Min x, min y, max x, max y in the 256 px frame, (P, 4).
        """
        corner, size = find_window(boxes)
        cells = _centres(_CROP_SIDE, boxes)
        inside = _mesh(2 * (corner[:, None] + size[:, None] * cells) - 1)
        crop = torch.cat([_sample(each, inside, "border") for each in planes], 1)
        back = _mesh(2 * (_centres(_OUT_SIDE, boxes) - corner[:, None]) / size[:, None] - 1)
        return _sample(self.run_unet(crop), back, "zeros")

    def run_unet(self, crop: Tensor) -> Tensor:
        """Return (P, 4, 32, 32) from what was cut out, (P, planes, 32, 32)."""
        fine = self.enter(crop)
        middle = self.down(fine)
        below = functional.interpolate(self.deep(middle), scale_factor=2.0, mode="nearest")
        middle = self.lift_deep(middle + below)
        above = functional.interpolate(self.lift(middle), scale_factor=2.0, mode="nearest")
        found: Tensor = self.leave(fine + above)
        return found


def find_window(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return corner and size, (P, 2) each as (x, y), of what is cut out; shares of the frame."""
    low, high = boxes[:, :2], boxes[:, 2:] + 1
    margin = _MARGIN * (high - low) + _MARGIN_PX
    return (low - margin) / SIDE_PX, (high - low + 2 * margin) / SIDE_PX


def _centres(side: int, like: Tensor) -> Tensor:
    """Return the centres of cells along a line of length 1, shape (side, 1)."""
    return ((torch.arange(side, device=like.device) + 0.5) / side)[:, None]


def _mesh(at: Tensor) -> Tensor:
    """Return places (P, side, side, 2) from their x and y along each axis, (P, side, 2)."""
    side = at.shape[1]
    x = at[:, None, :, 0].expand(-1, side, side)
    y = at[:, :, None, 1].expand(-1, side, side)
    return torch.stack([x, y], -1)


def _sample(planes: Tensor, places: Tensor, beyond: str) -> Tensor:
    return functional.grid_sample(planes, places, padding_mode=beyond, align_corners=False)


def _step(wide_in: int, wide_out: int, stride: int = 1) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
        nn.GroupNorm(8, wide_out),
        nn.GELU(),
    )
