"""Scores of one predicted volume, and the row of the volume scores table that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from cosmos_board.core.masks import Rle
from cosmos_board.core.scores import OK, Counts

Propagation: TypeAlias = Literal["memory", "chain", "native"]
"""How a prompt reaches the other slices: by what a model remembers from slice to slice, by asking
an image model slice after slice, or by a model that takes the volume as a whole."""

DISTANCE_PARTS = 5
"""Equal parts of the way from the prompt slice to either end of a reference."""


@dataclass(frozen=True, slots=True)
class VolumeScores:
    """Every score of one predicted volume against its reference."""

    counts: Counts
    """Voxels."""

    hd95_mm: float
    """Larger of the two directed 95th percentiles, mm."""

    nsd: float
    """Share of both surfaces within 2 mm of the other, in [0, 1]."""

    overrun_slices: int
    """Slices with a mask where the reference has none."""

    missed_slices: int
    """Slices of the reference without a mask."""

    dice_by_distance: tuple[float, ...]
    """Mean Dice of the slices in each of `DISTANCE_PARTS` parts of the way from the prompt slice
    to the first and to the last slice of the reference; NaN in a part without slices."""

    status: str = OK
    """`ok`, `penalised` (nothing was drawn) or `failed: <reason>`."""

    @property
    def volume_error(self) -> float:
        """Predicted less true volume over the true one: −1 where nothing is drawn."""
        return find_volume_error(self.counts)


def find_volume_error(counts: Counts) -> float:
    """Return predicted less true volume over the true one.

    Example:
        >>> find_volume_error(Counts(tp=6, fp=1, fn=4))
        -0.3
    """
    return (counts.fp - counts.fn) / (counts.tp + counts.fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What an answer took. These numbers are measured: equal runs differ in them alone."""

    first_slice_s: float | None
    """Seconds until the first slice had its mask; None where a model gives all at once."""

    volume_s: float | None
    """Seconds for the whole volume, what is computed once for it included; None where it failed."""

    peak_bytes: int
    """Most memory of the host that the process had taken by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeScoreRow:
    """One line of the volume scores table."""

    volume_reference_id: str
    prompt: str
    propagation: Propagation
    scores: VolumeScores
    effort: Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePredictionRow:
    """The mask of one slice, as it is kept with `--save-masks`."""

    volume_reference_id: str
    prompt: str
    propagation: Propagation
    slice_index: int
    rle: Rle
