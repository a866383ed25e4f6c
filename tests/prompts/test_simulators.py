"""Points are where the protocol says, for any mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from cosmos_board.core.masks import Mask
from cosmos_board.prompts.simulators import even_picks, negative_points, positive_points, tight_box
from tests.masks import any_reference, draw

RING = draw("##### #...# #...# #...# #####")


def test_first_point_is_the_centre_of_mass_where_that_lies_inside() -> None:
    assert positive_points(draw("..... .###. .###. ....."), 1).tolist() == [[2, 2]]


def test_centre_of_mass_is_rounded_half_up() -> None:
    assert positive_points(draw("##.. ##.."), 1).tolist() == [[1, 1]]


def test_all_points_come_from_the_list_where_the_centre_lies_outside() -> None:
    """The ring has 16 pixels; one point is pixel 8 of its list, five are 1, 4, 8, 11 and 14."""
    assert positive_points(RING, 1).tolist() == [[4, 2]]
    assert positive_points(RING, 5).tolist() == [[1, 0], [4, 0], [4, 2], [0, 4], [3, 4]]


def test_four_points_follow_a_centre_that_lies_inside() -> None:
    block = draw("#### ####")

    assert positive_points(block, 5).tolist() == [[2, 1], [1, 0], [3, 0], [1, 1], [3, 1]]


def test_negative_points_lie_in_the_doubled_box() -> None:
    """A 2×2 block at (3, 3): columns and rows 2 to 5, less the block."""
    reference = np.zeros((8, 8), bool)
    reference[3:5, 3:5] = True

    points = negative_points(reference, 5)

    assert points.tolist() == [[3, 2], [5, 2], [2, 4], [2, 5], [4, 5]]


def test_all_pixels_are_negative_points_where_too_few_are_left() -> None:
    assert len(negative_points(draw("##. ##."), 5)) == 2


@pytest.mark.parametrize("count", [1, 4, 5, 6, 17, 1000])
def test_picks_are_even_and_never_repeat(count: int) -> None:
    picks = even_picks(count, 5)

    assert len(set(picks.tolist())) == min(count, 5)
    assert picks.tolist() == sorted(picks.tolist())
    assert picks.max() < count


@given(reference=any_reference())
def test_positive_points_lie_inside_and_negative_ones_outside(reference: Mask) -> None:
    positive = positive_points(reference, 5)
    negative = negative_points(reference, 5)

    assert reference[positive[:, 1], positive[:, 0]].all()
    assert not reference[negative[:, 1], negative[:, 0]].any()


@given(reference=any_reference())
def test_negative_points_stay_within_one_width_of_the_box_centre(reference: Mask) -> None:
    min_x, min_y, max_x, max_y = tight_box(reference)
    xs, ys = negative_points(reference, 5).T

    assert (np.abs(2 * xs - (min_x + max_x)) <= 2 * (max_x - min_x + 1)).all()
    assert (np.abs(2 * ys - (min_y + max_y)) <= 2 * (max_y - min_y + 1)).all()
