"""What the methods without weights share: one candidate per prompt, and no everything mode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.candidates import Candidates, EverythingCandidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt
from cosmos_board.models.cards import CARDS
from cosmos_board.models.segmenter import Embedding


class ClassicalSegmenter(ABC):
    """Answers points and boxes with one mask each, always on the CPU.

    Its predicted IoU is 1: these methods estimate nothing, and a single candidate is the best of
    its kind under either selection.
    """

    name: ClassVar[str]

    def __init__(  # noqa: B027 (taken as by every segmenter, and not needed)
        self, *, checkpoint: Path | None = None, device: str = "cpu"
    ) -> None:
        """Make the segmenter; it has no weights, and neither argument concerns it."""

    @property
    def card(self) -> ModelCard:
        """Facts about the model."""
        return CARDS[self.name]

    @abstractmethod
    def embed(self, pixels: Pixels) -> Embedding:
        """Return what is worth computing once for an image."""

    @abstractmethod
    def segment(self, embedding: Embedding, prompt: Prompt) -> Mask:
        """Return the mask of one prompt, bool, axes (Y, X)."""

    def predict(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompt],
        logits: Sequence[NDArray[np.float32] | None] | None = None,
    ) -> list[Candidates]:
        """Return one candidate per prompt, in order; there is no mask input."""
        masks = (self.segment(embedding, prompt) for prompt in prompts)
        return [Candidates(mask[None], np.ones(1, np.float32)) for mask in masks]

    def segment_everything(self, embedding: Embedding) -> EverythingCandidates:
        """Raise `InputError`: these methods need a point or a box."""
        raise refuse_everything(self.card)


def first_positive(prompt: Prompt) -> tuple[int, int]:
    """Return the first point inside the object, (x, y); the first of any kind if none is.

    Raises:
        InputError: If the prompt has no points.
    """
    if not len(prompt.labels):
        raise InputError("prompt", "", "has neither points nor a box")
    x, y = prompt.points_xy[int(np.argmax(prompt.labels == 1))]
    return int(x), int(y)


def refuse_everything(card: ModelCard) -> InputError:
    """Return the error of a segmenter that needs a point or a box."""
    return InputError(card.name, "everything", "is no prompt it answers", want=card.prompts)
