from __future__ import annotations

import warnings

import numpy as np
import pytest
from skimage.segmentation import random_walker

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.classical import walker_compiled
from cosmos_board.models.classical.random_walker import RandomWalker, walk
from cosmos_board.models.classical.walker_seeds import mark_seeds
from cosmos_board.models.classical.walker_system import build_system, measure_weights, solve_plainly
from tests.models.scenes import draw_scene
from tests.shared import needs_shared, read_real_references

PROMPTS = {
    "point": make_prompt([(30, 25)]),
    "points": make_prompt([(30, 25), (33, 20)], [(5, 5), (50, 40)]),
    "box": make_prompt(box_xyxy=(20, 12, 45, 38)),
    "box and point": make_prompt([(25, 20)], box_xyxy=(20, 12, 45, 38)),
    "box at the corner": make_prompt(box_xyxy=(0, 0, 20, 30)),
}


def _segment_with_scikit_image(pixels: Pixels, prompt: Prompt) -> Mask:
    seeds = mark_seeds(pixels.shape[0], pixels.shape[1], prompt)
    channel_axis = None if pixels.ndim == 2 else -1
    with warnings.catch_warnings():
        # It warns where its answer is approximate; we stop at the same approximation.
        warnings.simplefilter("ignore", UserWarning)
        labels = random_walker(
            pixels, seeds.astype(np.int32), beta=130, mode="cg_j", channel_axis=channel_axis
        )
    mask: Mask = labels == 2
    return mask


@pytest.mark.parametrize("grey", [True, False], ids=["grey", "rgb"])
@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_masks_are_those_of_scikit_image(prompt: Prompt, grey: bool) -> None:
    scene = draw_scene(50, 60)
    pixels = scene[..., 0].copy() if grey else scene

    mask = walk(measure_weights(pixels), prompt)

    np.testing.assert_array_equal(mask, _segment_with_scikit_image(pixels, prompt))


@needs_shared
def test_mask_on_a_real_image_is_that_of_scikit_image() -> None:
    """Some hundred steps from either solver, and a whole image in place of a window."""
    reference = next(one for one in read_real_references(1) if one.mask.size > 40_000)
    y, x = (int(v[len(v) // 2]) for v in np.nonzero(reference.mask))
    prompt = make_prompt([(x, y)])

    mask = walk(measure_weights(reference.pixels), prompt)

    expected = _segment_with_scikit_image(reference.pixels, prompt)
    assert (mask != expected).mean() <= 1e-5, reference.name


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_compiled_and_plain_solvers_agree(prompt: Prompt) -> None:
    system = build_system(measure_weights(draw_scene(50, 60)), mark_seeds(50, 60, prompt))
    matrix = (system.diagonal, system.right, system.down)

    for side in (system.background, system.foreground):
        plain = solve_plainly(*matrix, side, 1e-3)
        compiled = walker_compiled.solve(*matrix, side, 1e-3)

        np.testing.assert_allclose(compiled, plain, atol=1e-9)


def test_border_is_background_unless_a_negative_point_says_where_it_is() -> None:
    without = mark_seeds(9, 9, make_prompt([(4, 4)]))
    with_negative = mark_seeds(9, 9, make_prompt([(4, 4)], [(0, 0)]))

    assert (without[[0, -1]] == 1).all()
    assert (without == 2).sum() == 13
    assert (with_negative[-1] == 0).all()
    assert (with_negative == 1).sum() == 6, "a quarter of a disc lies in the image"


def test_outside_of_a_box_is_background_even_under_a_disc() -> None:
    seeds = mark_seeds(9, 9, make_prompt([(3, 3)], box_xyxy=(3, 3, 7, 7)))

    assert (seeds[:3] == 1).all()
    assert seeds[3, 3] == 2


def test_centre_of_a_box_stands_in_for_a_missing_point() -> None:
    seeds = mark_seeds(12, 12, make_prompt(box_xyxy=(2, 2, 9, 10)))

    assert seeds[6, 6] == 2
    assert (seeds == 2).sum() == 13


def test_each_point_keeps_its_own_pixel() -> None:
    seeds = mark_seeds(12, 12, make_prompt([(5, 5)], [(6, 5)]))

    assert seeds[5, 5] == 2
    assert seeds[5, 6] == 1


def test_a_box_around_the_whole_image_leaves_no_background() -> None:
    mask = walk(measure_weights(draw_scene(8, 8)), make_prompt(box_xyxy=(0, 0, 7, 7)))

    assert mask.all()


def test_a_constant_image_is_split_halfway() -> None:
    model = RandomWalker()
    embedding = model.embed(np.full((21, 41), 7, np.uint8))

    (answer,) = model.predict(embedding, [make_prompt([(5, 10)], [(35, 10)])])

    mask = answer.masks[0]
    assert mask[:, :18].all()
    assert not mask[:, 23:].any()
