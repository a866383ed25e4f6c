"""Factors counted by hand, their edges and their laws."""

from __future__ import annotations

from dataclasses import fields
from math import hypot, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.core.targets import Factors
from cosmos_board.factors import FACTORS, Factor, compute_factors
from cosmos_board.factors.definitions import find_largest_component
from tests.masks import any_reference, draw
from tests.second_opinions import measure_plain_factors
from tests.shared import needs_shared, read_real_references


def grey(mask: Mask, inside: int = 0, outside: int = 0) -> Pixels:
    return np.where(mask, inside, outside).astype(np.uint8)


# --- counted by hand ---


def test_size_ratio_and_components() -> None:
    """Two bars touch by a corner and are one component; the dot is another."""
    mask = draw("##.... ..#..# ......")

    factors = compute_factors(grey(mask), mask)

    assert (factors.size_px, factors.aspect_ratio, factors.components) == (4, 2 / 6, 2)


def test_intensity_difference_leaves_the_rest_of_the_image_out() -> None:
    """A 10×20 block: the surround is 1 row and 2 columns wide; what lies beyond is ignored."""
    mask = np.zeros((40, 60), np.bool_)
    mask[10:20, 20:40] = True
    pixels = np.full(mask.shape, 255, np.uint8)
    pixels[9:21, 18:42] = 30
    pixels[mask] = 100

    assert compute_factors(pixels, mask).intensity_difference == 70.0


def test_a_small_box_grows_by_one_pixel() -> None:
    mask = draw("..... ..... ..#.. ..... .....")
    pixels = np.full(mask.shape, 200, np.uint8)
    pixels[1:4, 1:4] = [[10, 20, 30], [40, 99, 50], [60, 70, 80]]

    assert compute_factors(pixels, mask).intensity_difference == 99 - 45


@pytest.mark.parametrize(("side", "reach"), [(14, 1), (15, 2), (24, 2), (25, 3)])
def test_ten_percent_are_rounded_half_up(side: int, reach: int) -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[20 : 20 + side, 20 : 20 + side] = True
    pixels = np.full(mask.shape, 255, np.uint8)
    pixels[20 - reach : 20 + side + reach, 20 - reach : 20 + side + reach] = 0

    assert compute_factors(pixels, mask).intensity_difference == 0.0


def test_colours_count_as_bt601() -> None:
    mask = draw("#. ..")
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = [100, 50, 10]

    expected = 0.299 * 100 + 0.587 * 50 + 0.114 * 10
    assert compute_factors(pixels, mask).intensity_difference == pytest.approx(expected)


def test_a_centred_object_is_at_position_zero() -> None:
    mask = draw(".... .##. .##. ....")

    assert compute_factors(grey(mask), mask).position == 0.0


def test_a_corner_pixel_is_almost_half_a_diagonal_away() -> None:
    mask = draw("#.. ...")

    assert compute_factors(grey(mask), mask).position == hypot(1, 0.5) / (sqrt(13) / 2)


# --- empty and extreme cases ---


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(InputError, match="mask: is empty"):
        compute_factors(np.zeros((3, 3), np.uint8), np.zeros((3, 3), np.bool_))


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="size: differs from its image"):
        compute_factors(np.zeros((3, 4), np.uint8), np.ones((3, 3), np.bool_))


def test_a_reference_that_fills_its_image_has_no_surround() -> None:
    factors = compute_factors(np.zeros((9, 9), np.uint8), np.ones((9, 9), np.bool_))

    assert isnan(factors.intensity_difference)


def test_the_first_of_two_equally_large_components_is_taken() -> None:
    count, largest = find_largest_component(draw("....## ##.... ......"))

    assert count == 2
    np.testing.assert_array_equal(largest, draw("....## ...... ......"))


# --- laws ---


@given(mask=any_reference(14), seed=st.integers(0, 99))
def test_mirroring_moves_no_factor_but_the_contour_s(mask: Mask, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, mask.shape, dtype=np.uint8)
    factors, mirrored = (
        compute_factors(pixels, mask),
        compute_factors(pixels[:, ::-1], mask[:, ::-1]),
    )

    for name in ("size_px", "aspect_ratio", "components"):
        assert getattr(factors, name) == getattr(mirrored, name)
    for name in ("position", "intensity_difference"):
        assert getattr(factors, name) == pytest.approx(getattr(mirrored, name), nan_ok=True)


@given(mask=any_reference(14), pixels=arrays(np.uint8, (14, 14)))
def test_intensity_difference_ignores_an_inversion(mask: Mask, pixels: Pixels) -> None:
    pixels = pixels[: mask.shape[0], : mask.shape[1]]
    difference = compute_factors(pixels, mask).intensity_difference

    assert compute_factors(255 - pixels, mask).intensity_difference == pytest.approx(
        difference, nan_ok=True
    )
    assert isnan(difference) or 0 <= difference <= 255


@given(mask=any_reference(14))
def test_components_are_those_that_scipy_labels(mask: Mask) -> None:
    labels, number = ndimage.label(mask, np.ones((3, 3), np.int8))
    areas = np.bincount(labels.reshape(-1))[1:]

    count, largest = find_largest_component(mask)

    assert count == number
    np.testing.assert_array_equal(largest, labels == 1 + int(np.argmax(areas)))


@given(mask=any_reference(14))
def test_ratios_are_ratios(mask: Mask) -> None:
    factors = compute_factors(grey(mask), mask)

    assert 0 < factors.aspect_ratio <= 1
    assert 0 <= factors.position < 1
    assert 1 <= factors.components <= factors.size_px


# --- a second implementation on real references ---


@needs_shared
def test_factors_equal_scipy_on_real_references() -> None:
    """Tolerance 1e-9: the same numbers by floating means over whole images."""
    references = read_real_references()
    assert len(references) >= 50
    for reference in references:
        factors = compute_factors(reference.pixels, reference.mask)

        for name, value in measure_plain_factors(reference.pixels, reference.mask).items():
            assert getattr(factors, name) == pytest.approx(value, abs=1e-9), name


# --- the table ---


def test_the_table_has_one_entry_for_each_factor_in_order() -> None:
    assert list(FACTORS) == [field.name for field in fields(Factors)]


@pytest.mark.parametrize("factor", FACTORS.values(), ids=lambda factor: factor.name)
def test_every_factor_is_explained(factor: Factor) -> None:
    assert factor.label
    assert factor.definition.endswith(".")
