"""What the methods without weights share."""

from __future__ import annotations

import numpy as np

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt


def make_single_candidate(mask: Mask) -> Candidates:
    """Return `mask` as the only candidate.

    Its predicted IoU is 1: these methods estimate nothing, and a single candidate is the best
    of its kind under either selection.
    """
    return Candidates(mask[None], np.ones(1, np.float32))


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
    """Return the error of a segmenter that has to be pointed somewhere."""
    return InputError(card.name, "everything", "is no prompt it answers", want=card.prompts)
