"""What makes a reference hard: numbers that belong to it and not to any model."""

from __future__ import annotations

from dataclasses import dataclass


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
