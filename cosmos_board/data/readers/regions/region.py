"""What every reader of described regions yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

IsWanted: TypeAlias = Callable[[int, str], bool]
"""Whether a region of this number and name is drawn; the others are skipped without decoding."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region of a picture or volume."""

    name: str
    """Label, category or segment, as the file calls it."""

    drawn: NDArray[np.bool_]
    """Of the size of the image, axes (Y, X) or (Z, Y, X)."""

    key: str
    """Regions of a name with the same key are one instance."""

    number: int = 0
    """Of a segment in its file."""

    notes: tuple[str, ...] = ()
    """What the import report should say of it."""
