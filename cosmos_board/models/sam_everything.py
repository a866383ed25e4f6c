"""Everything mode: a grid of points, and what survives thresholds and suppression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops.boxes import batched_nms

from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.masks import Mask, Rle, encode_mask
from cosmos_board.models.native_masks import find_stable_masks
from cosmos_board.models.prompt_batch import PromptBatch
from cosmos_board.models.sam_decoder import (
    Attended,
    SamModules,
    Sight,
    attend,
    decode,
    judges_masks,
    mask_logits,
    predicted_iou,
)
from cosmos_board.models.sam_geometry import Frame

Draw: TypeAlias = Callable[[Tensor], Tensor]
"""Takes which candidates are wanted, bool (P, K), and returns their low-resolution logits in
that order, axes (n, y, x)."""


@dataclass(frozen=True, slots=True)
class EverythingSettings:
    """The thresholds of everything mode; the defaults are the protocol's."""

    points_per_side: int = 32
    predicted_iou: float = 0.88
    """A candidate is kept when its predicted IoU is greater; 0 keeps all."""

    stability: float = 0.95
    """A candidate is kept when its stability is at least this; 0 keeps all."""

    stability_offset: float = 1.0
    """Logits added to and taken from the mask threshold to measure stability."""

    nms_iou: float = 0.7
    """Of two boxes that overlap more, the one with the lower predicted IoU goes."""


@dataclass(frozen=True, slots=True)
class _Survivor:
    """A candidate that passed both thresholds."""

    rle: Rle
    box_xyxy: tuple[int, int, int, int]
    iou: float


def find_everything(
    sam: SamModules,
    features: Tensor,
    sight: Sight | None,
    frame: Frame,
    settings: EverythingSettings,
    *,
    mask_threshold: float,
    prompts_per_call: int,
) -> EverythingCandidates:
    """Return the masks that survive, best predicted IoU first.

    The surviving set is that of the official generator without crops. Candidates below the
    predicted-IoU threshold are dropped before any mask is made of them, unless the estimate is
    made of the mask.

    Args:
        sam: A model with SAM's prompt encoder and mask decoder.
        features: Of one image, axes (1, C, y, x).
        sight: What `look` made of them.
        frame: How that image lies in the model's input square.
        settings: Grid and thresholds.
        mask_threshold: A pixel belongs to a mask where its logit is greater.
        prompts_per_call: Grid points that share one decoder call.
    """

    def answer(batch: PromptBatch) -> tuple[Tensor, Draw]:
        if judges_masks(sam):
            every, estimate = decode(sam, features, batch, sight)
            return estimate, every.__getitem__
        attended = attend(sam, features, batch, sight)
        return predicted_iou(sam, attended), partial(_draw, sam, attended)

    return search_grid(
        answer,
        frame,
        settings,
        device=features.device,
        mask_threshold=mask_threshold,
        prompts_per_call=prompts_per_call,
    )


def search_grid(
    answer: Callable[[PromptBatch], tuple[Tensor, Draw]],
    frame: Frame,
    settings: EverythingSettings,
    *,
    device: torch.device,
    mask_threshold: float,
    prompts_per_call: int,
) -> EverythingCandidates:
    """Return what `find_everything` does, for a model of any make.

    Args:
        answer: Takes P single points and returns the predicted IoU of K candidates each,
            shape (P, K), and what draws those that are wanted.
        frame: How the image lies in the model's input square.
        settings: Grid and thresholds.
        device: Of the model.
        mask_threshold: A pixel belongs to a mask where its logit is greater.
        prompts_per_call: Grid points that share one call of `answer`.
    """
    found: list[_Survivor] = []
    for batch in _grid_batches(frame, settings.points_per_side, device, prompts_per_call):
        iou, draw = answer(batch)
        found += _keep_good(iou.float(), draw, frame, settings, mask_threshold)
    if not found:
        return EverythingCandidates((), ())
    boxes = torch.tensor([one.box_xyxy for one in found], dtype=torch.float32)
    scores = torch.tensor([one.iou for one in found])
    kept = batched_nms(boxes, scores, torch.zeros(len(found)), settings.nms_iou).tolist()
    return EverythingCandidates(
        tuple(found[index].rle for index in kept), tuple(found[index].iou for index in kept)
    )


def make_grid(points_per_side: int) -> NDArray[np.float64]:
    """Return the centres of an even grid over the unit square, (x, y), in row order.

    Example:
        >>> make_grid(2).tolist()
        [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    half = 1 / (2 * points_per_side)
    centres = np.linspace(half, 1 - half, points_per_side)
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)


def _grid_batches(
    frame: Frame, points_per_side: int, device: torch.device, size: int
) -> Iterator[PromptBatch]:
    native = make_grid(points_per_side) * [frame.width, frame.height]
    # Stays float64 up to the position encoding: the official generator's points do too.
    points = torch.as_tensor(frame.to_input(native), device=device)[:, None]
    for chunk in torch.split(points, size):
        count = len(chunk)
        yield PromptBatch(
            torch.zeros(count, dtype=torch.int64, device=device),
            points_xy=chunk,
            labels=torch.ones((count, 1), device=device),
        )


def _draw(sam: SamModules, attended: Attended, wanted: Tensor) -> Tensor:
    prompts = wanted.any(dim=1).nonzero().flatten()
    chosen = replace(attended, tokens=attended.tokens[prompts], pixels=attended.pixels[prompts])
    return mask_logits(sam, chosen)[wanted[prompts]]


def _keep_good(
    iou: Tensor, draw: Draw, frame: Frame, settings: EverythingSettings, mask_threshold: float
) -> list[_Survivor]:
    wanted = iou > (settings.predicted_iou if settings.predicted_iou > 0 else -torch.inf)
    if not wanted.any():
        return []
    low = draw(wanted)
    masks, kept = find_stable_masks(
        frame, low, mask_threshold, settings.stability_offset, settings.stability
    )
    scores = iou[wanted].cpu().numpy()[kept]
    return [
        _Survivor(encode_mask(mask), _find_box(mask), float(score))
        for mask, score in zip(masks, scores, strict=True)
    ]


def _find_box(mask: Mask) -> tuple[int, int, int, int]:
    """Return [min x, min y, max x, max y]; zeros for an empty mask."""
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    if not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
