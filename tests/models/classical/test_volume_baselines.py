"""The baselines of the volume track draw what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import SlicePrompt, SpacingMm, VolumeMask
from cosmos_board.models.classical.box_prior import draw_ellipse
from cosmos_board.models.classical.ellipsoid import Ellipsoid
from cosmos_board.models.classical.random_walker import RandomWalker
from cosmos_board.models.segmenter import VolumeSegmenter
from cosmos_board.phantoms.solids import Ellipsoid as EllipsoidSolid
from cosmos_board.phantoms.solids import draw_solid

SHAPE = (21, 40, 48)
SPACING_MM: SpacingMm = (2.0, 1.0, 0.5)
BOX = (10, 12, 33, 23)
"""24 × 12 pixels of 0.5 × 1 mm: 12 × 12 mm, so the third axis is 12 mm, too."""


def box_on(index: int, box: tuple[int, int, int, int] = BOX) -> SlicePrompt:
    return SlicePrompt(index, make_prompt(box_xyxy=box))


def ask(
    segmenter: VolumeSegmenter, *prompts: SlicePrompt, bright: VolumeMask | None = None
) -> VolumeMask:
    voxels = np.where(np.zeros(SHAPE, np.bool_) if bright is None else bright, 180, 40).astype(
        np.uint8
    )
    return segmenter.predict_volume(segmenter.open_volume(voxels, SPACING_MM), prompts)


def test_the_ellipsoid_is_that_of_solid_geometry() -> None:
    drawn = ask(Ellipsoid(), box_on(10))

    solid = EllipsoidSolid((6.0, 6.0, 6.0))
    centre = (10 * 2.0, 17.5 * 1.0, 21.5 * 0.5)
    assert np.array_equal(drawn, draw_solid(solid, SHAPE, SPACING_MM, centre))
    assert np.array_equal(drawn[10], draw_ellipse(*SHAPE[1:], BOX))


def test_a_mask_counts_as_its_tight_box_and_a_point_as_the_disc_of_the_box_prior() -> None:
    mask = draw_ellipse(*SHAPE[1:], BOX)
    given = SlicePrompt(10, make_prompt(), encode_mask(mask))
    point = ask(Ellipsoid(), SlicePrompt(10, make_prompt([(24, 20)])))

    assert np.array_equal(ask(Ellipsoid(), given), ask(Ellipsoid(), box_on(10)))
    reach_px = np.flatnonzero(point[10].any(axis=0))[[0, -1]] - 24
    assert reach_px.tolist() == [-5, 5]


def test_boxes_on_three_slices_say_how_far_the_ellipsoid_reaches() -> None:
    small = (20, 16, 23, 19)
    drawn = ask(Ellipsoid(), box_on(4, small), box_on(8), box_on(17, small))

    assert np.flatnonzero(drawn.any(axis=(1, 2))).tolist() == list(range(4, 18))
    assert np.array_equal(drawn[8], draw_ellipse(*SHAPE[1:], BOX))


@pytest.mark.parametrize("prompt", ["slice-box", "slice-point", "slice-mask", "ends-box"])
def test_the_walker_fills_a_bright_object_and_stops_at_its_surface(prompt: str) -> None:
    bright = np.zeros(SHAPE, np.bool_)
    bright[9:12, 14:22, 17:28] = True
    box = (17, 14, 27, 21)
    prompts = {
        "slice-box": [box_on(10, box)],
        "slice-point": [SlicePrompt(10, make_prompt([(22, 18)]))],
        "slice-mask": [SlicePrompt(10, make_prompt(), encode_mask(bright[10]))],
        "ends-box": [box_on(index, box) for index in (9, 10, 11)],
    }[prompt]
    drawn = ask(RandomWalker(), *prompts, bright=bright)

    assert np.array_equal(drawn, bright)
