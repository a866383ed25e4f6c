"""Targets, images and references with their factors: what is segmented, and in what."""

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


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of one reference, as the protocol defines them."""

    size_px: int
    aspect_ratio: float
    """Short over long side of the box, in (0, 1]."""

    intensity_difference: float
    """|mean inside − mean of the surround| in BT.601 grey levels; NaN where the reference fills its
    image, which then takes no part in the analysis of factors."""

    boundary_complexity: float
    """The study's measure: elliptic-Fourier order at its stop + 200·(1 − Dice)."""

    efd_order: int
    """The order whose reconstruction exceeds Dice 0.97; 101 when none up to 100 does."""

    components: int
    """Number of 8-connected components."""

    position: float
    """Distance of the centroid from the image centre over half the diagonal."""
