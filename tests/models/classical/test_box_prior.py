from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.classical.box_prior import BoxPrior, draw_ellipse, draw_prior
from tests.masks import draw


def test_ellipse_touches_the_middle_of_each_side_of_its_box() -> None:
    expected = draw(
        """
        .........
        ..#####..
        .#######.
        .#######.
        .#######.
        ..#####..
        .........
        """
    )

    mask = draw_prior(7, 9, make_prompt(box_xyxy=(1, 1, 7, 5)))

    np.testing.assert_array_equal(mask, expected)


def test_disc_without_a_box_has_an_eighth_of_the_short_side_as_radius() -> None:
    mask = draw_prior(16, 40, make_prompt([(20, 8), (3, 3)]))

    assert mask.sum() == 13, "the pixels within 2 of the first point"
    assert mask[8, 18:23].all()


def test_a_box_wins_over_points() -> None:
    box = (2, 3, 9, 8)

    with_point = draw_prior(20, 20, make_prompt([(15, 15)], box_xyxy=box))

    np.testing.assert_array_equal(with_point, draw_ellipse(20, 20, box))


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
def test_ellipse_fills_about_pi_quarters_of_its_box_and_never_leaves_it(
    left: int, top: int, width: int, height: int
) -> None:
    box = (left, top, left + width - 1, top + height - 1)

    mask = draw_ellipse(40, 40, box)

    inside = mask[top : top + height, left : left + width]
    assert inside.sum() == mask.sum()
    assert np.pi / 4 * width * height - width - height <= mask.sum() <= width * height
    np.testing.assert_array_equal(inside, inside[::-1, ::-1])


def test_everything_and_nothing_are_refused() -> None:
    model = BoxPrior()
    embedding = model.embed(np.zeros((8, 8), np.uint8))

    with pytest.raises(InputError, match="box-prior: everything"):
        model.segment_everything(embedding)
    with pytest.raises(InputError, match="neither points nor a box"):
        model.predict(embedding, [make_prompt()])
