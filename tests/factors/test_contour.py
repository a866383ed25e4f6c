"""Contour orders: planted shapes, laws, and Kuhl and Giardina's sums written out longhand."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from cosmos_board.core.masks import Mask
from cosmos_board.factors.contour import iterate_curves, measure_complexity, trace_contour
from cosmos_board.factors.definitions import find_largest_component
from tests.masks import any_reference, draw
from tests.second_opinions import longhand_complexity
from tests.shared import needs_shared, read_real_references


def star(spikes: int, depth: float, radius: int = 60, side: int = 160) -> Mask:
    """Return a star-shaped mask whose radius swings `spikes` times by `depth`."""
    ys, xs = np.mgrid[:side, :side] - side / 2
    angle = np.arctan2(ys, xs)
    inside: Mask = np.hypot(ys, xs) < radius * (1 + depth * np.cos(spikes * angle))
    return inside


# --- planted shapes ---


def test_a_disc_needs_one_harmonic() -> None:
    complexity = measure_complexity(star(0, 0.0))

    assert complexity.efd_order == 1
    assert complexity.boundary_complexity == pytest.approx(1, abs=2)


def test_a_square_needs_few_harmonics() -> None:
    """One harmonic of a square is a disc of Dice about 0.9: a square is complex to the study."""
    square = np.zeros((90, 90), np.bool_)
    square[10:80, 10:80] = True

    complexity = measure_complexity(square)

    assert 2 <= complexity.efd_order <= 5
    assert 5 < complexity.boundary_complexity < 30


def test_a_star_needs_at_least_as_many_harmonics_as_it_has_spikes_less_one() -> None:
    """A radius that swings k times lives in the harmonics k − 1 and k + 1."""
    orders = [measure_complexity(star(spikes, 0.3)).efd_order for spikes in (3, 7, 15)]

    assert orders == sorted(orders)
    assert all(order >= spikes - 1 for order, spikes in zip(orders, (3, 7, 15), strict=True))


def test_the_studys_stop_fires_on_a_plateau_where_the_order_does_not() -> None:
    """Harmonics 2 … 5 of a star with 7 spikes add nothing, so the search stops at 2."""
    complexity = measure_complexity(star(7, 0.3))

    assert 2 < complexity.boundary_complexity < 2 + 200 * 0.3
    assert complexity.efd_order >= 6


def test_a_comb_is_never_recovered() -> None:
    comb = np.zeros((40, 600), np.bool_)
    comb[0] = True
    comb[:, ::2] = True

    assert measure_complexity(comb).efd_order == 101


def test_a_single_pixel_is_recovered_at_once() -> None:
    complexity = measure_complexity(draw("#"))

    assert (complexity.efd_order, complexity.boundary_complexity) == (1, 1.0)


def test_a_line_of_one_pixel_is_measured() -> None:
    assert measure_complexity(np.ones((1, 50), np.bool_)).efd_order <= 101


def test_holes_do_not_matter() -> None:
    solid = star(5, 0.2)
    holed = solid.copy()
    holed[70:90, 70:90] = False

    assert measure_complexity(holed) == measure_complexity(solid)


# --- laws ---


@given(mask=any_reference(16), dy=st.integers(0, 9), dx=st.integers(0, 9))
def test_moving_a_component_changes_nothing(mask: Mask, dy: int, dx: int) -> None:
    _, component = find_largest_component(mask)

    moved = np.pad(component, ((dy, 3), (dx, 1)))
    assert measure_complexity(moved) == measure_complexity(component)


@given(mask=any_reference(16))
def test_the_filled_contour_is_the_component_without_holes(mask: Mask) -> None:
    """Seen by scipy: 4-connected background that does not reach the rim is a hole."""
    _, component = find_largest_component(mask)
    filled = np.zeros(mask.shape, np.uint8)

    cv2.fillPoly(filled, [trace_contour(component)], 1)

    np.testing.assert_array_equal(filled > 0, ndimage.binary_fill_holes(component))


@given(mask=any_reference(12))
def test_the_value_lies_between_its_order_and_its_order_plus_200(mask: Mask) -> None:
    complexity = measure_complexity(find_largest_component(mask)[1])

    assert 1 <= complexity.boundary_complexity <= complexity.efd_order + 200
    assert 1 <= complexity.efd_order <= 101


# --- a second implementation ---


def longhand_curve(contour_xy: NDArray[np.int32], orders: int) -> NDArray[np.float64]:
    """Return the sum of harmonics from equations 3, 7 and 14 of Kuhl and Giardina, by loops."""
    points = [(float(x), float(y)) for x, y in contour_xy]
    times, total = [0.0], 0.0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        total += ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        times.append(total)
    curve = np.zeros((len(points), 2))
    at = np.arange(len(points)) / len(points) * total
    for axis in (0, 1):
        mean = 0.0
        for p, (start, end) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
            mean += (start[axis] + end[axis]) / 2 * (times[p + 1] - times[p]) / total
        curve[:, axis] = mean
        for n in range(1, orders + 1):
            a = b = 0.0
            for p, (start, end) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
                slope = (end[axis] - start[axis]) / (times[p + 1] - times[p])
                low, high = (2 * np.pi * n * t / total for t in (times[p], times[p + 1]))
                a += slope * (np.cos(high) - np.cos(low))
                b += slope * (np.sin(high) - np.sin(low))
            scale = total / (2 * n**2 * np.pi**2)
            curve[:, axis] += scale * (
                a * np.cos(2 * np.pi * n * at / total) + b * np.sin(2 * np.pi * n * at / total)
            )
    return curve


@pytest.mark.parametrize("orders", [1, 2, 7, 20])
def test_curves_equal_the_sums_written_out_longhand(orders: int) -> None:
    contour = trace_contour(star(5, 0.35, radius=14, side=44))

    curve = next(islice(iterate_curves(contour), orders - 1, None)).copy()

    np.testing.assert_allclose(curve, longhand_curve(contour, orders), atol=1e-9)


@needs_shared
def test_complexity_equals_a_table_of_harmonics_on_real_references() -> None:
    """The same order on every reference, the same value to 1e-9."""
    references = read_real_references()
    assert len(references) >= 50
    for reference in references:
        _, component = find_largest_component(reference.mask)
        ours = measure_complexity(component)
        stop, order = longhand_complexity(component)

        assert ours.efd_order == order
        assert ours.boundary_complexity == pytest.approx(stop, abs=1e-9)
