"""The decoder of `cosmos-tiny` for many prompts of one image: the same answers in fewer steps.

`TinyMaskDecoder` carries fine features of the image through the transformer for every prompt. Here
what depends on the image alone is worked out once, and what depends on a prompt stays in rows of
channels, where a transposed convolution of size and stride 2 is a linear layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import torch
from segment_anything.modeling import PromptEncoder
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.two_way import FoldedTwoWay
from cosmos_board.models.tiny.box_crop import NEAR
from cosmos_board.models.tiny.iou_head import Outline, outline
from cosmos_board.models.tiny.layout import (
    GRID,
    HALF_FOLD,
    MAPS,
    PARTS,
    QUARTER,
    QUARTER_FOLD,
    WIDTH,
)
from cosmos_board.models.tiny.prompt import draw_prompt

_SIDE = GRID * QUARTER_FOLD


class TinySight:
    """One image as the decoder sees it before any prompt; for inference.

    Args:
        encoder: The prompt encoder of `cosmos-tiny`.
        decoder: Its mask decoder.
        features: What the image encoder gave of one image, axes (1, CHANNELS, 16, 16).
    """

    def __init__(self, encoder: Any, decoder: Any, features: Tensor) -> None:  # noqa: ANN401
        self._encoder, self._decoder = encoder, decoder
        upscaling = decoder.output_upscaling
        self._transformer: Any = FoldedTwoWay(decoder.transformer.inner, refined=True)
        self._positions = encoder.get_dense_pe().flatten(2).transpose(1, 2)
        coarse, quarter, _, _, half = torch.split(features, list(PARTS), 1)
        self._coarse = coarse.flatten(2).transpose(1, 2)
        self._fine = functional.pixel_shuffle(quarter, QUARTER_FOLD)
        self._pencil = _Pencil(upscaling, self._fine, functional.pixel_shuffle(half, HALF_FOLD))

    def decode(self, prompts: PromptBatch, mask_tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return logits (P, K, 128, 128) and predicted IoU (P, K), as `TinyMaskDecoder` does."""
        decoder = self._decoder
        maps, sparse, placed = self._place(prompts)
        outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([outputs.expand(len(prompts), -1, -1), sparse], 1)
        attended, pixels = self._transformer.run(tokens, placed, self._positions)
        heads = decoder.output_hypernetworks_mlps
        weights = torch.stack([heads[token](attended[:, 1 + token]) for token in mask_tokens], 1)
        logits, seen = self._pencil.draw(pixels, maps, prompts.boxes_xyxy, weights)
        estimate = decoder.iou_prediction_head(attended[:, 0])[:, list(mask_tokens)]
        return logits, decoder.judge_masks(estimate, seen, self._fine, maps, sparse.shape[1])

    def _place(self, prompts: PromptBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the drawn prompts, their tokens, and the image with them in it, (P, 256, 128)."""
        encoder = self._encoder
        at, labels = prompts.points_xy, prompts.labels
        points = None if at is None or labels is None else (at, labels)
        small = encoder.shrink_logits(prompts.mask_logits)
        sparse, dense = PromptEncoder.forward(encoder, points, prompts.boxes_xyxy, small)
        maps = draw_prompt(points, prompts.boxes_xyxy, small, encoder.input_image_size[0])
        drawn = _find_drawn(prompts)
        rows = functional.pixel_unshuffle(maps[:, drawn], QUARTER_FOLD).flatten(2).transpose(1, 2)
        weight = encoder.map_proj.weight.view(WIDTH, MAPS, -1)[:, drawn].flatten(1)
        told = functional.linear(rows, weight, encoder.map_proj.bias)
        return maps, sparse, told.add_(self._coarse).add_(dense.flatten(2).transpose(1, 2))


class _Pencil:
    """`FineUpscaling` and the masks it draws, for prompts of one image."""

    def __init__(self, upscaling: Any, fine: Tensor, half: Tensor) -> None:  # noqa: ANN401
        self._grow, self._refine = upscaling.grow, upscaling.refine
        join, likeness, last = upscaling.join_quarter, upscaling.likeness, upscaling.last
        self._likeness = likeness
        self._closeup, self._seen = upscaling.closeup, (fine, half)
        self._alike = likeness.choose_features(fine)[0].contiguous()
        judge = likeness.judge.weight.flatten(1)
        # gap / (1 + gap) is 1 − 1 / (1 + gap): the ones are the same everywhere.
        constant = likeness.judge.bias + judge.sum(1) + join.bias
        self._base = functional.conv2d(fine, join.weight[:, :QUARTER], constant)[0]
        weights = torch.cat([-judge, join.weight[:, QUARTER:].flatten(1)], 1)
        self._weights = functional.pad(weights, (0, -weights.shape[1] % 4))
        # Axes (place, channel, …): a cell of stride 4 becomes four places of stride 2.
        self._last = last.weight.flatten(2).permute(2, 1, 0).contiguous()
        placed = upscaling.join_half(half) + last.bias[:, None, None]
        cells = functional.pixel_unshuffle(placed, 2).view(-1, 4, _SIDE, _SIDE)
        self._half = cells.transpose(0, 1).contiguous()
        plain = fine.device.type != "cpu" or self._base.dtype != torch.float32
        self._compiled = None if plain else _find_compiled()

    def draw(
        self, pixels: Tensor, maps: Tensor, boxes: Tensor | None, weights: Tensor
    ) -> tuple[Tensor, Outline]:
        """Return logits, (P, K, 128, 128), and what is seen of them.

        Args:
            pixels: Image tokens after the transformer, (P, 256, 128).
            maps: The drawn prompts, (P, 5, 64, 64).
            boxes: What is looked at closely, (P, 4), or None.
            weights: Of K masks: for what is drawn here, the close-up and the maps, (P, K, 17).
        """
        planes = pixels.transpose(1, 2).reshape(len(pixels), WIDTH, GRID, GRID)
        fine = self._join(self._grow(planes), maps)
        near = self._look_closely(fine, maps, boxes)
        for step in self._refine:
            fine = fine.relu_() if isinstance(step, nn.ReLU) else step(fine)
        drawn, closely, planned = torch.split(
            weights, [weights.shape[2] - NEAR - MAPS, NEAR, MAPS], 2
        )
        if boxes is not None:
            drawn = torch.cat([drawn, closely], 2)
        low = (planned @ maps.flatten(2)).view(*weights.shape[:2], _SIDE, _SIDE)
        if self._compiled is None:
            logits = self._double(fine, near, drawn, low)
            return logits, outline(logits)
        arrays = (fine, self._half, self._last, near, drawn.contiguous(), low)
        found = self._compiled.draw(*(one.numpy() for one in arrays))
        logits, *seen = (torch.from_numpy(one) for one in found)
        return logits, Outline(*seen)

    def _look_closely(self, fine: Tensor, maps: Tensor, boxes: Tensor | None) -> Tensor:
        """Return what the close-up adds, (P, 4, 128, 128), or no channels without a box."""
        if boxes is None:
            return maps.new_zeros((len(maps), 0, 2 * _SIDE, 2 * _SIDE))
        quarter, half = (planes.expand(len(maps), -1, -1, -1) for planes in self._seen)
        near: Tensor = self._closeup((fine, quarter, maps, half), boxes)
        return near

    def _join(self, lifted: Tensor, maps: Tensor) -> Tensor:
        """Return what is to be refined, (P, 16, 64, 64), at least 0."""
        weights = torch.cat(self._likeness.weigh_places(maps), 1).flatten(2)
        total = weights.sum(2, keepdim=True) + 1e-6
        typical = (weights @ self._alike.flatten(1).t()) / total
        if self._compiled is not None:
            arrays = (lifted, maps, typical, self._alike, self._base, self._weights)
            return torch.from_numpy(self._compiled.join(*(one.numpy() for one in arrays)))
        gaps = (self._alike - typical[..., None, None]).square_().add_(1).reciprocal_()
        rows = torch.cat([gaps.flatten(1, 2), maps], 1).flatten(2)
        found = self._weights[:, : rows.shape[1]] @ rows
        return (found.view(lifted.shape) + lifted + self._base).relu_()

    def _double(self, fine: Tensor, near: Tensor, drawn: Tensor, low: Tensor) -> Tensor:
        detailed = (self._last @ fine.flatten(2)[:, None] + self._half.flatten(2)).relu_()
        placed = functional.pixel_unshuffle(near, 2).view(len(near), near.shape[1], 4, _SIDE**2)
        detailed = torch.cat([detailed, placed.transpose(1, 2)], 2)
        masks = (drawn[:, None] @ detailed).transpose(1, 2).reshape(len(fine), -1, _SIDE, _SIDE)
        smooth = functional.interpolate(low, scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.pixel_shuffle(masks, 2) + smooth


def _find_drawn(prompts: PromptBatch) -> slice:
    """Return the channels of `draw_prompt` that are not empty for prompts of this kind."""
    return slice(
        0 if prompts.boxes_xyxy is not None else 2,
        MAPS if prompts.mask_logits is not None else 4 if prompts.points_xy is not None else 2,
    )


@cache
def _find_compiled() -> ModuleType | None:
    try:
        from cosmos_board.models.tiny import compiled as tiny_compiled
    except ImportError:
        return None
    return tiny_compiled
