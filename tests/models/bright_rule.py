# ruff: noqa: ANN401 (transformers is untyped)
"""A network's place taken by a rule that finds bright things, to try an adapter's geometry on.

With it the conformance kit can tell whether coordinates arrive where they should, which random
weights do not show.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.core.cards import ModelCard

STRIDE = 4
REACH = 0.2
"""How far from a point the rule looks, as a share of the input's side."""


def draw_bright(
    brightness: Tensor, points: Tensor | None, labels: Tensor | None, boxes: Tensor | None
) -> Tensor:
    """Return logits (P, 1, y, x): positive where bright, near a point and inside the box.

    Args:
        brightness: Logits of being bright, axes (1, 1, y, x), a cell every `STRIDE` pixels.
        points: (x, y) in the input square, shape (P, n, 2).
        labels: 1 or 0, shape (P, n).
        boxes: Shape (P, 4).
    """
    side = brightness.shape[-1]
    centres = torch.arange(side, dtype=torch.float32) * STRIDE + STRIDE / 2
    near = torch.tensor(1e4)
    if points is not None and labels is not None:
        across = centres.view(1, 1, 1, -1) - points[..., 0, None, None]
        down = centres.view(1, 1, -1, 1) - points[..., 1, None, None]
        away = (across**2 + down**2).sqrt()
        away = torch.where((labels == 1)[..., None, None], away, torch.full_like(away, 1e6))
        near = REACH * side * STRIDE - away.amin(dim=1, keepdim=True)
    if boxes is not None:
        left, top, right, bottom = boxes.view(-1, 4, 1, 1, 1).unbind(1)
        x, y = centres.view(1, 1, 1, -1), centres.view(1, 1, -1, 1)
        inside = torch.minimum(
            torch.minimum(x - left, right - x), torch.minimum(y - top, bottom - y)
        )
        inside = inside + STRIDE
        near = torch.minimum(near, inside)
    return torch.minimum(brightness, near.clamp(-50, 50))


class BrightModel(nn.Module):
    """Stands where a model of `transformers` would."""

    def __init__(self, processor: Any) -> None:
        super().__init__()
        self._mean = sum(processor.image_mean) / 3
        self._std = sum(processor.image_std) / 3

    @staticmethod
    def describe(card: ModelCard) -> ModelCard:
        return replace(card, name="bright", input_size_px=128)

    def get_image_embeddings(self, pixel_values: Tensor) -> list[Tensor]:
        levels = pixel_values.mean(dim=1, keepdim=True) * self._std + self._mean
        pooled = functional.avg_pool2d(levels, STRIDE)
        return [(pooled - 0.45) * 100]

    def forward(
        self,
        *,
        image_embeddings: list[Tensor],
        input_points: Tensor | None,
        input_labels: Tensor | None,
        input_boxes: Tensor | None,
        input_masks: Tensor | None,
        multimask_output: bool,
    ) -> SimpleNamespace:
        assert multimask_output
        given = (input_points, input_labels, input_boxes)
        points, labels, boxes = (None if one is None else one[:, 0] for one in given)
        low = draw_bright(image_embeddings[0], points, labels, boxes)
        if input_masks is not None:
            low = low + input_masks
        candidates = torch.cat([low, low - 5, low - 10], dim=1)
        scores = torch.tensor([0.95, 0.93, 0.92]).expand(len(low), 3)
        return SimpleNamespace(pred_masks=candidates[:, None], iou_scores=scores[:, None])
