"""MedSAM (Ma et al. 2024): SAM ViT-B fine-tuned on medical images, with other processing.

It differs from SAM in everything around the network: images are squashed to a square by cubic
interpolation and scaled to [0, 1] one by one, the single-mask token answers, and probabilities,
not logits, are resized in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.transform import resize
from torch import Tensor, nn
from torch.nn import functional

from cosmos_board.accelerators.transfers import upload
from cosmos_board.core.candidates import Candidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.cards import CARDS
from cosmos_board.models.devices import CPU, Device, prepare_device
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.load import build_official
from cosmos_board.models.sam.segmenter import Preprocessing, SamSegmenter
from cosmos_board.models.segmenter import Embedding
from cosmos_board.models.weights.checkpoints import find_checkpoint
from cosmos_board.models.weights.tuned_weights import describe_tuned

_PROBABILITY = 0.5


class MedSam(SamSegmenter):
    """Answers boxes with one candidate each."""

    mask_tokens = (0,)

    def __init__(self, sam: nn.Module, *, card: ModelCard, device: Device = CPU) -> None:
        super().__init__(sam, card=card, device=device, preprocessing=Preprocessing(fit="squash"))

    def to_input(self, pixels: Pixels) -> tuple[Frame, Tensor]:
        """Return how an image lies in the input square, and what the encoder takes of it."""
        frame = self._frame(*pixels.shape[:2])
        rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        squashed = resize(rgb, frame.content, order=3, preserve_range=True, anti_aliasing=True)
        levels = squashed.astype(np.uint8).astype(np.float64)
        spread = max(float(np.ptp(levels)), 1e-8)
        unit = ((levels - levels.min()) / spread).astype(np.float32)
        return frame, upload(unit, self._device).permute(2, 0, 1)[None]

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return one candidate per box, in order; there is no mask input."""
        return super().predict(embedding, prompts)

    def draw_masks(self, frame: Frame, low: Tensor) -> Tensor:
        """Return where the resized probability exceeds a half."""
        probability = functional.interpolate(
            torch.sigmoid(low.float()),
            (frame.height, frame.width),
            mode="bilinear",
            align_corners=False,
        )
        return probability > _PROBABILITY


def load(*, checkpoint: Path | None, device: str) -> MedSam:
    """Return MedSAM from a file of weights that names tensors as `segment-anything` does."""
    chosen = prepare_device(device)
    path = checkpoint or find_checkpoint("medsam")
    return MedSam(
        build_official("vit_b", path, "medsam"),
        card=describe_tuned(CARDS["medsam"], checkpoint),
        device=chosen,
    )
