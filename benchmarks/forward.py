"""A model's own arithmetic on the inputs of an evaluation: embedding and decoding, nothing else.

Inputs are tensors before the clock starts, and outputs stay where the model leaves them: no image
is resized, no mask drawn, scored or written.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cosmos_board.core.prompts import PROMPTS, Prompt
from cosmos_board.data.pack import PackItem
from cosmos_board.models.sam.decoder import (
    FoldedSam,
    attend,
    decode,
    fold,
    has_own_decoder,
    mask_logits,
    precompute,
    predicted_iou,
)
from cosmos_board.models.sam.everything_grid import EverythingSettings, make_grid
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.segmenter import SamSegmenter

MODES = tuple(name for name in PROMPTS if name != "everything")
POINTS_PER_CALL = 16
"""Grid points that the segmenter puts at once on a CPU."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """One image and its prompts as the model takes them."""

    image: Tensor
    prompts: list[PromptBatch]
    grid: list[PromptBatch]


def make_ready(segmenter: SamSegmenter, items: Sequence[PackItem]) -> list[Ready]:
    """Return the inputs of the five prompted modes and of everything mode."""
    images = []
    for item in items:
        frame, image = segmenter.to_input(item.image.pixels)
        prompts = [
            _to_batch(frame, item.prompts[reference.reference_id][name])
            for reference in item.references
            for name in MODES
        ]
        images.append(Ready(image, prompts, _make_grid(frame)))
    return images


def time_forward(segmenter: SamSegmenter, ready: Sequence[Ready], *, everything: bool) -> float:
    """Return the seconds of one forward over all inputs, in the batches of the segmenter."""
    sam = fold(segmenter.parts)
    start = time.perf_counter()
    with torch.inference_mode():
        for item in ready:
            features = sam.image_encoder(item.image)
            cache = precompute(sam, features)
            if everything:
                _decode_grid(sam, features, item)
            else:
                for batch in item.prompts:
                    decode(sam, features, batch, cache)
    return time.perf_counter() - start


def _decode_grid(sam: FoldedSam, features: Tensor, item: Ready) -> None:
    """Decode what an evaluation has to: masks only where a predicted IoU passes.

    A model that estimates IoU from its masks has to draw them all.
    """
    cache, least = precompute(sam, features), EverythingSettings().predicted_iou
    for batch in item.grid:
        if has_own_decoder(sam):
            decode(sam, features, batch, cache)
            continue
        attended = attend(sam, features, batch, cache)
        chosen = (predicted_iou(sam, attended) > least).any(dim=1).nonzero().flatten()
        if len(chosen):
            mask_logits(
                sam,
                replace(attended, tokens=attended.tokens[chosen], pixels=attended.pixels[chosen]),
            )


def _to_batch(frame: Frame, prompt: Prompt) -> PromptBatch:
    points = labels = box = None
    if len(prompt.labels):
        points = torch.from_numpy(frame.to_input(prompt.points_xy[None]).astype(np.float32))
        labels = torch.from_numpy(prompt.labels[None].astype(np.float32))
    if prompt.box_xyxy is not None:
        corners = frame.to_input(np.array(prompt.box_xyxy).reshape(1, 2, 2))
        box = torch.from_numpy(corners.astype(np.float32)).reshape(1, 4)
    return PromptBatch(torch.zeros(1, dtype=torch.int64), points, labels, box)


def _make_grid(frame: Frame) -> list[PromptBatch]:
    native = make_grid(EverythingSettings().points_per_side) * [frame.width, frame.height]
    points = torch.from_numpy(frame.to_input(native))[:, None]
    return [
        PromptBatch(torch.zeros(len(chunk), dtype=torch.int64), chunk, torch.ones(len(chunk), 1))
        for chunk in torch.split(points, POINTS_PER_CALL)
    ]
