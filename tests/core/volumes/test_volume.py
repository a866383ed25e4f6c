from __future__ import annotations

from math import nan

import numpy as np
import pytest

from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.volumes import Volume, VolumeMask, VolumeReference, get_volume_prompt_kind


def make_reference(mask: VolumeMask) -> VolumeReference:
    """Return the reference that is `mask`."""
    slices = tuple((index, encode_mask(drawn)) for index, drawn in enumerate(mask) if drawn.any())
    return VolumeReference("v.organ.0", "v", "organ", 0, len(mask), slices)


def draw(*sizes: int) -> VolumeMask:
    """Return a mask with so many voxels on each slice."""
    mask = np.zeros((len(sizes), 3, 4), np.bool_)
    for drawn, size in zip(mask, sizes, strict=True):
        drawn.ravel()[:size] = True
    return mask


def test_a_reference_gives_its_mask_back_with_gaps_and_ends() -> None:
    mask = draw(0, 3, 0, 7, 2, 0)

    reference = make_reference(mask)

    np.testing.assert_array_equal(reference.mask(), mask)
    np.testing.assert_array_equal([reference.slice_mask(index) for index in range(6)], mask)
    assert (reference.first_slice, reference.last_slice, reference.voxels) == (1, 4, 12)


@pytest.mark.parametrize(
    ("sizes", "expected"), [((1, 5, 3), 1), ((0, 4, 4, 2), 1), ((3, 1, 3), 0), ((0, 0, 1), 2)]
)
def test_prompts_are_given_on_the_largest_slice_the_lowest_on_a_tie(
    sizes: tuple[int, ...], expected: int
) -> None:
    assert make_reference(draw(*sizes)).prompt_slice == expected


@pytest.mark.parametrize("indices", [(2, 1), (1, 1), (-1, 0), (2, 3)])
def test_slices_that_are_no_slices_of_one_volume_are_refused(indices: tuple[int, ...]) -> None:
    rle = encode_mask(np.ones((3, 4), np.bool_))

    with pytest.raises(InputError, match="slices: are not slices of one volume"):
        VolumeReference("v.organ.0", "v", "organ", 0, 3, tuple((i, rle) for i in indices))


@pytest.mark.parametrize("length", [0.0, -1.0, nan])
def test_a_spacing_that_is_no_distance_is_refused(length: float) -> None:
    voxels = np.zeros((2, 3, 4), np.uint8)

    with pytest.raises(InputError, match="spacing_mm: is no distance"):
        Volume("v", "d", "ct", "d-00001", voxels, (1.0, length, 1.0))


def test_a_prompt_of_another_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="slice-box"):
        get_volume_prompt_kind("slice-boxes")
