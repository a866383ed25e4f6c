"""How far the predicted IoU of `cosmos-tiny` is from the truth, on phantoms as they are published.

Its lessons are made harder than what it is asked about later, so that it learns; its estimates of
itself are then too low. They are brought back by least squares on phantoms that no board holds.
"""

from __future__ import annotations

import numpy as np
import torch
from segment_anything.modeling import Sam
from torch import Tensor
from torch.nn import functional

from cosmos_board.core.masks import Mask
from cosmos_board.models.sam.decoder import decode
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.phantoms import phantom_pack_images
from cosmos_board.prompts import freeze_prompts
from cosmos_board.training.losses import true_iou

_SEED = 99
_KINDS = {"point": 0, "points-5": 1, "points-5-5": 1, "box": 1, "box-point": 1}
"""Row of the calibration that each prompt belongs to."""


@torch.no_grad()
def fit_calibration(sam: Sam, images: int = 48) -> Tensor:
    """Return slope and offset from predicted to true IoU, float32, shape (2, 2).

    The first row is for a single point, the second for all other prompts; protocol prompts, all
    three candidates.

    Args:
        sam: An uncalibrated `cosmos-tiny` on the CPU.
        images: How many phantoms to ask about.
    """
    sam.eval()
    pairs: tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]] = ([], [])
    for image in phantom_pack_images(images, seed=_SEED, side=sam.image_encoder.img_size):
        rgb = np.repeat(image.pixels[..., None], 3, 2) if image.pixels.ndim == 2 else image.pixels
        planes = torch.as_tensor(rgb.copy()).permute(2, 0, 1)[None]
        features = sam.image_encoder((planes - sam.pixel_mean) / sam.pixel_std)
        for _, reference in image.references:
            for kind, row in _KINDS.items():
                pairs[row].append(_compare(sam, features, reference, kind))
    return torch.tensor([_fit_line(found) for found in pairs])


def _compare(sam: Sam, features: Tensor, reference: Mask, kind: str) -> tuple[Tensor, Tensor]:
    prompt = freeze_prompts(reference)[kind]
    points = torch.as_tensor(prompt.points_xy.astype(np.float32))[None]
    box = prompt.box_xyxy
    batch = PromptBatch(
        torch.zeros(1, dtype=torch.int64),
        points if len(prompt.labels) else None,
        torch.as_tensor(prompt.labels)[None] if len(prompt.labels) else None,
        None if box is None else torch.tensor([box], dtype=torch.float32),
    )
    logits, predicted = decode(sam, features, batch)
    whole = torch.as_tensor(reference.astype(np.float32))[None, None]
    truth = true_iou(logits, functional.interpolate(whole, logits.shape[-2:], mode="area"))
    return predicted[0], truth[0]


def _fit_line(pairs: list[tuple[Tensor, Tensor]]) -> list[float]:
    predicted, truth = (torch.cat(parts).double().numpy() for parts in zip(*pairs, strict=True))
    slope, offset = np.polyfit(predicted, truth, 1)
    return [float(slope), float(offset)]
