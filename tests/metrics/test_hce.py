"""Human correction effort on cases that can be corrected in one's head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask
from cosmos_board.metrics.hce import CorrectionEffort, measure_hce
from cosmos_board.metrics.reference import prepare_reference
from tests.masks import draw

NOTHING = CorrectionEffort(0, 0, 0, 0)


def blocks(*boxes: tuple[int, int, int, int], side: int = 120) -> Mask:
    """Return a mask of filled boxes (top, left, bottom, right), ends exclusive."""
    mask = np.zeros((side, side), np.bool_)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


BLOCK = blocks((30, 30, 80, 80))


def test_the_reference_itself_needs_no_correction() -> None:
    assert measure_hce(BLOCK, prepare_reference(BLOCK)) == NOTHING


def test_a_rim_thinner_than_the_tolerance_is_forgiven() -> None:
    wider, narrower = blocks((27, 27, 83, 83)), blocks((33, 33, 77, 77))

    assert measure_hce(wider, prepare_reference(BLOCK)) == NOTHING
    assert measure_hce(narrower, prepare_reference(BLOCK)).extra_points == 0


def test_a_stray_block_is_one_click() -> None:
    prediction = BLOCK | blocks((90, 90, 115, 115))

    assert measure_hce(prediction, prepare_reference(BLOCK)) == CorrectionEffort(0, 1, 0, 0)


def test_a_hole_is_one_click() -> None:
    prediction = BLOCK & ~blocks((45, 45, 65, 65))

    assert measure_hce(prediction, prepare_reference(BLOCK)) == CorrectionEffort(0, 0, 0, 1)


def test_a_missed_block_is_outlined_by_its_corners() -> None:
    """The tolerance bevels four corners into eight; the outline's end lies beside its start."""
    both = BLOCK | blocks((90, 90, 115, 115))

    assert measure_hce(BLOCK, prepare_reference(both)) == CorrectionEffort(0, 0, 9, 0)


def test_an_attached_bulge_is_cut_off_along_one_line() -> None:
    """The bulge touches the block on one straight side: two control points."""
    prediction = BLOCK | blocks((40, 80, 70, 110))

    effort = measure_hce(prediction, prepare_reference(BLOCK))

    assert effort == CorrectionEffort(2, 0, 0, 0)
    assert effort.total == 2


def test_a_missed_thin_line_counts_because_it_is_skeleton() -> None:
    """Too thin to survive erosion, but the structure would be lost."""
    reference = BLOCK | blocks((55, 80, 56, 110))

    effort = measure_hce(BLOCK, prepare_reference(reference))

    assert effort.missing_points == 2
    assert (effort.extra_points, effort.extra_regions, effort.missing_regions) == (0, 0, 0)


def test_a_drawn_thin_line_is_forgiven() -> None:
    prediction = BLOCK | blocks((55, 80, 56, 110))

    assert measure_hce(prediction, prepare_reference(BLOCK)) == NOTHING


def test_nothing_drawn_costs_the_outline_of_the_reference() -> None:
    effort = measure_hce(np.zeros_like(BLOCK), prepare_reference(BLOCK))

    assert effort == CorrectionEffort(0, 0, 9, 0)


def test_without_tolerance_the_rim_is_no_longer_forgiven() -> None:
    wider = blocks((27, 27, 83, 83))

    assert measure_hce(wider, prepare_reference(BLOCK), relax_px=0).extra_points > 0


def test_masks_of_different_size_are_refused() -> None:
    with pytest.raises(InputError, match="size"):
        measure_hce(draw("##"), prepare_reference(draw("###")))


@given(seed=st.integers(0, 10_000), border=st.integers(12, 20))
@settings(max_examples=20)
def test_a_wider_image_changes_nothing(seed: int, border: int) -> None:
    """Objects stay away from the edge, where an image cut short would be no thinner."""
    rng = np.random.default_rng(seed)
    prediction, reference = (
        np.pad(np.kron(rng.random((5, 5)) < 0.5, np.ones((9, 9), np.bool_)), 8) for _ in range(2)
    )
    if not reference.any():
        return
    wide = [np.pad(mask, border) for mask in (prediction, reference)]

    assert measure_hce(wide[0], prepare_reference(wide[1])) == measure_hce(
        prediction, prepare_reference(reference)
    )
