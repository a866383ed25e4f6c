"""The factors that the board analyses, one entry per column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.targets import Factors
from cosmos_board.factors import definitions
from cosmos_board.factors.definitions import ReferenceShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One column of the references table: how it is computed, headed and explained."""

    name: str
    """Key in files, URLs and on the command line; also the name of its field of
    `core.targets.Factors` and of its column of the references table."""

    label: str
    """Heading in English; the site's catalogues translate it."""

    unit: str
    """Unit; empty for a ratio or a count."""

    definition: str
    compute: Callable[[ReferenceShape], float]
    """Value of one reference; whole numbers for `size_px`, `efd_order` and `components`."""


FACTORS: dict[str, Factor] = {
    factor.name: factor
    for factor in (
        Factor(
            name="size_px",
            compute=definitions.size_px,
            label="Size",
            unit="px",
            definition="Number of pixels of the reference.",
        ),
        Factor(
            name="aspect_ratio",
            compute=definitions.aspect_ratio,
            label="Aspect ratio",
            unit="",
            definition="Short side over long side of the tight box.",
        ),
        Factor(
            name="intensity_difference",
            compute=definitions.intensity_difference,
            label="Intensity difference",
            unit="grey levels",
            definition=(
                "Absolute difference of the mean BT.601 grey inside the reference and in its "
                "surround: the box grown by 10 % of each axis (at least 1 px), without the "
                "reference."
            ),
        ),
        Factor(
            name="boundary_complexity",
            compute=definitions.boundary_complexity,
            label="Boundary complexity",
            unit="",
            definition=(
                "Elliptic-Fourier order n of the outer contour (largest 8-connected component, "
                "holes filled), raised from 1 until the refilled curve exceeds Dice 0.97 or "
                "gains less than 0.001; the value is n + 200 (1 − Dice)."
            ),
        ),
        Factor(
            name="efd_order",
            compute=definitions.efd_order,
            label="Contour order",
            unit="",
            definition=(
                "First elliptic-Fourier order whose refilled curve exceeds Dice 0.97; 101 when "
                "none up to 100 does."
            ),
        ),
        Factor(
            name="components",
            compute=definitions.components,
            label="Components",
            unit="",
            definition="Number of 8-connected components of the reference.",
        ),
        Factor(
            name="position",
            compute=definitions.position,
            label="Position",
            unit="",
            definition=(
                "Distance of the reference's centroid from the centre of the image, over half "
                "the image's diagonal."
            ),
        ),
    )
}
"""Every factor by name."""


def compute_factors(pixels: Pixels, mask: Mask) -> Factors:
    """Return every factor of one reference, as protocol `cosmos-1` defines them.

    Args:
        pixels: The curated image: uint8, axes (Y, X) grey or (Y, X, 3) RGB.
        mask: The reference: bool, axes (Y, X), of the image's size.

    Raises:
        InputError: If the mask is empty or differs from the image in size.
    """
    reference = ReferenceShape(pixels, mask)
    values: dict[str, Any] = {name: row.compute(reference) for name, row in FACTORS.items()}
    return Factors(**values)
