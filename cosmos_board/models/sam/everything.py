"""Everything mode of models in torch: predicts the points of the grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import EverythingCandidates
from cosmos_board.core.masks import Mask
from cosmos_board.models.sam.decoder import (
    Cache,
    SamModules,
    TransformerOutput,
    attend,
    decode,
    has_own_decoder,
    mask_logits,
    predicted_iou,
)
from cosmos_board.models.sam.everything_grid import Draw, EverythingSettings, search_grid
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.native_masks import find_stable_masks
from cosmos_board.models.sam.prompt_batch import PromptBatch

LowLogits: TypeAlias = Callable[[Mask], Tensor]
"""Takes which candidates are wanted, bool (P, K), and returns their low-resolution logits in
that order, axes (n, y, x)."""


def find_everything(
    sam: SamModules,
    features: Tensor,
    cache: Cache | None,
    frame: Frame,
    settings: EverythingSettings,
    *,
    prompts_per_call: int,
) -> EverythingCandidates:
    """Return the masks that survive, best predicted IoU first.

    SAM's decoder makes no mask of a candidate below the predicted-IoU threshold; one of another
    make may need the mask for the estimate. `features` are of one image, axes (1, C, y, x), and
    `cache` is what `precompute` made of them.
    """

    def answer(batch: PromptBatch) -> tuple[Tensor, LowLogits]:
        if has_own_decoder(sam):
            every, estimate = decode(sam, features, batch, cache)
            return estimate, partial(take_wanted, every)
        attended = attend(sam, features, batch, cache)
        return predicted_iou(sam, attended), partial(_decode_wanted, sam, attended)

    return search_by_logits(
        answer, frame, settings, device=features.device, prompts_per_call=prompts_per_call
    )


def search_by_logits(
    answer: Callable[[PromptBatch], tuple[Tensor, LowLogits]],
    frame: Frame,
    settings: EverythingSettings,
    *,
    device: torch.device,
    prompts_per_call: int,
) -> EverythingCandidates:
    """Return what `find_everything` does, for a model of any make.

    `answer` takes P single points and returns the predicted IoU of K candidates each, shape
    (P, K), and the logits of those that are wanted; `prompts_per_call` points share one call.
    """

    def ask(points_xy: NDArray[np.float64]) -> tuple[NDArray[np.float32], Draw]:
        batch = PromptBatch(
            torch.zeros(len(points_xy), dtype=torch.int64, device=device),
            # Stays float64 up to the position encoding: the official generator's points do too.
            points_xy=upload(points_xy[:, None], device),
            labels=torch.ones((len(points_xy), 1), device=device),
        )
        iou, low_logits = answer(batch)

        def draw(wanted: Mask) -> tuple[list[Mask], Mask]:
            return find_stable_masks(frame, low_logits(wanted), settings)

        return iou.float().cpu().numpy(), draw

    return search_grid(ask, frame, settings, prompts_per_call=prompts_per_call)


def take_wanted(every: Tensor, wanted: Mask) -> Tensor:
    """Return some of the candidates (P, K, y, x), by `wanted`, bool (P, K); axes (n, y, x)."""
    # The host knows which they are: to index by bools it would wait for the device to count them.
    return every.flatten(0, 1)[upload(np.flatnonzero(wanted), every.device)]


def _decode_wanted(sam: SamModules, attended: TransformerOutput, wanted: Mask) -> Tensor:
    rows = np.flatnonzero(wanted.any(axis=1))
    prompts = upload(rows, attended.tokens.device)
    chosen = replace(attended, tokens=attended.tokens[prompts], pixels=attended.pixels[prompts])
    return take_wanted(mask_logits(sam, chosen), wanted[rows])
