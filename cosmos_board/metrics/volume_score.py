"""All scores of one predicted volume, from one pass over the two surfaces.

The definitions are those of the 2-D study with one more axis and in mm: a surface is a mask
without its 6-neighbour erosion, distances are Euclidean between voxel centres, HD95 is the larger
of both directed 95th percentiles (linear interpolation), and NSD the share of both surfaces within
2 mm of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

import numpy as np
from scipy.spatial import cKDTree

from cosmos_board.core.arrays import Bools, Floats, Ints
from cosmos_board.core.scores import PENALISED, Counts
from cosmos_board.core.volumes import DISTANCE_PARTS, VolumeMask, VolumeScores
from cosmos_board.metrics.overlap import check_size
from cosmos_board.metrics.volume_reference import (
    PreparedVolumeReference,
    Surface,
    count_by_slice,
    find_surface,
)

TOLERANCE_MM = 2.0
"""Distance up to which a voxel of a surface counts as matched (NSD)."""

_ROUNDING_MM = 1e-6
"""A distance this much beyond the tolerance is within: spacings are rounded decimals."""


def score_volume(prediction: VolumeMask, reference: PreparedVolumeReference) -> VolumeScores:
    """Return every score of a prediction (bool, axes (slice, row, column)).

    Raises:
        InputError: If prediction and reference differ in size.

    Example:
        >>> from cosmos_board.metrics.volume_reference import prepare_volume_reference
        >>> cube = np.zeros((9, 9, 9), dtype=np.bool_)
        >>> cube[2:6, 2:6, 2:6] = True
        >>> reference = prepare_volume_reference(cube, (3.0, 1.0, 1.0))
        >>> score_volume(np.roll(cube, 1, axis=0), reference).hd95_mm
        3.0
    """
    check_size(prediction.shape, reference.mask.shape)
    prediction = np.ascontiguousarray(prediction, dtype=np.bool_)
    slice_px = count_by_slice(prediction)
    surface = find_surface(prediction, slice_px)
    if surface is None:
        return penalise_volume(reference)
    shared = np.zeros_like(slice_px)
    along = surface.extent[0]
    shared[along] = [
        np.count_nonzero(drawn & expected)
        for drawn, expected in zip(
            prediction[surface.extent], reference.mask[surface.extent], strict=True
        )
    ]
    to_reference, to_prediction = _measure_distances(surface, reference)
    tp = int(shared.sum())
    within = sum(_count_within(part) for part in (to_reference, to_prediction))
    return VolumeScores(
        counts=Counts(tp, int(slice_px.sum()) - tp, reference.voxels - tp),
        hd95_mm=max(_find_p95(part) for part in (to_reference, to_prediction)),
        nsd=within / (len(to_reference) + len(to_prediction)),
        overrun_slices=int(np.count_nonzero((slice_px > 0) & (reference.slice_px == 0))),
        missed_slices=int(np.count_nonzero((slice_px == 0) & (reference.slice_px > 0))),
        dice_by_distance=_average_by_distance(shared, slice_px, reference),
    )


def penalise_volume(reference: PreparedVolumeReference, status: str = PENALISED) -> VolumeScores:
    """Return the scores of a prediction without voxels: 0, or the volume's diagonal in mm.

    The status is `failed: <reason>` where there is no prediction at all.
    """
    nothing = np.zeros_like(reference.slice_px)
    return VolumeScores(
        counts=Counts(0, 0, reference.voxels),
        hd95_mm=reference.diagonal_mm,
        nsd=0.0,
        overrun_slices=0,
        missed_slices=int(np.count_nonzero(reference.slice_px)),
        dice_by_distance=_average_by_distance(nothing, nothing, reference),
        status=status,
    )


def sum_box_counts(slices: Iterable[Counts], voxels: int) -> Counts:
    """Return the counts of `each-box` in 3-D from those of the boxes of the 2-D study.

    `voxels` is the size of the whole reference: what lies on slices without a box is missed.

    Example:
        >>> sum_box_counts([Counts(50, 3, 10), Counts(60, 0, 5)], 140)
        Counts(tp=110, fp=3, fn=30)
    """
    every = list(slices)
    tp = sum(counts.tp for counts in every)
    return Counts(tp, sum(counts.fp for counts in every), voxels - tp)


def _measure_distances(
    surface: Surface, reference: PreparedVolumeReference
) -> tuple[Floats, Floats]:
    """Return the distance from each voxel of either surface to the other surface, mm."""
    spacing = np.asarray(reference.spacing_mm)
    other = reference.surface
    # Voxels of both surfaces need no search, and of a good prediction they are many.
    beyond, missed = _find_apart(surface, other), _find_apart(other, surface)
    to_reference, to_prediction = np.zeros(len(surface.voxels)), np.zeros(len(other.voxels))
    points = surface.voxels * spacing
    to_reference[beyond] = reference.tree.query(points[beyond])[0]
    to_prediction[missed] = cKDTree(points).query(other.voxels[missed] * spacing)[0]
    return to_reference, to_prediction


def _find_apart(surface: Surface, other: Surface) -> Bools:
    """Return which voxels of a surface are none of the other."""
    apart = np.ones(len(surface.voxels), np.bool_)
    corner = np.array([part.start for part in other.extent])
    moved = surface.voxels - corner
    inside = ((moved >= 0) & (moved < other.drawn.shape)).all(axis=1)
    apart[inside] = ~other.drawn[tuple(moved[inside].T)]
    return apart


def _find_p95(distances_mm: Floats) -> float:
    return float(np.percentile(distances_mm, 95))


def _count_within(distances_mm: Floats) -> int:
    return int(np.count_nonzero(distances_mm <= TOLERANCE_MM + _ROUNDING_MM))


def _average_by_distance(
    shared: Ints, slice_px: Ints, reference: PreparedVolumeReference
) -> tuple[float, ...]:
    filled = np.flatnonzero(reference.slice_px)
    first, last, middle = int(filled[0]), int(filled[-1]), reference.prompt_slice
    parts: list[list[float]] = [[] for _ in range(DISTANCE_PARTS)]
    summed = slice_px + reference.slice_px
    for index in range(first, last + 1):
        if not summed[index]:
            continue
        way = max(1, last - middle if index > middle else middle - first)
        # The part of the way that the slice ends; the prompt slice belongs to the first.
        part = max(1, -(-DISTANCE_PARTS * abs(index - middle) // way)) - 1
        parts[part].append(2 * int(shared[index]) / int(summed[index]))
    return tuple(sum(part) / len(part) if part else nan for part in parts)
