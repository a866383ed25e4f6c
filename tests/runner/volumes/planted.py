"""Models of known behaviour on volumes with a bright block, loaded as a user's own file is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.segmenter import Embedding, SlicePrediction

BRIGHT = 128


class Planted:
    """Takes volumes and no images; draws the block."""

    name = "perfect"
    volume_prompts: tuple[str, ...] = ("slice-mask",)
    prompts: tuple[str, ...] = ()

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name=self.name, label=self.name, family="planted", kind="promptable",
            prompts=self.prompts, training_data=(),
        )  # fmt: skip

    def embed(self, pixels: Pixels) -> Embedding:
        return Embedding(pixels.shape[0], pixels.shape[1], pixels)

    def predict(
        self, embedding: Embedding, prompts: Sequence[Prompt], logits: object = None
    ) -> list[Candidates]:
        raise NotImplementedError

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        raise NotImplementedError

    def open_volume(self, voxels: NDArray[np.uint8], spacing_mm: SpacingMm) -> object:
        time.sleep(float(os.environ.get("PLANTED_PAUSE_S", "0")))
        return voxels > BRIGHT

    def predict_volume(self, volume: object, prompts: Sequence[SlicePrompt]) -> VolumeMask:
        assert isinstance(volume, np.ndarray)
        [part] = prompts
        assert part.mask is not None
        return self.spread(volume, part.slice_index, part.mask.decode())

    def spread(self, block: VolumeMask, middle: int, given: NDArray[np.bool_]) -> VolumeMask:
        return block.copy()


class StopsAtOnce(Planted):
    """Draws what it is given, and nothing else."""

    name = "stops-at-once"

    def spread(self, block: VolumeMask, middle: int, given: NDArray[np.bool_]) -> VolumeMask:
        drawn = np.zeros_like(block)
        drawn[middle] = given
        return drawn


class NeverStops(Planted):
    """Draws what it is given on every slice of the volume."""

    name = "never-stops"

    def spread(self, block: VolumeMask, middle: int, given: NDArray[np.bool_]) -> VolumeMask:
        return np.repeat(given[None], len(block), axis=0)


class Drifts(Planted):
    """Moves by one pixel along the columns with each slice; knows where the block ends."""

    name = "drifts"

    def spread(self, block: VolumeMask, middle: int, given: NDArray[np.bool_]) -> VolumeMask:
        drawn = np.zeros_like(block)
        for index in np.flatnonzero(block.any(axis=(1, 2))):
            drawn[index] = np.roll(given, abs(int(index) - middle), axis=1)
        return drawn


class Remembers(Planted):
    """Goes from slice to slice, and draws the block."""

    name = "remembers"

    def propagate(
        self, volume: object, prompts: Sequence[SlicePrompt]
    ) -> Iterator[SlicePrediction]:
        assert isinstance(volume, np.ndarray)
        start = prompts[0].slice_index
        for index in (*range(start, len(volume)), *range(start - 1, -1, -1)):
            yield SlicePrediction(index, volume[index])


class Breaks(Planted):
    """Answers with half of the volume."""

    name = "breaks"

    def spread(self, block: VolumeMask, middle: int, given: NDArray[np.bool_]) -> VolumeMask:
        return block[::2]


class BrightInBox(Planted):
    """An image model: draws the bright pixels in the box, or all of them without one."""

    name = "bright-in-box"
    volume_prompts = ()
    prompts = ("point", "box")

    def predict(
        self, embedding: Embedding, prompts: Sequence[Prompt], logits: object = None
    ) -> list[Candidates]:
        assert isinstance(embedding.payload, np.ndarray)
        answers = []
        for prompt in prompts:
            mask = np.zeros((embedding.height, embedding.width), np.bool_)
            left, top, right, bottom = prompt.box_xyxy or (0, 0, mask.shape[1], mask.shape[0])
            inside = (slice(top, bottom + 1), slice(left, right + 1))
            mask[inside] = self.look(embedding.payload)[inside]
            answers.append(Candidates(mask[None], np.ones(1, np.float32)))
        return answers

    def look(self, pixels: Pixels) -> NDArray[np.bool_]:
        return pixels > BRIGHT


class FillsBox(BrightInBox):
    """Draws all of the box, whatever there is."""

    name = "fills-box"

    def look(self, pixels: Pixels) -> NDArray[np.bool_]:
        return np.ones(pixels.shape, np.bool_)
