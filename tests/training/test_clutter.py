from __future__ import annotations

import numpy as np

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms import make_phantom
from cosmos_board.training.clutter import clutter
from cosmos_board.training.examples import ExampleSource
from cosmos_board.training.regions import Partitioned


def disc_on_ground() -> tuple[Pixels, Mask]:
    y, x = np.mgrid[:128, :128]
    disc = (y - 64) ** 2 + (x - 64) ** 2 < 40**2
    return np.where(disc, 160, 60).astype(np.uint8), disc


def steps_across(pixels: Pixels, mask: Mask) -> np.ndarray:
    """Return how far grey levels differ between neighbours left and right of the outline."""
    edge = mask[:, 1:] != mask[:, :-1]
    return np.asarray(np.abs(np.diff(pixels.astype(int), axis=1))[edge])


def test_the_same_generator_clutters_alike_and_another_otherwise() -> None:
    pixels, _ = make_phantom(3, 96, colour=True)

    first, again, other = (clutter(np.random.default_rng(seed), pixels) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert first.shape == pixels.shape
    assert not np.array_equal(first, other)


def test_some_outlines_are_lost_in_places_and_none_of_them_everywhere() -> None:
    pixels, disc = disc_on_ground()

    lost = [
        np.mean(steps_across(clutter(np.random.default_rng(seed), pixels), disc) < 25)
        for seed in range(40)
    ]

    assert 0.2 < np.mean(np.array(lost) > 0.1) < 0.9
    assert np.mean(lost) < 0.6


def test_a_picture_shines_through_where_there_is_one() -> None:
    pixels, _ = disc_on_ground()
    x = np.tile(np.arange(200), (200, 1))
    stripes = Partitioned((127 + 100 * np.sin(x / 3)).astype(np.uint8), ())

    differs = [
        not np.array_equal(
            clutter(np.random.default_rng(seed), pixels),
            clutter(np.random.default_rng(seed), pixels, [stripes]),
        )
        for seed in range(20)
    ]

    assert any(differs)
    assert not all(differs)


def test_clutter_moves_no_object() -> None:
    plain, cluttered = ExampleSource(), ExampleSource(cluttered_share=1.0)

    pairs = [(plain.draw(key), cluttered.draw(key)) for key in range(6)]

    assert any(not np.array_equal(a.pixels, b.pixels) for a, b in pairs)
    for a, b in pairs:
        assert len(a.masks) == len(b.masks)
        for before, after in zip(a.masks, b.masks, strict=True):
            np.testing.assert_array_equal(before, after)
