"""Prompts as a decoder of the SAM family takes them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PromptBatch:
    """Prompts with equally many tokens, in the pixels (x, y) of the model's input square."""

    image_index: Tensor
    """Which row of the features each prompt belongs to, int64, shape (P,)."""

    points_xy: Tensor | None = None
    """Float, shape (P, n, 2)."""

    labels: Tensor | None = None
    """1 inside the object, 0 outside; shape (P, n)."""

    boxes_xyxy: Tensor | None = None
    """Float, shape (P, 4)."""

    mask_logits: Tensor | None = None
    """Low-resolution logits of an earlier answer, float, axes (P, 1, y, x)."""

    def __len__(self) -> int:
        return len(self.image_index)

    def pick(self, row: int) -> PromptBatch:
        """Return one of the prompts, as a batch of its own."""

        def at(column: Tensor | None) -> Tensor | None:
            return None if column is None else column[row : row + 1]

        return PromptBatch(
            self.image_index[row : row + 1],
            at(self.points_xy),
            at(self.labels),
            at(self.boxes_xyxy),
            at(self.mask_logits),
        )
