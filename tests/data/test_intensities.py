from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.intensities import Normalisation, normalise, parse_normalisation

MINMAX = Normalisation("minmax")
PERCENTILE = Normalisation("percentile")


def test_minmax_spans_all_values_and_rounds_half_up() -> None:
    voxels = np.array([[[-1000, 0, 1000, 40]]])

    assert normalise(voxels, MINMAX, where="ct").tolist() == [[[0, 128, 255, 133]]]


def test_one_hot_voxel_does_not_blacken_percentiles() -> None:
    voxels = np.tile(np.arange(1000.0), (4, 1, 1)).reshape(4, 20, 50)
    voxels[0, 0, 1] = 1e6

    spread = normalise(voxels, PERCENTILE, where="mr")

    assert normalise(voxels, MINMAX, where="mr")[1:].max() == 0
    assert spread[1].max() == 255
    assert np.median(spread[1]) == pytest.approx(127, abs=3)


def test_percentiles_are_those_of_the_voxels_above_the_smallest() -> None:
    """Air around a head is most of a volume and says nothing about it."""
    voxels = np.zeros((10, 10, 10))
    voxels.ravel()[:101] = np.arange(100, 201)

    spread = normalise(voxels, PERCENTILE, where="mr")

    low, high = 100.5, 199.5
    assert spread.ravel()[50] == np.floor((150 - low) / (high - low) * 255 + 0.5)
    assert spread.ravel()[101:].max() == 0


def test_a_window_is_fixed() -> None:
    voxels = np.array([[-161.0, -160, 40, 240, 900]])

    window = parse_normalisation("window 40/400")

    assert normalise(voxels, window, where="ct").tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("how", [MINMAX, PERCENTILE])
def test_a_constant_volume_is_black(how: Normalisation) -> None:
    assert normalise(np.full((2, 3, 4), 7.5), how, where="mr").max() == 0


@pytest.mark.parametrize("how", [MINMAX, PERCENTILE])
@pytest.mark.parametrize(
    "voxels",
    [
        pytest.param(np.array([[7, 9], [9, 7]], np.uint16), id="16 bit"),
        pytest.param(np.array([[False, True], [True, False]]), id="1 bit"),
        pytest.param(np.array([[-2.5, 1e9], [1e9, -2.5]]), id="floating point"),
        pytest.param(np.array([[np.nan, 3], [2, 3]]), id="a background of NaN"),
    ],
)
def test_two_values_become_black_and_white(voxels: NDArray[Any], how: Normalisation) -> None:
    high = voxels == np.nanmax(voxels)

    assert np.array_equal(normalise(voxels, how, where="a"), high * np.uint8(255))


def test_a_volume_that_is_nearly_all_saturated_spans_all_its_values() -> None:
    voxels = np.full((10, 10, 10), 65535, np.uint16)
    voxels[0, 0, 0], voxels[0, 0, 1] = 0, 32768

    spread = normalise(voxels, PERCENTILE, where="a")

    assert (spread[0, 0, 0], spread[0, 0, 1], spread[5, 5, 5]) == (0, 128, 255)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_range_of_a_type_does_not_overflow(kind: type[np.floating[Any]]) -> None:
    largest = np.finfo(kind).max / 4
    voxels = np.linspace(-largest, largest, 4001, dtype=np.float64).astype(kind)

    for how in (MINMAX, PERCENTILE):
        spread = normalise(voxels.reshape(1, 1, -1), how, where="a").ravel().astype(int)
        assert np.abs(spread - np.linspace(0, 255, 4001)).max() <= 2


def test_many_values_in_half_precision_are_ranked_like_those_in_double() -> None:
    voxels = np.random.default_rng(0).integers(0, 2000, (5, 150, 150)).astype(np.float16)

    half, double = (
        normalise(stored, PERCENTILE, where="a") for stored in (voxels, voxels.astype(np.float64))
    )
    assert np.array_equal(half, double)


def test_values_whose_difference_is_no_number_are_refused() -> None:
    with pytest.raises(InputError, match="are not all finite numbers"):
        normalise(np.array([[-1.7e308, 1.7e308]]), PERCENTILE, where="a")


def test_complex_voxels_are_refused() -> None:
    with pytest.raises(InputError, match="are no real numbers"):
        normalise(np.ones((2, 2), np.complex128), MINMAX, where="a")


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_refused(bad: float) -> None:
    voxels = np.ones((2, 3, 4))
    voxels[1, 1, 1] = bad

    with pytest.raises(InputError, match=r"scan: voxels: are not all finite"):
        normalise(voxels, MINMAX, where="scan")


def test_an_empty_volume_is_refused() -> None:
    with pytest.raises(InputError, match="there are none"):
        normalise(np.ones((0, 3, 4)), MINMAX, where="scan")


@pytest.mark.parametrize("text", ["", "window 40", "window 40/0", "window 40/-4", "zscore"])
def test_an_unknown_normalisation_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="want minmax, percentile or window CENTRE/WIDTH"):
        parse_normalisation(text)


@given(
    voxels=arrays(np.int16, (2, 3, 4)),
    scale=st.sampled_from([1, 2, 3]),
    shift=st.integers(-50, 50),
)
def test_min_max_does_not_depend_on_unit_or_zero(
    voxels: NDArray[np.int16], scale: int, shift: int
) -> None:
    moved = voxels.astype(np.int64) * scale + shift

    assert (normalise(moved, MINMAX, where="") == normalise(voxels, MINMAX, where="")).all()
