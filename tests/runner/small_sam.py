"""A small SAM as a user's own file has it, that leaves a line for every image it looks at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cosmos_board.core.masks import Pixels
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.segmenter import Embedding
from tests.models.tiny_sam import CARD, build_small_sam


class SmallSam(SamSegmenter):
    """An official SAM of random weights."""

    def __init__(self) -> None:
        super().__init__(build_small_sam(), card=CARD)

    def embed_many(self, images: Sequence[Pixels]) -> list[Embedding]:
        with Path(os.environ["LOOKS"]).open("a") as file:
            file.write("looked\n" * len(images))
        return super().embed_many(images)
