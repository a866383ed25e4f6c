"""Masks are matched to their image by the places of their voxels."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from cosmos_board.data.imports.reading.fit import lies_like, lies_within, resample_nearest
from cosmos_board.data.volumes import Volume, turn_like

SHAPE = (3, 4, 5)


def make_affine(spacing: float, tilt: float = 0.0, turn: float = 0.0) -> NDArray[np.float64]:
    """Return a volume's affine: slices three times as far apart as pixels, tilted and turned."""
    affine = np.eye(4)
    angle = np.radians(turn)
    rotation = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    shear = np.eye(3)
    shear[1, 2] = np.tan(np.radians(tilt))
    affine[:3, :3] = np.array(rotation) @ shear @ np.diag([1, 1, 3.0]) * spacing
    affine[:3, 3] = np.array([10, 20, 30]) * spacing
    return affine


def store(volume: Volume, axes: tuple[int, ...], signs: tuple[int, ...]) -> Volume:
    """Return the same volume with its axes flipped and swapped in the file."""
    stored, affine = volume.voxels.transpose(2, 1, 0), volume.affine_lps.copy()
    for axis, sign in enumerate(signs):
        if sign < 0:
            stored = np.flip(stored, axis)
            affine[:, 3] += affine[:, axis] * (stored.shape[axis] - 1)
            affine[:, axis] *= -1
    return Volume(stored.transpose(axes).transpose(2, 1, 0), affine[:, [*axes, 3]])


@pytest.mark.parametrize("spacing", [1e-6, 1e-3, 1.0, 1e4])
@pytest.mark.parametrize(("tilt", "turn"), [(0, 0), (0, 45), (20, 0), (-30, 45)])
def test_all_48_storage_orders_of_a_volume_lie_alike(
    spacing: float, tilt: float, turn: float
) -> None:
    image = Volume(np.arange(60).reshape(SHAPE), make_affine(spacing, tilt, turn))

    for axes, signs in product(permutations(range(3)), product([1, -1], repeat=3)):
        mask = store(image, axes, signs)

        assert lies_like(mask, image)
        assert np.array_equal(turn_like(mask, image).voxels, image.voxels)
        assert np.array_equal(resample_nearest(mask, image), image.voxels)


@pytest.mark.parametrize("spacing", [1e-6, 1e-3, 1.0, 1e4])
@pytest.mark.parametrize("shift", [(1, 0, 0), (0, 0.2, 0), (0, 0, 0.2)])
def test_a_mask_that_is_shifted_lies_elsewhere(spacing: float, shift: tuple[float, ...]) -> None:
    image = Volume(np.zeros(SHAPE), make_affine(spacing, tilt=10))
    moved = image.affine_lps.copy()
    moved[:3, 3] += image.affine_lps[:3, :3] @ shift

    assert not lies_like(Volume(np.zeros(SHAPE), moved), image)


def test_a_tilted_mask_does_not_lie_like_a_straight_image() -> None:
    straight = Volume(np.zeros(SHAPE), make_affine(1.0))

    assert not lies_like(Volume(np.zeros(SHAPE), make_affine(1.0, tilt=15)), straight)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_a_part_of_an_image_lies_within_it(axes: tuple[int, ...], signs: tuple[int, ...]) -> None:
    image = Volume(np.arange(60).reshape(SHAPE), make_affine(0.5, tilt=20, turn=30))
    affine = image.affine_lps.copy()
    affine[:3, 3] += affine[:3, :3] @ [2, 1, 0]
    part = store(Volume(image.voxels[:2, 1:3, 2:], affine), axes, signs)
    expected = np.zeros(SHAPE, image.voxels.dtype)
    expected[:2, 1:3, 2:] = image.voxels[:2, 1:3, 2:]

    assert lies_within(part, image)
    assert not lies_within(image, part)
    assert np.array_equal(resample_nearest(part, image), expected)
