"""A click goes to the middle of the deepest error."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cosmos_board.core.masks import Mask
from cosmos_board.prompts.clicks import Click, next_click
from tests.masks import draw

EMPTY = draw("..... ..... .....")


def test_a_missed_object_is_clicked_in_its_middle() -> None:
    assert next_click(draw("..... ..... .###. .###. .###. ....."), draw("..... " * 6), []) == Click(
        2, 3, True
    )


def test_the_outside_of_the_image_counts_as_zero() -> None:
    assert next_click(draw("##### ##### #####"), EMPTY, []) == Click(1, 1, True)


def test_extra_pixels_draw_a_negative_click() -> None:
    assert next_click(EMPTY, draw("..... .###. ....."), []) == Click(1, 1, False)


def test_a_tie_goes_to_the_missed_pixels() -> None:
    assert next_click(draw("#...."), draw("....#"), []) == Click(0, 0, True)


def test_clicked_pixels_are_not_clicked_again() -> None:
    reference = draw("##...")

    assert next_click(reference, draw("....."), [Click(0, 0, True)]) == Click(1, 0, True)
    assert next_click(reference, draw("....."), [Click(0, 0, True), Click(1, 0, True)]) is None


def test_no_error_draws_no_click() -> None:
    assert next_click(draw(".##"), draw(".##"), []) is None


@given(masks=arrays(np.bool_, st.tuples(st.just(2), st.integers(1, 24), st.integers(1, 24))))
def test_clicks_agree_with_an_exact_distance_transform(masks: Mask) -> None:
    """Second implementation: SciPy's exact transform on the padded full frame."""
    reference, prediction = masks
    depths = []
    for error in (reference & ~prediction, prediction & ~reference):
        depth = ndimage.distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1]
        depths.append(np.rint(depth**2))
    missed, extra = depths

    click = next_click(reference, prediction, [])

    if max(missed.max(), extra.max()) == 0:
        assert click is None
    else:
        assert click is not None
        depth = missed if missed.max() >= extra.max() else extra
        assert click.positive == (missed.max() >= extra.max())
        assert click.y * depth.shape[1] + click.x == int(np.argmax(depth))
