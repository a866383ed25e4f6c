"""A sample takes evenly spread units and slices, and reduces what is large."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmos_board.curation.sample import Sample, reduce_image, sample_units, take_evenly
from cosmos_board.data.source import SourceImage, SourceUnit


def make_image(side_px: int, drawn_px: int, origin: str = "") -> SourceImage:
    """Return an image with a square of 2 × `drawn_px` in its middle."""
    mask = np.zeros((side_px, side_px), np.bool_)
    middle = slice(side_px // 2 - drawn_px, side_px // 2 + drawn_px)
    mask[middle, middle] = True
    pixels = np.where(mask, 200, 50).astype(np.uint8)
    return SourceImage(pixels=pixels, modality="ct", cluster_key="a", masks={"liver": (mask,)},
                       observers={"second": {"liver": (mask,)}}, origin=origin)  # fmt: skip


def read_volume(name: str) -> Iterator[SourceImage]:
    """Yield ten slices of which the middle four show something that is large enough."""
    for z in range(10):
        yield make_image(40, 10 if 3 <= z < 7 else 2, f"{name} {z}")


UNITS = [SourceUnit(f"key {n}", f"{n}", partial(read_volume, f"{n}")) for n in range(9)]


@given(st.integers(1, 60), st.integers(1, 60))
def test_what_is_taken_is_in_order_and_evenly_spread(have: int, most: int) -> None:
    taken = take_evenly(range(have), most)

    assert len(taken) == min(have, most)
    assert len(set(np.diff(taken)) - {have // len(taken), -(-have // len(taken))}) == 0


def test_a_sample_takes_slices_with_references_of_some_volumes() -> None:
    units = sample_units(UNITS, Sample(units=3, slices=2))

    assert [unit.origin for unit in units] == ["1", "4", "7"]
    assert [image.origin for image in units[0].read()] == ["1 4", "1 6"]


def test_everything_is_taken_unless_something_else_is_said() -> None:
    units = sample_units(UNITS, Sample())

    assert [unit.origin for unit in units] == [unit.origin for unit in UNITS]
    assert len(list(units[0].read())) == 10


def test_another_sample_is_never_taken_for_work_that_was_done() -> None:
    samples = [Sample(), Sample(slices=2), Sample(slices=3), Sample(longest_side_px=9)]

    assert len({sample_units(UNITS, sample)[0].key for sample in samples}) == len(samples)


def test_a_large_picture_is_reduced_with_all_that_is_drawn_on_it() -> None:
    small = reduce_image(make_image(200, 50), 40)

    assert small.pixels.shape == (40, 40)
    for mask in (small.masks["liver"][0], small.observers["second"]["liver"][0]):
        assert mask.sum() == 20 * 20
        assert set(small.pixels[mask]) == {200}
        assert set(small.pixels[~mask]) == {50}


@pytest.mark.parametrize("longest_side_px", [40, 41])
def test_a_small_picture_stays_as_it_is(longest_side_px: int) -> None:
    image = make_image(40, 10)

    assert reduce_image(image, longest_side_px) is image
