"""Prompts of the volume track: what a user gives on one or a few slices of a volume."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.core.errors import UnknownNameError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import Prompt


@dataclass(frozen=True, slots=True)
class SlicePrompt:
    """What is given on one slice of a volume."""

    slice_index: int
    prompt: Prompt
    """Points or a box in pixels of the slice; with neither where a mask is given."""

    mask: Rle | None = None
    """The mask that is given, for `slice-mask`."""


@dataclass(frozen=True, slots=True)
class VolumePrompt:
    """Everything that a model is given of one volume reference, in rising order of slices."""

    name: str
    slices: tuple[SlicePrompt, ...]

    @property
    def clicks(self) -> int | None:
        """Effort in clicks: 1 a point, 2 a box; None for a mask, which is not clicked."""
        if any(part.mask is not None for part in self.slices):
            return None
        return sum(
            len(part.prompt.labels) + (0 if part.prompt.box_xyxy is None else 2)
            for part in self.slices
        )


@dataclass(frozen=True, slots=True)
class VolumePromptKind:
    """One of the five prompts of the volume track."""

    name: str
    """Key in files, URLs and on the command line."""

    label: str
    """Heading in English; the site's catalogues translate it."""

    clicks: str
    """Effort in clicks as text."""


VOLUME_PROMPTS: dict[str, VolumePromptKind] = {
    kind.name: kind
    for kind in (
        VolumePromptKind("slice-point", "1 point on one slice", "1"),
        VolumePromptKind("slice-box", "1 box on one slice", "2"),
        VolumePromptKind("slice-mask", "The mask of one slice", "n/a"),
        VolumePromptKind("ends-box", "Boxes on three slices", "6"),
        VolumePromptKind("each-box", "A box on every slice", "2 × slices"),
    )
}
"""The five volume prompts of `cosmos-1`, by rising effort but for the mask."""

EACH_BOX = "each-box"
"""The prompt that is not asked again: its scores are summed from those of the 2-D study."""


def get_volume_prompt_kind(name: str) -> VolumePromptKind:
    """Return the volume prompt called `name`.

    Raises:
        UnknownNameError: If the protocol has none of that name.
    """
    if name not in VOLUME_PROMPTS:
        raise UnknownNameError("--prompt", "name", name, VOLUME_PROMPTS)
    return VOLUME_PROMPTS[name]
