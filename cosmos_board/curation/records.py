"""Curated images: what one source image becomes, and its rows in the tables of a pack."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels, encode_mask
from cosmos_board.core.targets import Target
from cosmos_board.data.limits import LARGEST_PICTURE_PX
from cosmos_board.data.pack.check import SMALLEST_PX
from cosmos_board.data.pack.png import encode_png, hash_pixels, make_image_id
from cosmos_board.data.source import SourceImage
from cosmos_board.factors import compute_factors
from cosmos_board.prompts import freeze_prompts
from cosmos_board.store.parquet import Row

EMPTY = "absent: the mask is empty"
SMALL = "small: 50 pixels or fewer"
NO_REFERENCE = "bare: no reference is left in the image"
CONSTANT = "constant: an image of one value shows nothing"
DUPLICATE_IMAGE = "twice: the same image came more than once and was merged"
DUPLICATE_MASK = "same: the same mask came more than once in an image"

_IMAGE_FACTS = ("modality", "height", "width", "png", "sha256")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CuratedReference:
    """One kept reference; its instance number is given when the pack is put together."""

    object: str
    first_px: int
    """Position of its first pixel in row order, by which instances are numbered."""

    rle: bytes
    """Run lengths of its mask."""

    row: Row
    """Of `references/`, but for ids, instance and run lengths: box and factors."""

    prompts: tuple[Row, ...]
    """Of `prompts/`, but for the reference id."""

    observers: Mapping[str, bytes]
    """Further observers' masks as run lengths, by observer."""


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

    `dropped` counts what is left out, by rule.

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
        dropped[NO_REFERENCE] += 1
        return None
    if (pixels == pixels[0, 0]).all():
        # Images of one value would all have the same id, also those of different patients.
        dropped[CONSTANT] += 1
        return None
    return CuratedImage(
        sha256=hash_pixels(pixels),
        modality=source.modality,
        cluster=hash_cluster(source.cluster_key),
        height=pixels.shape[0],
        width=pixels.shape[1],
        png=encode_png(pixels),
        references=sort_references(drawn, dropped),
    )


def hash_cluster(key: str) -> str:
    """Return the word that stands for a cluster until it has a number."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def merge_images(images: list[CuratedImage], dropped: Counter[str]) -> CuratedImage:
    """Return one image for several that have the same pixels, with all their references.

    The order of `images` makes no difference. Equal masks of an object become one reference,
    different ones its instances.
    """
    dropped[DUPLICATE_IMAGE] += len(images) - 1
    first = min(images, key=lambda image: image.modality)
    every = tuple(reference for image in images for reference in image.references)
    return replace(first, references=sort_references(every, dropped))


def sort_references(
    references: tuple[CuratedReference, ...], dropped: Counter[str]
) -> tuple[CuratedReference, ...]:
    """Return references by object, first pixel and run lengths, each once."""
    ordered = sorted(references, key=lambda r: (r.object, r.first_px, r.rle))
    unique: list[CuratedReference] = []
    for reference in ordered:
        last = unique[-1] if unique else None
        if last and (last.object, last.rle) == (reference.object, reference.rle):
            dropped[DUPLICATE_MASK] += 1
            unique[-1] = replace(last, observers={**reference.observers, **last.observers})
        else:
            unique.append(reference)
    return tuple(unique)


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
            yield CuratedReference(
                object=name,
                first_px=int(np.argmax(mask)),
                rle=encode_mask(mask).counts,
                row=_make_reference_row(source.pixels, mask),
                prompts=tuple(_make_prompt_rows(mask)),
                observers={
                    observer: encode_mask(drawn[position]).counts
                    for observer, drawn in observers.items()
                },
            )


def _make_reference_row(pixels: Pixels, mask: Mask) -> Row:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return {
        "box": [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])],
        **asdict(compute_factors(pixels, mask)),
    }


def _make_prompt_rows(mask: Mask) -> Iterator[Row]:
    for name, prompt in freeze_prompts(mask).items():
        yield {
            "prompt": name,
            "points": prompt.points_xy.ravel().tolist(),
            "labels": prompt.labels.tolist(),
            "box": None if prompt.box_xyxy is None else list(prompt.box_xyxy),
        }


def _match_observers(
    source: SourceImage, name: str, references: int
) -> dict[str, tuple[Mask, ...]]:
    matched = {}
    for observer, objects in source.observers.items():
        masks = objects.get(name, ())
        if masks and len(masks) != references:
            problem = f"drew another number of {name}"
            where = f"observer {observer}"
            raise InputError(source.origin, where, problem, got=len(masks), want=references)
        for mask in masks:
            _refuse_other_size(source, name, mask)
        if masks:
            matched[observer] = masks
    return matched


def _refuse_other_size(source: SourceImage, name: str, mask: Mask) -> None:
    if mask.dtype != np.bool_ or mask.shape != source.pixels.shape[:2]:
        got, want = (mask.shape, str(mask.dtype)), (source.pixels.shape[:2], "bool")
        raise InputError(source.origin, name, "the mask does not fit its image", got=got, want=want)


@dataclass(frozen=True, slots=True, eq=False)
class ImageRows:
    """The rows of one image in the four tables of a pack; ids and instance numbers are final."""

    images: list[Row]
    """One."""

    references: list[Row]
    prompts: list[Row]
    observers: list[Row]


def make_rows(image: CuratedImage, cluster_id: str, dataset: str) -> ImageRows:
    """Return the rows of one image; instances are numbered in the order of its references."""
    facts = {name: getattr(image, name) for name in ("image_id", *_IMAGE_FACTS)}
    rows = ImageRows([{**facts, "cluster_id": cluster_id, "dataset": dataset}], [], [], [])
    instances: Counter[str] = Counter()
    for reference in image.references:
        name, instance = reference.object, instances[reference.object]
        instances[name] += 1
        reference_id = f"{image.image_id}.{name}.{instance}"
        ids = {"reference_id": reference_id, "image_id": image.image_id}
        own = {"object": name, "instance": instance, "rle": reference.rle, **reference.row}
        rows.references.append({**ids, **own})
        rows.prompts.extend({"reference_id": reference_id, **row} for row in reference.prompts)
        rows.observers.extend(
            {"observer": observer, "reference_id": reference_id, "rle": counts}
            for observer, counts in sorted(reference.observers.items())
        )
    return rows
