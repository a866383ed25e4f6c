from __future__ import annotations

from math import pi

import numpy as np
import pytest
from scipy import ndimage

from cosmos_board.core.volumes import SpacingMm
from cosmos_board.phantoms.solids import Ellipsoid, Solid, Tube, Wall, draw_solid, random_turn
from cosmos_board.phantoms.volumes import VOLUME_SPACING_MM, draw_phantom_volume

SOLIDS: dict[str, Solid] = {
    "ellipsoid": Ellipsoid((9.0, 7.0, 5.0)),
    "wall": Wall(Ellipsoid((9.0, 8.0, 7.0)), 0.7),
    "tube": Tube(4.0, 14.0),
    "branches": Tube(2.5, 18.0, ((-4.0, 9.0), (4.0, 8.0))),
}


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5, 0.5), (1.0, 0.6, 0.4)])
def test_voxels_fill_the_volume_that_a_solid_has(name: str, spacing_mm: SpacingMm) -> None:
    shape = tuple(round(28 / step) for step in spacing_mm)
    turn = random_turn(np.random.default_rng(1))

    drawn = draw_solid(SOLIDS[name], shape, spacing_mm, (14.1, 14.0, 13.9), turn)  # type: ignore[arg-type]

    filled = np.count_nonzero(drawn) * float(np.prod(spacing_mm))
    assert filled == pytest.approx(SOLIDS[name].volume_mm3, rel=0.01)


def test_a_ball_has_the_volume_of_the_textbook() -> None:
    assert Ellipsoid((3.0, 3.0, 3.0)).volume_mm3 == pytest.approx(36 * pi)


def test_a_turn_keeps_lengths_and_hands() -> None:
    turn = random_turn(np.random.default_rng(0))

    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_a_phantom_has_all_kinds_of_objects_inside_and_apart(seed: int) -> None:
    phantom = draw_phantom_volume(seed)

    masks = [reference.mask for reference in phantom.references]
    assert [reference.object for reference in phantom.references] == [
        "ellipsoid", "tube", "wall", "cavity", "vessel", "ball", "ball",
    ]  # fmt: skip
    assert np.sum(masks, axis=0).max() == 1
    border = np.ones(phantom.voxels.shape, np.bool_)
    border[1:-1, 1:-1, 1:-1] = False
    assert not any((mask & border).any() for mask in masks)
    for reference in phantom.references:
        filled = np.count_nonzero(reference.mask) * np.prod(VOLUME_SPACING_MM)
        assert filled == pytest.approx(reference.volume_mm3, rel=0.1)


def test_nested_objects_enclose_and_balls_touch() -> None:
    by_name = {
        (reference.object, reference.instance): reference.mask
        for reference in draw_phantom_volume(0).references
    }

    both = by_name["wall", ""] | by_name["cavity", ""]
    np.testing.assert_array_equal(ndimage.binary_fill_holes(by_name["wall", ""]), both)
    balls = by_name["ball", "a"] | by_name["ball", "b"]
    assert ndimage.label(balls, np.ones((3, 3, 3)))[1] == 1


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other, third = (draw_phantom_volume(seed).voxels.tobytes() for seed in (4, 4, 5))

    assert one == other != third
