"""What a propagation gives: the mask of a whole volume, and the seconds that a user waits."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.core.volumes import VolumeMask


@dataclass(frozen=True, slots=True, eq=False)
class VolumeAnswer:
    """The answer to one volume prompt."""

    mask: VolumeMask
    """bool, axes (slice, row, column)."""

    first_slice_s: float | None
    """Seconds until the first slice had its mask; None where all come at once."""

    volume_s: float
    """Seconds for the whole volume, as if nothing else had been asked of it before."""
