"""Phantoms with objects of given size, shape and contrast, for planted effects and large packs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import pi, sqrt

import cv2
import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms.scene import MIN_REFERENCE_PX
from cosmos_board.phantoms.shapes import fill, radial_outline, tree
from cosmos_board.phantoms.textures import bias_field, texture_field, to_pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSpec:
    """The appearance of one object of a phantom."""

    object: str = "organ"
    """Its name in the pack."""

    size_px: int = 2_500
    """Area aimed at, in pixels, before noise of the outline."""

    aspect_ratio: float = 0.8
    """Short over long axis, in (0, 1]."""

    contrast: float = 60.0
    """Grey levels by which the inside differs from the outside; negative is darker."""

    harmonics: int = 3
    """Cosines of the outline; with `roughness` this sets the boundary complexity."""

    roughness: float = 0.1
    texture: float = 6.0
    """Deviation of the texture, in grey levels, inside and outside."""

    soft_px: float = 1.0
    """Standard deviation of the edge's blur, in pixels."""

    noise: float = 4.0
    """Deviation of the noise of the scanner, in grey levels."""

    thin: bool = False
    """A branching vessel instead of a solid region; outline settings then do not apply."""


@dataclass(frozen=True, slots=True, eq=False)
class PhantomImage:
    """One image of a phantom pack; each image is a cluster of its own."""

    cluster: str
    pixels: Pixels
    references: tuple[tuple[str, Mask], ...]
    """(object, mask); masks bool, axes (Y, X), each of more than 50 pixels."""


DEMO_SPECS = (
    PhantomSpec(object="organ", size_px=5_000, contrast=45, harmonics=4, roughness=0.15),
    PhantomSpec(
        object="lesion", size_px=900, contrast=-28, harmonics=8, roughness=0.4, soft_px=1.8
    ),
    PhantomSpec(object="vessel", size_px=1_600, contrast=70, soft_px=0.7, thin=True),
)
"""The three targets of the demo's phantom pack: solid, ragged and faint, thin."""


def draw_phantom(
    seed: int, specs: tuple[PhantomSpec, ...] = DEMO_SPECS, side: int = 256
) -> PhantomImage:
    """Return one grey image that holds one object for each spec, side by side.

    The same seed gives the same bytes. At most four objects lie in the quarters of the image, of
    `side` pixels; one alone lies in the middle.

    Raises:
        InputError: If there is no spec, or more than four.
    """
    if not 1 <= len(specs) <= 4:
        raise InputError("phantom", "specs", "cannot be laid out", got=len(specs), want="1 to 4")
    rng = np.random.Generator(np.random.Philox(key=seed))
    grey = 110 + specs[0].texture * texture_field(rng, side)
    references: list[tuple[str, Mask]] = []
    spots = rng.permutation(4)
    for spec, spot in zip(specs, spots, strict=False):
        centre = _centre(rng, int(spot), side) if len(specs) > 1 else (side / 2, side / 2)
        mask = _draw(rng, spec, side, centre)
        for _, other in references:
            mask = mask & ~other
        alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), spec.soft_px)
        grey = grey + alpha * (110 + spec.contrast + spec.texture * texture_field(rng, side) - grey)
        if mask.sum() > MIN_REFERENCE_PX:
            references.append((spec.object, mask))
    grey = grey * bias_field(rng, side, 0.08)
    grey = grey + specs[0].noise * rng.standard_normal((side, side), np.float32)
    pixels = to_pixels(grey[..., None].astype(np.float32), colour=False)
    return PhantomImage(f"phantom-{seed:06d}", pixels, tuple(references))


def phantom_pack_images(
    n: int = 24,
    *,
    start: int = 0,
    seed: int = 0,
    side: int = 256,
    specs: tuple[PhantomSpec, ...] = DEMO_SPECS,
    spread: float = 0.5,
) -> Iterator[PhantomImage]:
    """Yield `n` phantom images, one cluster each, for a pack of any size.

    Args:
        n: How many images; the demo takes 24.
        start: Number of the first image, to draw a pack in parts.
        seed: Of the pack; image i does not depend on `n`.
        side: Height and width in pixels.
        specs: The objects of every image.
        spread: How far contrast, size and roughness differ from the specs: each is multiplied by
            exp(u), u uniform on ±spread.

    Example:
        >>> images = list(phantom_pack_images(2))
        >>> [name for name, _ in images[0].references]
        ['organ', 'lesion', 'vessel']
    """
    for i in range(start, start + n):
        key = (seed << 32) + i
        rng = np.random.Generator(np.random.Philox(key=(1 << 64) + key))
        yield draw_phantom(key, tuple(_vary(rng, spec, spread) for spec in specs), side)


def _vary(rng: np.random.Generator, spec: PhantomSpec, spread: float) -> PhantomSpec:
    gain = np.exp(rng.uniform(-spread, spread, 3))
    return replace(
        spec,
        size_px=round(spec.size_px * gain[0]),
        contrast=spec.contrast * gain[1],
        roughness=spec.roughness * gain[2],
    )


def _centre(rng: np.random.Generator, quarter: int, side: int) -> tuple[float, float]:
    dx, dy = rng.uniform(-0.04, 0.04, 2) * side
    return side * (0.27 + 0.46 * (quarter % 2)) + dx, side * (0.27 + 0.46 * (quarter // 2)) + dy


def _draw(
    rng: np.random.Generator, spec: PhantomSpec, side: int, centre: tuple[float, float]
) -> Mask:
    if spec.thin:
        return tree(rng, side, centre, sqrt(spec.size_px))
    # Filling a polygon takes its edge pixels too, about half a pixel all around.
    radius, squeeze = max(1.0, sqrt(spec.size_px / pi) - 0.5), sqrt(spec.aspect_ratio)
    outline = radial_outline(rng, spec.harmonics, spec.roughness)
    return fill(outline, side, centre, (radius / squeeze, radius * squeeze), rng.uniform(0, pi))
