"""Programs behind `exec:`, most with the worker kit: `workers.py NAME …`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.models.external.worker_kit import Prompt, serve

ROOT = Path(__file__).parents[3]


class Boxes:
    """Answers a box with itself."""

    def __init__(self, device: str) -> None:
        self.card = {"name": type(self).__name__.lower(), "kind": "baseline", "prompts": ["box"]}

    def open_image(self, pixels: NDArray[np.uint8]) -> None:
        """Keep the size."""
        self.size = list(pixels.shape[:2])

    def predict(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Return one mask a prompt."""
        return [(self.draw(prompt)[None], [0.5]) for prompt in prompts]

    def draw(self, prompt: Prompt) -> NDArray[np.bool_]:
        """Return the box as a mask."""
        assert prompt.box_xyxy is not None
        left, top, right, bottom = prompt.box_xyxy
        mask = np.zeros(self.size, bool)
        mask[top : bottom + 1, left : right + 1] = True
        return mask


class Failing(Boxes):
    """Cannot be made."""

    def __init__(self, device: str) -> None:
        raise OSError("no weights\nsecond line")


class Noting(Boxes):
    """Writes down its process."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        Path(sys.argv[2]).write_text(str(os.getpid()))


class Raising(Boxes):
    """Raises at every prompt what it is told."""

    def draw(self, prompt: Prompt) -> NDArray[np.bool_]:
        """Raise."""
        raise ValueError(sys.argv[2] + "\nsecond line")


class Small(Boxes):
    """Has memory for one prompt at a time, and prints what it does."""

    def predict(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Raise where there are several."""
        print("predicting", len(prompts))  # noqa: T201 (what models do)
        if len(prompts) > 1:
            raise MemoryError("too many")
        return super().predict(prompts)


class Slices(Boxes):
    """Draws in a volume what it is given, and nothing on other slices."""

    def __init__(self, device: str) -> None:
        self.card = {"name": "slices", "volume_prompts": ["slice-mask", "ends-box"]}

    def open_volume(self, slices: NDArray[np.uint8], spacing_mm: tuple[float, ...]) -> None:
        """Keep the size; a spacing below 1 mm draws one slice too few."""
        self.count, *self.size = slices.shape
        self.count -= min(spacing_mm) < 1

    def predict_volume(self, prompts: Sequence[Prompt]) -> NDArray[np.bool_]:
        """Return masks and boxes at their slices."""
        masks = np.zeros((self.count, *self.size), bool)
        for prompt in prompts:
            assert prompt.slice_index is not None
            masks[prompt.slice_index] = self.draw(prompt) if prompt.mask is None else prompt.mask
        return masks


class SamInItsOwnProcess:
    """The small SAM of random weights behind the kit's interface."""

    def __init__(self, device: str) -> None:
        sys.path.insert(0, str(ROOT))
        from tests.models.tiny_sam import CARD
        from tests.runner.small_sam import SmallSam

        self.segmenter = SmallSam()
        names = ("name", "label", "family", "kind", "prompts", "clicks", "mask_input")
        self.card = {name: getattr(CARD, name) for name in names}

    def open_image(self, pixels: NDArray[np.uint8]) -> None:
        """Embed an image."""
        self.embedding = self.segmenter.embed(pixels)

    def predict(self, prompts: Sequence[Prompt]) -> list[Any]:
        """Return all candidates with their logits."""
        from cosmos_board.core.prompts import Prompt as OwnPrompt

        own = [OwnPrompt(one.points_xy, one.labels, one.box_xyxy) for one in prompts]
        answers = self.segmenter.predict(self.embedding, own, [one.logits for one in prompts])
        return [(answer.masks, answer.predicted_iou, answer.logits) for answer in answers]

    def segment_everything(self) -> tuple[NDArray[np.bool_], tuple[float, ...]]:
        """Return all masks."""
        found = self.segmenter.segment_everything(self.embedding)
        masks = [rle.decode() for rle in found.rles]
        empty = np.zeros((0, self.embedding.height, self.embedding.width), bool)
        return np.array(masks) if masks else empty, found.predicted_iou


if __name__ == "__main__":
    serve(globals()[sys.argv[1]])
