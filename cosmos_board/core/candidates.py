"""What a model answers: several masks, each with the model's own estimate of its IoU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Rle


def find_best(predicted_iou: NDArray[np.floating]) -> int:
    """Return the index of the greatest estimate; the lower on a tie, those not finite last.

    Example:
        >>> find_best(np.array([0.9, np.nan, np.inf]))
        0
    """
    return int(np.argmax(np.where(np.isfinite(predicted_iou), predicted_iou, -np.inf)))


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The masks that a model offers for one prompt."""

    masks: NDArray[np.bool_]
    """bool, axes (K, Y, X), in the native size of the image; K ≥ 1."""

    predicted_iou: NDArray[np.float32]
    """The model's own estimate per mask, float32, shape (K,); NaN and infinite ones come last."""

    logits: NDArray[np.float32] | None = None
    """Low-resolution logits, axes (K, y, x), where the model accepts one as a mask prompt."""

    @property
    def best(self) -> int:
        """Index of the best predicted IoU; the lower index on a tie."""
        return find_best(self.predicted_iou)


@dataclass(frozen=True, slots=True)
class EverythingCandidates:
    """The masks that a model finds in an image without a prompt; there may be none."""

    rles: tuple[Rle, ...]
    predicted_iou: tuple[float, ...]
