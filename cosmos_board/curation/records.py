"""Curated images: what one source image becomes, before it is known what else the pack holds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import Mask, Pixels, Rle, encode_mask
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.targets import Target
from cosmos_board.data.pack.check import SMALLEST_PX
from cosmos_board.data.pack.png import LARGEST_PICTURE_PX, encode_png, hash_pixels, make_image_id
from cosmos_board.data.source import SourceImage
from cosmos_board.factors import compute_factors
from cosmos_board.prompts import freeze_prompts

EMPTY = "absent: the mask is empty"
SMALL = "small: 50 pixels or fewer"
BARE = "bare: no reference is left in the image"
CONSTANT = "constant: an image of one value shows nothing"
TWICE = "twice: the same image came more than once and was merged"
SAME = "same: the same mask came more than once in an image"

Observations = Mapping[str, Rle]
"""Further observers' masks of one reference, by observer."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CuratedReference:
    """One kept reference; its instance number is given when the pack is put together."""

    object: str
    first_px: int
    """Position of its first pixel in row order, by which instances are numbered."""

    box_xyxy: tuple[int, int, int, int]
    rle: Rle
    factors: Factors
    prompts: Mapping[str, Prompt]
    observers: Observations


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CuratedImage:
    """One kept image with its references, sorted by object and first pixel."""

    sha256: str
    modality: str
    cluster: str
    """A hash of the cluster key; replaced by a number when the pack is put together."""

    height: int
    width: int
    png: bytes
    references: tuple[CuratedReference, ...]

    @property
    def image_id(self) -> str:
        """The id of the image, from its pixels."""
        return make_image_id(self.sha256)


def curate_image(source: SourceImage, dropped: Counter[str]) -> CuratedImage | None:
    """Return what is kept of one source image; None where no reference is left.

    Args:
        source: The image and what is drawn on it.
        dropped: Counts what is left out, by rule.

    Raises:
        InputError: If the image is not 8-bit grey or RGB, or a mask does not fit it.
    """
    pixels = source.pixels
    grey_or_rgb = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not grey_or_rgb or not pixels.size:
        raise InputError(
            source.origin, "pixels", "are not 8-bit grey or RGB", got=(pixels.shape, pixels.dtype)
        )
    if pixels.shape[0] * pixels.shape[1] > LARGEST_PICTURE_PX:
        raise InputError(
            source.origin, "pixels", "are too many", got=pixels.shape[:2],
            want=f"at most {LARGEST_PICTURE_PX}",
        )  # fmt: skip
    drawn = tuple(_curate_masks(source, dropped))
    if not drawn:
        dropped[BARE] += 1
        return None
    if (pixels == pixels[0, 0]).all():
        # Its id would be that of every other such image, whoever the patient is.
        dropped[CONSTANT] += 1
        return None
    return CuratedImage(
        sha256=hash_pixels(pixels),
        modality=source.modality,
        cluster=hashlib.sha256(source.cluster_key.encode()).hexdigest()[:32],
        height=pixels.shape[0],
        width=pixels.shape[1],
        png=encode_png(pixels),
        references=sort_references(drawn, dropped),
    )


def merge_images(images: list[CuratedImage], dropped: Counter[str]) -> CuratedImage:
    """Return one image for several that have the same pixels, with all their references.

    The order of `images` makes no difference. Equal masks of an object become one reference,
    different ones its instances.
    """
    dropped[TWICE] += len(images) - 1
    first = min(images, key=lambda image: image.modality)
    every = tuple(reference for image in images for reference in image.references)
    return replace(first, references=sort_references(every, dropped))


def sort_references(
    references: tuple[CuratedReference, ...], dropped: Counter[str]
) -> tuple[CuratedReference, ...]:
    """Return references by object, first pixel and run lengths, each once."""
    ordered = sorted(references, key=lambda r: (r.object, r.first_px, r.rle.counts))
    kept: list[CuratedReference] = []
    for reference in ordered:
        if kept and (kept[-1].object, kept[-1].rle) == (reference.object, reference.rle):
            dropped[SAME] += 1
            observers = {**reference.observers, **kept[-1].observers}
            kept[-1] = replace(kept[-1], observers=observers)
        else:
            kept.append(reference)
    return tuple(kept)


def _curate_masks(source: SourceImage, dropped: Counter[str]) -> Iterator[CuratedReference]:
    for name, masks in source.masks.items():
        Target(source.modality, name)
        observers = _match_observers(source, name, len(masks))
        for position, mask in enumerate(masks):
            _refuse_other_size(source, name, mask)
            size_px = int(np.count_nonzero(mask))
            if size_px < SMALLEST_PX:
                dropped[SMALL if size_px else EMPTY] += 1
                continue
            seen = {observer: encode_mask(drawn[position]) for observer, drawn in observers.items()}
            yield _curate_mask(source.pixels, name, mask, seen)


def _curate_mask(
    pixels: Pixels, name: str, mask: Mask, observers: Observations
) -> CuratedReference:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return CuratedReference(
        object=name,
        first_px=int(np.argmax(mask)),
        box_xyxy=(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])),
        rle=encode_mask(mask),
        factors=compute_factors(pixels, mask),
        prompts=freeze_prompts(mask),
        observers=observers,
    )


def _match_observers(
    source: SourceImage, name: str, references: int
) -> dict[str, tuple[Mask, ...]]:
    matched = {}
    for observer, objects in source.observers.items():
        masks = objects.get(name, ())
        if masks and len(masks) != references:
            raise InputError(
                source.origin,
                f"observer {observer}",
                f"drew another number of {name}",
                got=len(masks),
                want=references,
            )
        for mask in masks:
            _refuse_other_size(source, name, mask)
        if masks:
            matched[observer] = masks
    return matched


def _refuse_other_size(source: SourceImage, name: str, mask: Mask) -> None:
    if mask.dtype != np.bool_ or mask.shape != source.pixels.shape[:2]:
        raise InputError(
            source.origin,
            name,
            "the mask does not fit its image",
            got=(mask.shape, str(mask.dtype)),
            want=(source.pixels.shape[:2], "bool"),
        )
