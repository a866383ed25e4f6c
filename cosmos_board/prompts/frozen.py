"""The prompts of the protocol, computed once per reference and hashed."""

from __future__ import annotations

import hashlib

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import PROMPTS, Prompt, make_prompt
from cosmos_board.prompts.box import tight_box
from cosmos_board.prompts.points import negative_points, positive_points


def freeze_prompts(reference: Mask) -> dict[str, Prompt]:
    """Return every prompt of the protocol but `everything`, by name.

    Args:
        reference: bool, axes (Y, X), not empty.
    """
    box = tight_box(reference)
    points = {wanted: positive_points(reference, wanted) for wanted in (1, 5)}
    negatives = negative_points(reference, 5)
    return {
        kind.name: make_prompt(
            points[kind.positive] if kind.positive else None,
            negatives[: kind.negative],
            box if kind.box else None,
        )
        for kind in PROMPTS.values()
        if kind.name != "everything"
    }


class PromptsHash:
    """A sha256 over prompts that does not depend on the order in which they are added.

    The digests of the single prompts are summed modulo 2²⁵⁶, and the sum is hashed.
    """

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def add(self, reference_id: str, name: str, prompt: Prompt) -> None:
        """Take in one prompt of one reference."""
        words = (
            reference_id,
            name,
            *map(str, prompt.points_xy.ravel().tolist()),
            "labels",
            *map(str, prompt.labels.tolist()),
            "box",
            *map(str, prompt.box_xyxy or ()),
        )
        digest = hashlib.sha256("\x1f".join(words).encode()).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % 2**256
        self._count += 1

    def hexdigest(self) -> str:
        """Return the hash of all prompts added so far, in hexadecimal."""
        return hashlib.sha256(f"{self._count}:{self._sum:064x}".encode()).hexdigest()
