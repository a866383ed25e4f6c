"""Calibration of the predicted IoU of `cosmos-tiny`, on phantoms as they are published.

Training images are harder than what the model is asked about later, so its estimates are too low
afterwards. They are corrected by least squares on phantoms that no board holds.
"""

from __future__ import annotations

import numpy as np
import torch
from segment_anything.modeling import Sam
from torch import Tensor
from torch.nn import functional

from cosmos_board.models.sam.decoder import decode
from cosmos_board.phantoms.controlled import phantom_pack_images
from cosmos_board.prompts import freeze_prompts
from cosmos_board.training.losses import true_iou
from cosmos_board.training.tiny.batches import (
    AMBIGUOUS,
    Batch,
    Task,
    group_prompts,
    image_tensor,
    reference_tensor,
)

_SEED = 99
_KINDS = {"point": 0, "points-5": 1, "points-5-5": 1, "box": 1, "box-point": 1}
"""Row of the calibration of each prompt."""


@torch.no_grad()
def fit_calibration(sam: Sam, images: int = 48) -> Tensor:
    """Return slope and offset from predicted to true IoU, float32, shape (2, 2).

    The first row is for a single point, the second for all other prompts; protocol prompts, all
    three candidates of an uncalibrated `cosmos-tiny` on the CPU, on so many phantoms.
    """
    sam.eval()
    pairs: tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]] = ([], [])
    for image in phantom_pack_images(images, seed=_SEED, side=sam.image_encoder.img_size):
        rgb = np.repeat(image.pixels[..., None], 3, 2) if image.pixels.ndim == 2 else image.pixels
        tasks = [
            (row, Task(0, reference, freeze_prompts(reference)[kind], kind in AMBIGUOUS))
            for _, reference in image.references
            for kind, row in _KINDS.items()
        ]
        batch = Batch(rgb[None], (rgb.shape[:2],), tuple(task for _, task in tasks))
        features = sam.image_encoder(image_tensor(batch, sam.pixel_mean, sam.pixel_std))
        for row, task in tasks:
            pairs[row].append(_compare(sam, features, task))
    return torch.tensor([_fit_line(row) for row in pairs])


def _compare(sam: Sam, features: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    """Return predicted and true IoU of the three candidates, each of shape (3,)."""
    [(_, prompts)] = group_prompts([task], features.device)
    logits, predicted = decode(sam, features, prompts)
    reference = reference_tensor([task], features.device)
    truth = true_iou(logits, functional.interpolate(reference, logits.shape[-2:], mode="area"))
    return predicted[0], truth[0]


def _fit_line(pairs: list[tuple[Tensor, Tensor]]) -> list[float]:
    predicted, truth = (torch.cat(parts).double().numpy() for parts in zip(*pairs, strict=True))
    slope, offset = np.polyfit(predicted, truth, 1)
    return [float(slope), float(offset)]
