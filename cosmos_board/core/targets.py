"""Targets, images and references: what is segmented, where, and who drew it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels, Rle
from cosmos_board.core.modalities import get_modality

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An object in a modality: the unit that is ranked."""

    modality: str
    object: str

    def __post_init__(self) -> None:
        get_modality(self.modality)
        if not _NAME.fullmatch(self.object):
            raise InputError(
                "target", "object", "is no name", got=repr(self.object), want="words-with-hyphens"
            )

    @property
    def name(self) -> str:
        """Key in files, URLs and on the command line, such as `ct.liver`."""
        return f"{self.modality}.{self.object}"


@dataclass(frozen=True, slots=True)
class Image:
    """One curated slice or picture."""

    image_id: str
    """From the sha256 of the decoded pixels; carries nothing of the source."""

    dataset: str
    modality: str

    cluster_id: str
    """What is independent: the patient or volume; the image itself where neither is known."""

    pixels: Pixels
    """uint8, axes (Y, X) grey or (Y, X, 3) RGB."""

    @property
    def height(self) -> int:
        """Extent along Y, in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Extent along X, in pixels."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Reference:
    """The annotator's mask of one object (or one instance of it) in one image."""

    reference_id: str
    image_id: str
    object: str

    instance: int
    """0 where an object has one reference per image, else 0 … n−1 in row order of first pixels."""

    box_xyxy: tuple[int, int, int, int]
    """Tight box [min x, min y, max x, max y], maxima inclusive."""

    rle: Rle

    def mask(self) -> Mask:
        """Return the mask, bool, axes (Y, X); never empty."""
        return self.rle.decode()
