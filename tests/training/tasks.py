"""Small tasks for tests of fine-tuning: phantoms of one kind, and a tiny SAM without weights."""

from __future__ import annotations

from functools import cache

import torch

from cosmos_board.models.cards import CARDS
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.tiny.model import PREPROCESSING, build_tiny
from cosmos_board.phantoms.controlled import PhantomSpec, phantom_pack_images
from cosmos_board.training.finetune.data import TuningImage

SQUARES = (PhantomSpec(object="organ", size_px=900, contrast=70, roughness=0.3, harmonics=6),)


@cache
def draw_task(images: int = 4) -> tuple[TuningImage, ...]:
    """Return images of one bright ragged object each, a cluster each."""
    return tuple(
        TuningImage(image.cluster, "synthetic", image.pixels, image.references)
        for image in phantom_pack_images(images, side=96, specs=SQUARES)
    )


def untrained() -> SamSegmenter:
    """Return `cosmos-tiny` before it learnt anything, the same each time."""
    torch.manual_seed(0)
    card = CARDS["cosmos-tiny"]
    return SamSegmenter(build_tiny(), card=card, preprocessing=PREPROCESSING)
