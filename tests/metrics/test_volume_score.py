from __future__ import annotations

import warnings
from itertools import islice
from math import isnan, sqrt
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cosmos_board.core.errors import InputError
from cosmos_board.core.scores import Counts
from cosmos_board.core.volumes import SpacingMm, VolumeMask
from cosmos_board.core.volumes.scores import VolumeScores
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.metrics.volume_reference import prepare_volume_reference
from cosmos_board.metrics.volume_score import (
    TOLERANCE_MM,
    penalise_volume,
    score_volume,
    sum_box_counts,
)
from tests.shared import needs_shared
from tests.volumes import RealObject, distort, iter_real_objects

SPACING: SpacingMm = (3.0, 1.0, 0.5)


def block(slices: slice, rows: slice = slice(2, 7), columns: slice = slice(3, 9)) -> VolumeMask:
    """Draw a block in a volume of 12 × 10 × 12 voxels."""
    mask = np.zeros((12, 10, 12), np.bool_)
    mask[slices, rows, columns] = True
    return mask


def score(prediction: VolumeMask, reference: VolumeMask) -> VolumeScores:
    return score_volume(prediction, prepare_volume_reference(reference, SPACING))


def test_a_perfect_prediction_has_no_error() -> None:
    scores = score(block(slice(3, 9)), block(slice(3, 9)))

    assert scores.counts == Counts(6 * 5 * 6, 0, 0)
    assert (scores.nsd, scores.hd95_mm, scores.volume_error) == (1, 0, 0)
    assert (scores.overrun_slices, scores.missed_slices) == (0, 0)
    assert scores.dice_by_distance == (1, 1, 1, 1, 1)


def test_a_shift_by_one_slice_is_as_far_as_slices_are_apart() -> None:
    scores = score(block(slice(4, 10)), block(slice(3, 9)))

    assert scores.hd95_mm == 3
    assert scores.counts == Counts(150, 30, 30)
    assert (scores.overrun_slices, scores.missed_slices, scores.volume_error) == (1, 1, 0)


def test_a_prediction_that_stops_and_one_that_runs_on_are_told_apart() -> None:
    stops = score(block(slice(3, 5)), block(slice(3, 9)))
    runs_on = score(block(slice(3, 12)), block(slice(3, 9)))

    assert (stops.overrun_slices, stops.missed_slices) == (0, 4)
    assert (runs_on.overrun_slices, runs_on.missed_slices) == (3, 0)
    assert stops.volume_error == pytest.approx(-4 / 6)
    assert runs_on.volume_error == pytest.approx(3 / 6)
    assert runs_on.dice_by_distance == (1, 1, 1, 1, 1)


def test_dice_is_averaged_in_fifths_of_the_way_to_either_end() -> None:
    """The prompt slice is 5; the way down has 5 slices, the way up 6: 1, 2, 3 …, 6 sixths."""
    reference = block(slice(0, 12))
    reference[5, 2:8, 3:9] = True  # the largest
    prediction = reference.copy()
    prediction[[0, 10, 11]] = False

    parts = score(prediction, reference).dice_by_distance

    # down: slice 4 … 0 end parts 1 … 5; up: slice 6 … 11 end 5/6, 10/6, 15/6, 20/6, 25/6 and 5
    assert parts == (1, 1, 1, 1, 0)


def test_parts_without_a_slice_have_no_dice() -> None:
    reference = block(slice(4, 5))

    first, *others = score(reference, reference).dice_by_distance

    assert first == 1
    assert all(isnan(part) for part in others)


def test_an_empty_prediction_is_penalised_by_the_diagonal_in_mm() -> None:
    reference = prepare_volume_reference(block(slice(3, 9)), SPACING)

    scores = score_volume(np.zeros_like(reference.mask), reference)

    assert scores == penalise_volume(reference)
    assert scores.hd95_mm == pytest.approx(sqrt(36**2 + 10**2 + 6**2))
    assert (scores.nsd, scores.volume_error, scores.missed_slices) == (0, -1, 6)
    assert (scores.status, scores.dice_by_distance) == ("penalised", (0, 0, 0, 0, 0))


def test_a_distance_of_the_tolerance_is_within_it_whatever_the_spacing() -> None:
    """5 × 0.4 mm is 2 mm on paper, and a little more or less in floating point."""
    reference, prediction = np.zeros((2, 40, 1, 1), np.bool_)
    reference[17], prediction[12] = True, True

    scores = score_volume(prediction, prepare_volume_reference(reference, (0.4, 1.0, 1.0)))

    assert scores.nsd == 1


@pytest.mark.parametrize("mask", [np.zeros((2, 3, 4), np.bool_), np.ones((3, 4), np.bool_)])
def test_what_is_no_reference_is_refused(mask: VolumeMask) -> None:
    with pytest.raises(InputError, match="reference: mask: is"):
        prepare_volume_reference(mask, SPACING)


def test_a_prediction_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="prediction: size: differs"):
        score(block(slice(0, 1))[:5], block(slice(0, 1)))


masks = arrays(np.bool_, (4, 5, 4)).filter(lambda mask: bool(mask.any()))


