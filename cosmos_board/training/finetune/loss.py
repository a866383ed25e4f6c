"""One training image in the model's input square, and the loss of prompts on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cosmos_board.core.masks import Mask
from cosmos_board.models.sam.decoder import decode
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.prompt_batch import group_by_tokens, to_batch
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.losses import multimask_loss
from cosmos_board.training.sampling import draw_prompt

_LOSS_SIDE = 256
"""Least side of the grid of the loss. The low-resolution logits of a small model are upsampled to
it first, so that the loss is about masks as they are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImage:
    """An image in the input square of a model, and its references."""

    frame: Frame
    inputs: Tensor | None
    """Input of the image encoder, (1, 3, y, x), where the encoder is trained too."""

    features: Tensor | None
    """Output of the frozen encoder otherwise, in the host's memory."""

    references: tuple[Mask, ...]
    """bool, axes (Y, X), native size."""


def prepare_image(segmenter: SamSegmenter, image: TuningImage, *, frozen: bool) -> PreparedImage:
    """Return the image ready for training; a `frozen` encoder runs here, once."""
    frame, inputs = segmenter.to_input(image.pixels)
    references = tuple(mask for _, mask in image.references)
    if not frozen:
        return PreparedImage(frame, inputs.cpu(), None, references)
    with torch.no_grad(), segmenter.autocast():
        features = segmenter.parts.image_encoder(inputs)
    return PreparedImage(frame, None, features.cpu(), references)


def tuning_loss(
    segmenter: SamSegmenter,
    image: PreparedImage,
    references: Sequence[Mask],
    kind: str,
    rng: np.random.Generator,
) -> Tensor:
    """Return the mean loss over `references` of an image, prompted with one kind of prompt.

    The segmenter's mask heads are those that answer at evaluation; references are bool, axes
    (Y, X), of the image's own size.
    """
    features = _encode(segmenter, image)
    prompts = [segmenter.to_own(draw_prompt(mask, kind, rng)) for mask in references]
    losses = []
    for group in group_by_tokens(prompts, None, len(prompts)):
        batch = to_batch(image.frame, group, features.device)
        with segmenter.autocast():
            answer = decode(segmenter.parts, features, batch, mask_tokens=segmenter.mask_tokens)
        logits, predicted_iou = (tensor.float() for tensor in answer)
        if logits.shape[-1] < _LOSS_SIDE:
            logits = functional.interpolate(logits, (_LOSS_SIDE, _LOSS_SIDE), mode="bilinear")
        grid = to_grid(image.frame, [references[item.position] for item in group], logits)
        ambiguous = torch.full((len(group),), kind == "point", device=logits.device)
        losses.append(multimask_loss(logits, predicted_iou, grid, ambiguous))
    return torch.cat(losses).mean()


def _encode(segmenter: SamSegmenter, image: PreparedImage) -> Tensor:
    """Return the image embedding on the model's device, with a gradient to a trained encoder."""
    if image.features is not None:
        return image.features.to(segmenter.device)
    assert image.inputs is not None, "an image has either inputs or features"
    with segmenter.autocast():
        embedding: Tensor = segmenter.parts.image_encoder(image.inputs.to(segmenter.device))
    return embedding


def to_grid(frame: Frame, references: list[Mask], logits: Tensor) -> Tensor:
    """Return references in the grid of `logits`, (P, 1, y, x), in [0, 1]."""
    masks = torch.as_tensor(np.stack(references)[:, None], dtype=torch.float32)
    (height, width), (top, left) = frame.content, frame.corner
    content = functional.interpolate(masks, (height, width), mode="area")
    right, below = frame.input_size_px - width - left, frame.input_size_px - height - top
    square = functional.pad(content, (left, right, top, below))
    return functional.interpolate(square, logits.shape[-2:], mode="area").to(logits.device)
