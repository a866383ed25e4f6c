"""How `cosmos-tiny` looks closely: at what lies in and around the box, always at the same size.

On a grid of 64 × 64 a nucleus has four cells and a lung a thousand, and a small net has to learn
either by itself. Cut out along the box and brought to 32 × 32 they are one task: find what fills
the middle (features cut out along boxes are those of He et al. 2017, Mask R-CNN). Prompts without
a box go without.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.tiny.layout import SIDE_PX

NEAR = 4
"""Channels that come back."""

_SIDE, _DRAWN = 32, SIDE_PX // 2
_WIDTH, _DEEP = 32, 64
_MARGIN, _MARGIN_PX = 0.15, 4.0
"""Of the box's size, and in pixels, that is seen beyond each of its sides."""


class Closeup(nn.Module):
    """A small U-Net (Ronneberger et al. 2015) in the frame of each prompt's box."""

    def __init__(self, planes: int) -> None:
        """Prepare for as many `planes`, of all strides together."""
        super().__init__()
        self.enter = nn.Sequential(*_step(planes, _WIDTH), *_step(_WIDTH, _WIDTH))
        self.down = nn.Sequential(*_step(_WIDTH, _DEEP, 2), *_step(_DEEP, _DEEP))
        self.deep = nn.Sequential(*_step(_DEEP, _DEEP, 2), *_step(_DEEP, _DEEP))
        self.lift_deep = nn.Sequential(*_step(_DEEP, _DEEP))
        self.lift = nn.Conv2d(_DEEP, _WIDTH, 1)
        self.leave = nn.Sequential(*_step(_WIDTH, _WIDTH), nn.Conv2d(_WIDTH, NEAR, 1))
        for weights in self.leave[-1].parameters():
            nn.init.zeros_(weights)

    def forward(self, seen: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """Return (P, 4, 128, 128): zero beyond what was looked at, and where there is no box.

        Args:
            seen: Planes of any stride, (P, some, side, side) each.
            boxes: (P, 4): min x, min y, max x, max y in the 256 px frame, or `NO_BOX`.
        """
        framed = boxes[:, 2] >= boxes[:, 0]
        if framed.all():
            return self._look(seen, boxes)
        found = boxes.new_zeros((len(boxes), NEAR, _DRAWN, _DRAWN))
        if framed.any():
            near = self._look([planes[framed] for planes in seen], boxes[framed])
            found = found.to(near.dtype).index_put((framed,), near)
        return found

    def _look(self, seen: Sequence[Tensor], boxes: Tensor) -> Tensor:
        low, size = frame(boxes)
        there = place(low, size)
        cut = torch.cat([_sample(planes, there) for planes in seen], 1)
        return _sample(self.answer(cut), place_back(low, size), "zeros")

    def answer(self, seen: Tensor) -> Tensor:
        """Return (P, 4, 32, 32) from what was cut out, (P, planes, 32, 32)."""
        near = self.enter(seen)
        middle = self.down(near)
        below = functional.interpolate(self.deep(middle), scale_factor=2.0, mode="nearest")
        middle = self.lift_deep(middle + below)
        above = functional.interpolate(self.lift(middle), scale_factor=2.0, mode="nearest")
        answer: Tensor = self.leave(near + above)
        return answer


def frame(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return corner and size, (P, 2) each as (x, y), of what is looked at; shares of the frame."""
    low, high = boxes[:, :2], boxes[:, 2:] + 1
    margin = _MARGIN * (high - low) + _MARGIN_PX
    return (low - margin) / SIDE_PX, (high - low + 2 * margin) / SIDE_PX


def place(low: Tensor, size: Tensor) -> Tensor:
    """Return where in the frame the cells of the close-up lie, (P, 32, 32, 2) as (x, y)."""
    cells = (torch.arange(_SIDE, device=low.device) + 0.5) / _SIDE
    at = low[:, None] + size[:, None] * cells[:, None]
    return _mesh(2 * at - 1)


def place_back(low: Tensor, size: Tensor) -> Tensor:
    """Return where in the close-up the cells of the frame lie, (P, 128, 128, 2)."""
    cells = (torch.arange(_DRAWN, device=low.device) + 0.5) / _DRAWN
    at = (cells[:, None] - low[:, None]) / size[:, None]
    return _mesh(2 * at - 1)


def _mesh(at: Tensor) -> Tensor:
    side = at.shape[1]
    x = at[:, None, :, 0].expand(-1, side, side)
    y = at[:, :, None, 1].expand(-1, side, side)
    return torch.stack([x, y], -1)


def _sample(planes: Tensor, there: Tensor, beyond: str = "border") -> Tensor:
    return functional.grid_sample(planes, there, padding_mode=beyond, align_corners=False)


def _step(wide_in: int, wide_out: int, stride: int = 1) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
        nn.GroupNorm(8, wide_out),
        nn.GELU(),
    )