@given(masks, masks, st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 3.3])] * 3))
def test_scores_are_those_of_whole_distance_maps(
    prediction: VolumeMask, reference: VolumeMask, spacing_mm: SpacingMm
) -> None:
    scores = score_volume(prediction, prepare_volume_reference(reference, spacing_mm))

    assert_as_by_maps(scores, prediction, reference, spacing_mm)


@given(masks, masks)
def test_distances_are_the_same_both_ways_and_errors_change_sides(
    one: VolumeMask, other: VolumeMask
) -> None:
    forth, back = score(one, other), score(other, one)

    assert (forth.hd95_mm, forth.nsd) == pytest.approx((back.hd95_mm, back.nsd))
    assert (forth.counts.fp, forth.overrun_slices) == (back.counts.fn, back.missed_slices)


def test_boxes_on_every_slice_sum_to_the_counts_of_the_volume() -> None:
    """Only the last slice, of too few pixels, has no box and is missed."""
    reference = block(slice(3, 9))
    reference[8, 3:] = False
    prediction = np.roll(reference, 1, axis=2)
    prediction[8] = False

    slices = [
        count_overlap(drawn, expected)
        for drawn, expected in zip(prediction[:8], reference[:8], strict=True)
    ]

    assert sum_box_counts(slices, int(reference.sum())) == score(prediction, reference).counts


# --- real masks, against other people's implementations ---


Pairs: TypeAlias = list[tuple[VolumeMask, RealObject, VolumeScores]]


@pytest.fixture(scope="module")
def real_pairs() -> Pairs:
    """Imperfect copies of every second object of the real volumes, with their scores."""
    objects = islice(iter_real_objects(), 0, None, 2)
    pairs = [(distort(real.mask, seed), real) for seed, real in enumerate(objects)]
    return [
        (drawn, real, score_volume(drawn, prepare_volume_reference(real.mask, real.spacing_mm)))
        for drawn, real in pairs
    ]


@needs_shared
def test_real_pairs_equal_whole_distance_maps(real_pairs: Pairs) -> None:
    assert len(real_pairs) >= 30
    for drawn, real, scores in real_pairs:
        assert_as_by_maps(scores, drawn, real.mask, real.spacing_mm)


@needs_shared
def test_real_pairs_equal_monai(real_pairs: Pairs) -> None:
    """MONAI's definitions are ours; it works in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from monai import metrics as monai

        for drawn, real, scores in real_pairs:
            batch = [torch.from_numpy(mask[None, None].copy()) for mask in (drawn, real.mask)]
            whole = {"include_background": True, "spacing": list(real.spacing_mm)}

            hd95 = monai.compute_hausdorff_distance(*batch, percentile=95, **whole).item()
            nsd = monai.compute_surface_dice(*batch, [TOLERANCE_MM], **whole).item()

            assert scores.hd95_mm == pytest.approx(hd95, rel=1e-5), real.name
            assert scores.nsd == pytest.approx(nsd, abs=1e-6), real.name


@needs_shared
def test_real_pairs_are_near_surface_distance(real_pairs: Pairs) -> None:
    """It lays surfaces between voxels and weighs them by area, so that its numbers are others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import surface_distance

        gaps = []
        for drawn, real, scores in real_pairs:
            found = surface_distance.compute_surface_distances(real.mask, drawn, real.spacing_mm)
            nsd = surface_distance.compute_surface_dice_at_tolerance(found, TOLERANCE_MM)
            hd95_mm = surface_distance.compute_robust_hausdorff(found, 95)
            diagonal_mm = float(np.linalg.norm(real.spacing_mm))
            gaps.append((abs(scores.nsd - nsd), abs(scores.hd95_mm - hd95_mm) / diagonal_mm))

    nsd_gap, hd95_gap = np.median(gaps, axis=0)
    assert nsd_gap <= 0.1
    assert hd95_gap <= 0.5  # of the diagonal of a voxel


def assert_as_by_maps(
    scores: VolumeScores, prediction: VolumeMask, reference: VolumeMask, spacing_mm: SpacingMm
) -> None:
    """Assert the scores of two masks by distance maps of the whole volume."""

    def surface(mask: VolumeMask) -> VolumeMask:
        return np.asarray(mask & ~ndimage.binary_erosion(mask))

    one, other = surface(prediction), surface(reference)
    to_other = ndimage.distance_transform_edt(~other, sampling=spacing_mm)[one]
    to_one = ndimage.distance_transform_edt(~one, sampling=spacing_mm)[other]
    pooled = np.concatenate([to_other, to_one])
    hd95 = max(np.percentile(to_other, 95), np.percentile(to_one, 95))
    assert scores.counts == Counts(
        int((prediction & reference).sum()),
        int((prediction & ~reference).sum()),
        int((~prediction & reference).sum()),
    )
    assert scores.hd95_mm == pytest.approx(float(hd95), abs=1e-9)
    assert scores.nsd == pytest.approx(float((pooled <= TOLERANCE_MM + 1e-9).mean()), abs=1e-12)
    seen, there = prediction.any(axis=(1, 2)), reference.any(axis=(1, 2))
    assert scores.overrun_slices == int((seen & ~there).sum())
    assert scores.missed_slices == int((there & ~seen).sum())
