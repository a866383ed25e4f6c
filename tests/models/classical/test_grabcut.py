from __future__ import annotations

import cv2
import numpy as np
import pytest

from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.classical.grabcut import GrabCut, cut, mark_start
from tests.models.scenes import draw_scene

CERTAIN_OUT, CERTAIN_IN, LIKELY_OUT, LIKELY_IN = range(4)


def test_outside_of_a_box_is_certain_and_inside_likely() -> None:
    start = mark_start(4, 5, make_prompt([(2, 2)], [(1, 1)], box_xyxy=(1, 1, 3, 2)))

    expected = [[0, 0, 0, 0, 0], [0, 0, 3, 3, 0], [0, 3, 1, 3, 0], [0, 0, 0, 0, 0]]
    assert start.tolist() == expected


def test_without_a_box_the_disc_is_likely_and_the_points_are_certain() -> None:
    start = mark_start(16, 16, make_prompt([(8, 8), (1, 1)], [(15, 15)]))

    assert start[8, 8] == start[1, 1] == CERTAIN_IN
    assert start[15, 15] == CERTAIN_OUT
    assert (start == LIKELY_IN).sum() == 12, "radius 2, less the point"
    assert start[0, 8] == LIKELY_OUT


def test_result_is_that_of_opencv_with_five_iterations() -> None:
    pixels = draw_scene(40, 50)
    prompt = make_prompt(box_xyxy=(8, 6, 30, 28))
    mask = mark_start(40, 50, prompt)
    cv2.setRNGSeed(0)
    cv2.grabCut(pixels, mask, None, None, None, 5, cv2.GC_INIT_WITH_MASK)

    np.testing.assert_array_equal(cut(pixels, prompt), (mask == 1) | (mask == 3))


def test_answer_does_not_depend_on_what_ran_before() -> None:
    model = GrabCut()
    embedding = model.embed(draw_scene(40, 50)[..., 0])
    prompts = [make_prompt([(x, 20)]) for x in (10, 25, 40)]

    first = model.predict(embedding, prompts)
    cv2.setRNGSeed(99)
    second = model.predict(embedding, prompts[::-1])[::-1]

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.masks, other.masks)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0, 0, 11, 9), id="box is the image"),
        pytest.param((3, 3, 4, 4), id="box of four pixels"),
    ],
)
def test_too_few_pixels_to_learn_from_leave_the_guess(box: tuple[int, int, int, int]) -> None:
    mask = cut(draw_scene(10, 12), make_prompt(box_xyxy=box))

    left, top, right, bottom = box
    assert mask.sum() == (right - left + 1) * (bottom - top + 1)
    assert mask[top : bottom + 1, left : right + 1].all()
