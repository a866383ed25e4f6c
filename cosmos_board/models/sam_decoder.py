"""SAM's prompt encoder and mask decoder for many prompts of many images in one call.

The official decoder repeats one image's embedding for every prompt; here each prompt names
its image. Nothing is padded: prompts of one call have the same number of tokens, because a
padding token would take part in attention and change the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


class SamModules(Protocol):
    """The three parts of a model of the SAM family, as `segment_anything` names them."""

    # Any: torch types a submodule as "Tensor or Module", which cannot be called.
    image_encoder: Any
    prompt_encoder: Any
    mask_decoder: Any


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """Prompts with equally many tokens, in the pixels (x, y) of the model's input square."""

    image_index: Tensor
    """Which row of the features each prompt belongs to, int64, shape (P,)."""

    points_xy: Tensor | None = None
    """Float, shape (P, n, 2)."""

    labels: Tensor | None = None
    """1 inside the object, 0 outside; shape (P, n)."""

    boxes_xyxy: Tensor | None = None
    """Float, shape (P, 4)."""

    mask_logits: Tensor | None = None
    """Low-resolution logits of an earlier answer, float, axes (P, 1, y, x)."""

    def __len__(self) -> int:
        return len(self.image_index)


@dataclass(frozen=True, slots=True, eq=False)
class Attended:
    """What the transformer makes of prompts and images; masks and estimates come out of it."""

    tokens: Tensor
    """Shape (P, tokens, C): the IoU token, four mask tokens, then the prompt's own."""

    pixels: Tensor
    """Axes (P, C, y, x)."""


def decode(sam: SamModules, features: Tensor, prompts: PromptBatch) -> tuple[Tensor, Tensor]:
    """Return the three multimask candidates of each prompt.

    Differentiable; equal to the official decoder with `multimask_output=True` run per image.

    Args:
        sam: A model with SAM's prompt encoder and mask decoder.
        features: What its image encoder gave, axes (images, C, y, x).
        prompts: P prompts.

    Returns:
        Low-resolution logits, axes (P, 3, 4 y, 4 x), and predicted IoU, shape (P, 3).
    """
    attended = attend(sam, features, prompts)
    return mask_logits(sam, attended), predicted_iou(sam, attended)


def attend(sam: SamModules, features: Tensor, prompts: PromptBatch) -> Attended:
    """Return tokens and image after the two-way transformer."""
    decoder, encoder = sam.mask_decoder, sam.prompt_encoder
    points = None if prompts.points_xy is None else (prompts.points_xy, prompts.labels)
    sparse, dense = encoder(points=points, boxes=prompts.boxes_xyxy, masks=prompts.mask_logits)
    count, channels = len(prompts), features.shape[1]
    outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([outputs.expand(count, -1, -1), sparse], dim=1)
    # One image, and a dense embedding that is one row seen P times: what does not depend on
    # the prompt is then computed once.
    shared = features.shape[0] == 1 and dense.stride(0) == 0
    source = features + dense[:1] if shared else features[prompts.image_index] + dense
    attended, pixels = decoder.transformer(source, encoder.get_dense_pe(), tokens)
    height, width = features.shape[-2:]
    pixels = pixels.transpose(1, 2).reshape(count, channels, height, width)
    return Attended(attended, pixels)


def predicted_iou(sam: SamModules, attended: Attended) -> Tensor:
    """Return the decoder's estimate of the IoU of each candidate, shape (P, 3)."""
    estimate: Tensor = sam.mask_decoder.iou_prediction_head(attended.tokens[:, 0])
    return estimate[:, 1:]


def mask_logits(sam: SamModules, attended: Attended) -> Tensor:
    """Return the low-resolution logits of each candidate, axes (P, 3, 4 y, 4 x)."""
    decoder = sam.mask_decoder
    upscaled: Tensor = decoder.output_upscaling(attended.pixels)
    count, channels, height, width = upscaled.shape
    weights = torch.stack(
        [
            decoder.output_hypernetworks_mlps[token](attended.tokens[:, 1 + token])
            for token in range(1, decoder.num_mask_tokens)
        ],
        dim=1,
    )
    flat: Tensor = weights @ upscaled.view(count, channels, height * width)
    return flat.view(count, -1, height, width)
