"""One image of a fine-tuning: made ready once, asked about again and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.sam.decoder import decode
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.losses import multimask_loss
from cosmos_board.training.sampling import draw_prompt

_LOSS_SIDE = 256
"""Least side of the grid that the loss is taken on: low-resolution logits of a small model are
brought to it first, so that what learns is the mask that is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImage:
    """An image as it lies in the input square, and what is to be found in it."""

    frame: Frame
    inputs: Tensor | None
    """What the encoder takes, (1, 3, y, x), where it learns too."""

    features: Tensor | None
    """Its answer where it does not, kept in the machine's own memory."""

    references: tuple[Mask, ...]


def prepare_image(segmenter: SamSegmenter, image: TuningImage, *, cached: bool) -> PreparedImage:
    """Return the image made ready; `cached` where the encoder stays and runs this once."""
    frame, inputs = segmenter.to_input(image.pixels)
    references = tuple(mask for _, mask in image.references)
    if not cached:
        return PreparedImage(frame, inputs.cpu(), None, references)
    with torch.no_grad(), segmenter.autocast():
        features = segmenter.parts.image_encoder(inputs)
    return PreparedImage(frame, None, features.cpu(), references)


def tuning_loss(
    segmenter: SamSegmenter,
    image: PreparedImage,
    references: list[Mask],
    kind: str,
    rng: np.random.Generator,
) -> Tensor:
    """Return the mean loss over `references` of an image, asked for with prompts of one kind.

    Args:
        segmenter: Whose mask heads are those that answer at evaluation.
        image: Where the references are.
        references: Masks, bool, axes (Y, X), of the image's own size.
        kind: Name of a prompt.
        rng: Source of the deviations of prompts.
    """
    sam = segmenter.parts
    features = _encode(segmenter, image)
    losses = []
    for group in _by_length(
        [(segmenter.to_own(draw_prompt(mask, kind, rng)), mask) for mask in references]
    ):
        batch = _to_batch(image.frame, [prompt for prompt, _ in group], features.device)
        with segmenter.autocast():
            answer = decode(sam, features, batch, mask_tokens=segmenter.mask_tokens)
        logits, predicted = (one.float() for one in answer)
        if logits.shape[-1] < _LOSS_SIDE:
            logits = functional.interpolate(logits, (_LOSS_SIDE, _LOSS_SIDE), mode="bilinear")
        reference = to_grid(image.frame, [mask for _, mask in group], logits)
        ambiguous = torch.full((len(group),), kind == "point", device=logits.device)
        losses.append(multimask_loss(logits, predicted, reference, ambiguous, entropy_weight=1.0))
    return torch.cat(losses).mean()


def _encode(segmenter: SamSegmenter, image: PreparedImage) -> Tensor:
    """Return the image embedding on the model's device; a gradient flows where it was not kept."""
    if image.features is not None:
        return image.features.to(segmenter.device)
    assert image.inputs is not None, "one of the two is kept"
    with segmenter.autocast():
        embedding: Tensor = segmenter.parts.image_encoder(image.inputs.to(segmenter.device))
    return embedding


def _by_length(pairs: list[tuple[Prompt, Mask]]) -> list[list[tuple[Prompt, Mask]]]:
    groups: dict[int, list[tuple[Prompt, Mask]]] = {}
    for pair in pairs:
        groups.setdefault(len(pair[0].labels), []).append(pair)
    return [groups[length] for length in sorted(groups)]


def _to_batch(frame: Frame, prompts: list[Prompt], device: torch.device) -> PromptBatch:
    def tensor(array: NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(array.astype(np.float32), device=device)

    points = labels = boxes = None
    if len(prompts[0].labels):
        points = tensor(frame.to_input(np.stack([prompt.points_xy for prompt in prompts])))
        labels = tensor(np.stack([prompt.labels for prompt in prompts]))
    if prompts[0].box_xyxy is not None:
        corners = np.array([prompt.box_xyxy for prompt in prompts]).reshape(-1, 2, 2)
        boxes = tensor(frame.to_input(corners)).reshape(-1, 4)
    index = torch.zeros(len(prompts), dtype=torch.int64, device=device)
    return PromptBatch(index, points, labels, boxes)


def to_grid(frame: Frame, references: list[Mask], logits: Tensor) -> Tensor:
    """Return references in the grid of `logits`, (P, 1, y, x), in [0, 1]."""
    masks = torch.as_tensor(np.stack(references)[:, None], dtype=torch.float32)
    (height, width), (top, left) = frame.content, frame.corner
    content = functional.interpolate(masks, (height, width), mode="area")
    right, below = frame.input_size_px - width - left, frame.input_size_px - height - top
    square = functional.pad(content, (left, right, top, below))
    return functional.interpolate(square, logits.shape[-2:], mode="area").to(logits.device)
