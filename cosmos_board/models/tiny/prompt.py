"""The prompt encoder of `cosmos-tiny`: SAM's, and the prompt drawn as pictures."""

from __future__ import annotations

import torch
from segment_anything.modeling import PromptEncoder
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.tiny.layout import (
    GRID,
    HALF_CHANNELS,
    MAP_CHANNELS,
    MAPS,
    NO_BOX,
    QUARTER_CHANNELS,
    QUARTER_FOLD,
    SIDE_PX,
    WIDTH,
)

_FAR = 0.3
"""Taken from the closeness to a point, so that what is far from it counts against."""


class TinyPromptEncoder(PromptEncoder):  # type: ignore[misc]
    """SAM's prompt encoder, whose dense embedding also holds the prompt drawn at stride 4."""

    dense_follows_prompt = True
    """The dense embedding differs from prompt to prompt even without a mask."""

    def __init__(self) -> None:
        super().__init__(
            embed_dim=WIDTH,
            image_embedding_size=(GRID, GRID),
            input_image_size=(SIDE_PX, SIDE_PX),
            mask_in_chans=16,
        )
        self.map_proj = nn.Conv2d(MAP_CHANNELS, WIDTH, 1)

    def forward(
        self, points: tuple[Tensor, Tensor] | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return sparse (B, N, 128) and dense (B, CHANNELS, 16, 16) embeddings.

        Args:
            points: Coordinates (B, N, 2) as (x, y) in the 256 px frame, and labels (B, N):
                1 inside, 0 outside, −1 no point.
            boxes: (B, 4) or, as `SamPredictor` has them, (B, 1, 4): min x, min y, max x, max y.
            masks: Low-resolution logits (B, 1, 128, 128).
        """
        boxes = None if boxes is None else boxes.reshape(-1, 4)
        small = self.shrink_logits(masks)
        sparse, dense = super().forward(points, boxes, small)
        maps = functional.pixel_unshuffle(
            draw_prompt(points, boxes, small, self.input_image_size[0]), QUARTER_FOLD
        )
        sides = maps.new_tensor(NO_BOX).expand(len(maps), 4) if boxes is None else boxes
        sides = sides[..., None, None].expand(-1, -1, GRID, GRID).to(maps.dtype)
        quarter, half = (
            maps.new_zeros((len(maps), wide, GRID, GRID))
            for wide in (QUARTER_CHANNELS, HALF_CHANNELS)
        )
        coarse = dense + self.map_proj(maps)
        return sparse, torch.cat([coarse, quarter, maps, sides, half], 1)

    def shrink_logits(self, masks: Tensor | None) -> Tensor | None:
        """Return logits as the official encoder takes them, (B, 1, 64, 64)."""
        return None if masks is None else functional.avg_pool2d(masks.clamp(-12, 12), 2)


def draw_prompt(
    points: tuple[Tensor, Tensor] | None,
    boxes: Tensor | None,
    masks: Tensor | None,
    side_px: int = SIDE_PX,
) -> Tensor:
    """Return the prompt as pictures, shape (B, 5, 64, 64) at side 256; arguments as the encoder's.

    Channels: how deep inside the ellipse of the box, and inside the box itself (both near 1 in the
    middle, 0 at the edge, −1 far out; 0 everywhere without a box); closeness to the nearest point
    inside, and outside (negative beyond 25 px or so); the mask's logits over 4.
    """
    at_points = None if points is None else points[0]
    given = next(t for t in (boxes, masks, at_points) if t is not None)
    side = side_px // 4
    centres = torch.arange(side, device=given.device, dtype=torch.float32) * 4 + 2
    x, y = centres.view(1, 1, side), centres.view(1, side, 1)
    maps = given.new_zeros((len(given), MAPS, side, side), dtype=torch.float32)
    if boxes is not None:
        low_x, low_y, high_x, high_y = (v.view(-1, 1, 1) for v in boxes.float().unbind(1))
        across = (x - (low_x + high_x + 1) / 2) / ((high_x - low_x + 1) / 2)
        down = (y - (low_y + high_y + 1) / 2) / ((high_y - low_y + 1) / 2)
        maps[:, 0] = (1 - across**2 - down**2).clamp(-1, 1)
        maps[:, 1] = (1 - torch.maximum(across.abs(), down.abs())).clamp(-1, 1)
    if points is not None:
        at, labels = points
        gap = (x[..., None, :, :] - at[..., 0, None, None] - 0.5) ** 2
        gap = gap + (y[..., None, :, :] - at[..., 1, None, None] - 0.5) ** 2
        close = torch.exp(-gap / (2 * 6.0**2)) + 0.5 * torch.exp(-gap / (2 * 24.0**2))
        for channel, label in ((2, 1), (3, 0)):
            chosen = (labels == label)[..., None, None]
            there = (labels == label).any(1).view(-1, 1, 1)
            maps[:, channel] = (close * chosen).amax(1) - _FAR * there
    if masks is not None:
        maps[:, 4] = masks[:, 0] / 4
    return maps
