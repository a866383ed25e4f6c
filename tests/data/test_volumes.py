from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from cosmos_board.data.volumes import (
    Plane,
    Volume,
    choose_plane,
    count_slices,
    is_sheared,
    orient,
    spans_space,
    take_slice,
)


@pytest.mark.parametrize(
    ("spacing_mm", "plane"),
    [
        pytest.param((1.0, 1.0, 1.0), "axial", id="equal"),
        pytest.param((3.0, 1.0, 1.0), "axial", id="thick axial slices"),
        pytest.param((1.0, 3.0, 1.0), "coronal", id="thick coronal slices"),
        pytest.param((1.0, 1.0, 3.0), "sagittal", id="thick sagittal slices"),
        pytest.param((1.0, 1.009, 1.0), "axial", id="within one per cent"),
        pytest.param((1.0, 1.02, 1.0), "coronal", id="beyond one per cent"),
        pytest.param((1.0, 1.0, 1.02), "sagittal", id="sagittal beyond one per cent"),
        pytest.param((1.0, 2.0, 2.0), "coronal", id="coronal before sagittal"),
    ],
)
def test_the_plane_is_that_of_the_smallest_pixels(
    spacing_mm: tuple[float, float, float], plane: Plane
) -> None:
    assert choose_plane(spacing_mm) == plane


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product([1, -1], repeat=3)))
def test_each_orientation_comes_to_the_same_volume(
    axes: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    """A volume stored in any of the 48 ways is turned to the one way, and stays in place."""
    spacing = (0.5, 0.75, 2.0)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (10, 20, 30)
    world = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    stored, stored_affine = world.transpose(2, 1, 0), affine
    for axis, sign in enumerate(signs):
        if sign < 0:
            stored = np.flip(stored, axis)
            stored_affine = stored_affine.copy()
            stored_affine[:, 3] += stored_affine[:, axis] * (stored.shape[axis] - 1)
            stored_affine[:, axis] *= -1
    stored = stored.transpose(axes)
    stored_affine = stored_affine[:, [*axes, 3]]

    turned = orient(Volume(stored.transpose(2, 1, 0), stored_affine))

    assert (turned.voxels == world).all()
    np.testing.assert_allclose(turned.affine_lps, affine)
    assert turned.spacing_mm == (2.0, 0.75, 0.5)


def test_an_oblique_volume_uses_each_axis_once() -> None:
    angle = np.pi / 4
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]

    turned = orient(Volume(np.arange(24).reshape(2, 3, 4), affine))

    assert sorted(turned.voxels.ravel()) == list(range(24))


@pytest.mark.parametrize("tilt", [-25.0, 15.0, 50.0])
@pytest.mark.parametrize("flips", list(product([1, -1], repeat=3)))
def test_a_sheared_volume_is_turned_and_stays_in_place(
    tilt: float, flips: tuple[int, int, int]
) -> None:
    """Slices of a tilted gantry: each is shifted down against the one before."""
    sheared = np.diag([0.5, 0.5, 3.0, 1.0])
    sheared[1, 2] = 3.0 * np.tan(np.radians(tilt))
    stored, affine = np.arange(2 * 3 * 4).reshape(2, 3, 4), sheared.copy()
    for axis, flip in enumerate(flips):
        if flip < 0:
            stored = np.flip(stored, 2 - axis)
            affine[:, 3] += affine[:, axis] * (stored.shape[2 - axis] - 1)
            affine[:, axis] *= -1

    turned = orient(Volume(stored, affine))

    assert np.array_equal(turned.voxels, np.arange(24).reshape(2, 3, 4))
    np.testing.assert_allclose(turned.affine_lps, sheared, atol=1e-12)
    assert choose_plane(turned.spacing_mm) == "axial"
    assert is_sheared(affine)
    assert not is_sheared(np.diag([1e-6, 2, 3, 1.0]))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_three_axes_span_space_whatever_their_lengths(scale: float) -> None:
    oblique = np.eye(4)
    oblique[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0.1], [0, 0, 1]]) * scale
    flat = oblique.copy()
    flat[:3, 2] = oblique[:3, 0] + oblique[:3, 1]

    assert spans_space(oblique)
    assert not spans_space(flat)
    assert not spans_space(np.where(np.eye(4) > 0, np.nan, 0))


def test_slices_show_the_body_the_way_it_is_looked_at() -> None:
    """Head up, front up or left: the corner voxel of each slice says which way it lies."""
    voxels = np.arange(2 * 3 * 4).reshape(2, 3, 4)

    axial, coronal, sagittal = (
        take_slice(voxels, plane, 1) for plane in ("axial", "coronal", "sagittal")
    )

    assert (axial.shape, axial[0, 0]) == ((3, 4), voxels[1, 0, 0])
    assert (coronal.shape, coronal[0, 0]) == ((2, 4), voxels[1, 1, 0])
    assert (sagittal.shape, sagittal[0, 0]) == ((2, 3), voxels[1, 0, 1])
    assert [count_slices(voxels, plane) for plane in ("axial", "coronal", "sagittal")] == [2, 3, 4]
