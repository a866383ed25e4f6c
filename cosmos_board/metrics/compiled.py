"""One pass over two boundaries with compiled loops (extra `fast`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from cosmos_board.core.scores import Counts
from cosmos_board.metrics import run_kernels
from cosmos_board.metrics.boundaries import BAND_PASSES
from cosmos_board.metrics.distance_kernels import measure_distances, summarise
from cosmos_board.metrics.integers import (
    SUM_SCALE,
    TOLERANCE_PX,
    Directed,
    PairIntegers,
    locate_p95,
)
from cosmos_board.metrics.reference import PreparedReference
from cosmos_board.metrics.run_kernels import Runs, count_pixels


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A mask as runs, with its boundary and what its inner band leaves."""

    runs: Runs
    area_px: int

    core: Runs
    """The mask without its inner band."""

    core_px: int

    boundary: tuple[NDArray[np.int32], NDArray[np.int32]]
    """Boundary columns: the start of each row, then the columns in row order."""


def trace_outline(mask: Mask) -> Outline:
    """Return the outline of `mask` (bool, axes (Y, X), contiguous)."""
    height, width = mask.shape
    flat = mask.reshape(-1).view(np.uint8)
    if not (flat.flags.writeable and flat.ctypes.data % 8 == 0):
        # The kernels are compiled for one kind of memory: writeable, aligned to words.
        flat = flat.copy()
    runs = run_kernels.find_runs(flat, flat[: flat.size // 8 * 8].view(np.uint64), height, width)
    boundary = run_kernels.list_difference(runs, run_kernels.erode(runs, 0))
    core = runs
    for _ in range(BAND_PASSES):
        core = run_kernels.erode(core, 1)
    return Outline(runs, count_pixels(runs), core, count_pixels(core), boundary)


def measure(
    prediction: Mask, reference: PreparedReference, counts: Counts | None = None
) -> PairIntegers | None:
    """Return what is counted of the pair, or None when the prediction is empty.

    Args:
        prediction: bool, axes (Y, X), contiguous, of the reference's size.
        reference: What the prediction is held against.
        counts: Ignored: the overlap of two lists of runs costs next to nothing.
    """
    drawn, wanted = trace_outline(prediction), reference.outline
    if not drawn.area_px:
        return None
    tp = run_kernels.count_shared(drawn.runs, wanted.runs)
    # band ∩ band = mask ∩ mask − core ∩ mask − mask ∩ core + core ∩ core, cores being parts.
    shared = (
        tp
        - run_kernels.count_shared(drawn.core, wanted.runs)
        - run_kernels.count_shared(drawn.runs, wanted.core)
        + run_kernels.count_shared(drawn.core, wanted.core)
    )
    bands = drawn.area_px - drawn.core_px + wanted.area_px - wanted.core_px
    return PairIntegers(
        Counts(tp, drawn.area_px - tp, wanted.area_px - tp),
        _direct(measure_distances(*drawn.boundary, *wanted.boundary)),
        _direct(measure_distances(*wanted.boundary, *drawn.boundary)),
        shared,
        bands - shared,
    )


def _direct(squared: NDArray[np.int64]) -> Directed:
    index, _ = locate_p95(len(squared))
    return Directed(len(squared), *summarise(squared, index, TOLERANCE_PX**2, SUM_SCALE))
