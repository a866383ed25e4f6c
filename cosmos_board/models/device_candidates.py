"""Candidates that stay where a model drew them: what a segmenter may offer beside `predict`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, find_best
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.segmenter import Embedding, Segmenter

if TYPE_CHECKING:  # whoever only asks whether a segmenter offers this needs no torch
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class DeviceCandidates:
    """The masks that a model offers for one prompt, on its device."""

    masks: Tensor
    """bool, axes (K, Y, X), in the native size of the image; K ≥ 1."""

    predicted_iou: NDArray[np.float32]
    """As `Candidates` has it: these few numbers are copied to the host."""

    @property
    def best(self) -> int:
        """Index of the best predicted IoU; the lower index on a tie."""
        return find_best(self.predicted_iou)

    def to_host(self) -> Candidates:
        """Return the same candidates in the memory of the host, without logits."""
        return Candidates(self.masks.cpu().numpy(), self.predicted_iou)


@runtime_checkable
class DeviceSegmenter(Segmenter, Protocol):
    """A segmenter whose masks can be scored where they are, which saves copying all of them."""

    @property
    def device(self) -> str:
        """Where it runs, as torch has it."""
        ...

    def predict_on_device(
        self, embedding: Embedding, prompts: Sequence[Prompt]
    ) -> list[DeviceCandidates]:
        """Return what `predict` does, with masks left on the device and without logits."""
        ...
