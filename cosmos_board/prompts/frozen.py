"""The prompts of the protocol, computed once per reference and hashed."""

from __future__ import annotations

import hashlib

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import PROMPTS, Prompt, make_prompt
from cosmos_board.prompts.simulators import negative_points, positive_points, tight_box

_POSITIVE_COUNTS = {kind.positive for kind in PROMPTS.values() if kind.positive}
_NEGATIVE_COUNTS = {kind.negative for kind in PROMPTS.values() if kind.negative}


def freeze_prompts(reference: Mask) -> dict[str, Prompt]:
    """Return every prompt of the protocol but `everything`, by name.

    Args:
        reference: bool, axes (Y, X), not empty.
    """
    box = tight_box(reference)
    positive = {count: positive_points(reference, count) for count in _POSITIVE_COUNTS}
    negative = {count: negative_points(reference, count) for count in _NEGATIVE_COUNTS}
    return {
        kind.name: make_prompt(
            positive.get(kind.positive), negative.get(kind.negative), box if kind.box else None
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
        """Add one prompt of one reference."""
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
        """Return the hash of all prompts added so far, hexadecimal."""
        return hashlib.sha256(f"{self._count}:{self._sum:064x}".encode()).hexdigest()
