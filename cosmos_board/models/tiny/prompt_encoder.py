"""The prompt encoder of `cosmos-tiny`: SAM's, and the prompt drawn as pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.sam.prompt_encoder import AsyncPromptEncoder
from cosmos_board.models.tiny.encoder import GRID, SIDE_PX, WIDTH

MAPS = 5
"""Pictures of a prompt."""

_FOLD = SIDE_PX // 4 // GRID
_FAR = 0.3
"""Taken from the closeness to a point, so that what is far from it counts against."""


@dataclass(frozen=True, slots=True, eq=False)
class DensePrompt:
    """What stands in place of SAM's dense prompt embedding, of P prompts."""

    coarse: Tensor
    """Added to the image at stride 16, (P, 128, 16, 16)."""

    maps: Tensor
    """From `draw_prompt`, (P, 5, 64, 64)."""

    boxes: Tensor | None
    """Min x, min y, max x, max y in the 256 px frame, (P, 4); None where prompts have no box."""


class TinyPromptEncoder(AsyncPromptEncoder):
    """SAM's prompt encoder, whose dense embedding also holds the prompt drawn at stride 4."""

    def __init__(self) -> None:
        super().__init__(
            embed_dim=WIDTH,
            image_embedding_size=(GRID, GRID),
            input_image_size=(SIDE_PX, SIDE_PX),
            mask_in_chans=16,
        )
        self.map_proj = nn.Conv2d(MAPS * _FOLD**2, WIDTH, 1)

    def forward(
        self, points: tuple[Tensor, Tensor] | None, boxes: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, DensePrompt]:
        """Return sparse embeddings (P, N, 128) and dense ones.

        Args:
            points: Coordinates (P, N, 2) as (x, y) in the 256 px frame, and labels (P, N):
                1 inside, 0 outside, −1 no point.
            boxes: (P, 4) or, as `SamPredictor` has them, (P, 1, 4): min x, min y, max x, max y.
            masks: Low-resolution logits (P, 1, 128, 128).
        """
        boxes = None if boxes is None else boxes.reshape(-1, 4)
        small = None if masks is None else functional.avg_pool2d(masks.clamp(-12, 12), 2)
        sparse, dense = super().forward(points, boxes, small)
        maps = draw_prompt(points, boxes, small)
        coarse = dense + self.map_proj(functional.pixel_unshuffle(maps, _FOLD))
        return sparse, DensePrompt(coarse, maps, boxes)


def draw_prompt(
    points: tuple[Tensor, Tensor] | None, boxes: Tensor | None, masks: Tensor | None
) -> Tensor:
    """Return the prompt as pictures, (P, 5, 64, 64).

    Channels: how deep inside the ellipse of the box, and inside the box itself (both near 1 in the
    middle, 0 at the edge, −1 far out; 0 everywhere without a box); closeness to the nearest point
    inside, and outside (negative beyond 25 px or so); the mask's logits over 4. Arguments are as
    the encoder takes them, but for boxes (P, 4) and masks (P, 1, 64, 64).
    """
    at_points = None if points is None else points[0]
    given = next(t for t in (boxes, masks, at_points) if t is not None)
    side = SIDE_PX // 4
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
