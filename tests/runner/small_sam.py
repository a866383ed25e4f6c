"""A small SAM as a user's own file has it, that leaves a line for every image it looks at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cosmos_board.core.masks import Pixels
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.segmenter import Embedding
from tests.models.tiny_sam import CARD, build_small_sam


class SmallSam(SamSegmenter):
    """An official SAM of random weights."""

    def __init__(self, device: str = "cpu") -> None:
        everything = EverythingSettings(points_per_side=4, predicted_iou=0, stability=0.5)
        super().__init__(
            build_small_sam(), card=CARD, device=prepare_device(device), everything=everything
        )

    def embed_many(self, images: Sequence[Pixels]) -> list[Embedding]:
        if log := os.environ.get("LOOKS"):
            with Path(log).open("a") as file:
                file.write("looked\n" * len(images))
        return super().embed_many(images)
