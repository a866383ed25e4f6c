from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.core.masks import Mask, Pixels
from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.training.tiny.composites import compose
from cosmos_board.training.tiny.examples import ExampleSource


def disc_on_ground() -> tuple[Pixels, Mask]:
    y, x = np.mgrid[:128, :128]
    disc = (y - 64) ** 2 + (x - 64) ** 2 < 40**2
    return np.where(disc, 160, 60).astype(np.uint8), disc


def lost_share(pixels: Pixels, mask: Mask) -> float:
    """Return for how much of the outline neighbours left and right differ by under 25 levels."""
    edge = mask[:, 1:] != mask[:, :-1]
    return float((np.abs(np.diff(pixels.astype(int), axis=1))[edge] < 25).mean())


def test_the_same_generator_composes_alike_and_another_otherwise() -> None:
    pixels, references = make_phantom(3, 96, colour=True)
    masks = [mask for _, mask in references]

    first, again, other = (
        compose(np.random.default_rng(seed), pixels, masks) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first, again)
    assert first.shape == pixels.shape
    assert not np.array_equal(first, other)


def test_an_object_gets_parts_that_are_not_its_outline() -> None:
    pixels, disc = disc_on_ground()

    spreads = [
        compose(np.random.default_rng(seed), pixels, [disc])[disc].std() for seed in range(40)
    ]

    assert 0.4 < np.mean(np.array(spreads) > 5) < 0.95


def test_some_outlines_fade_on_one_side_and_none_everywhere() -> None:
    pixels, disc = disc_on_ground()

    lost = [
        lost_share(compose(np.random.default_rng(seed), pixels, [disc]), disc) for seed in range(40)
    ]

    assert 0.2 < np.mean(np.array(lost) > 0.15) < 0.8
    assert max(lost) < 0.95


@pytest.mark.parametrize("masks", [[], [np.zeros((64, 64), np.bool_)]])
def test_nothing_happens_where_there_is_no_object(masks: list[Mask]) -> None:
    plain = np.full((64, 64), 100, np.uint8)

    np.testing.assert_array_equal(compose(np.random.default_rng(0), plain, masks), plain)


def test_composing_moves_no_object() -> None:
    plain, composed = ExampleSource(), ExampleSource(composite_share=1.0)

    pairs = [(plain.draw(key), composed.draw(key)) for key in range(6)]

    assert any(not np.array_equal(a.pixels, b.pixels) for a, b in pairs)
    for a, b in pairs:
        assert len(a.masks) == len(b.masks)
        for before, after in zip(a.masks, b.masks, strict=True):
            np.testing.assert_array_equal(before, after)
