from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.phantoms.shapes import SHAPES


def test_the_same_seed_draws_the_same_scene() -> None:
    first, second = make_phantom(11, 96), make_phantom(11, 96)

    np.testing.assert_array_equal(first[0], second[0])
    assert [name for name, _ in first[1]] == [name for name, _ in second[1]]
    assert all((a == b).all() for (_, a), (_, b) in zip(first[1], second[1], strict=True))


def test_another_seed_draws_another_scene() -> None:
    assert not np.array_equal(
        make_phantom(1, 64, colour=False)[0], make_phantom(2, 64, colour=False)[0]
    )


@pytest.mark.parametrize("seed", range(20))
def test_references_are_masks_of_more_than_fifty_pixels(seed: int) -> None:
    pixels, references = make_phantom(seed, 128)

    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (128, 128)
    for _, mask in references:
        assert mask.dtype == np.bool_
        assert mask.shape == (128, 128)
        assert mask.sum() > 50


def test_colour_is_what_was_asked_for() -> None:
    assert make_phantom(3, 64, colour=True)[0].shape == (64, 64, 3)
    assert make_phantom(3, 64, colour=False)[0].shape == (64, 64)


def test_scenes_span_dark_and_bright_small_and_large() -> None:
    """A model that has seen one kind of background or size learns that kind."""
    scenes = [make_phantom(seed, 256) for seed in range(60)]

    levels = [pixels.mean() for pixels, _ in scenes]
    sizes = [mask.mean() for _, references in scenes for _, mask in references]
    assert min(levels) < 40
    assert max(levels) > 160
    assert min(sizes) < 0.002
    assert max(sizes) > 0.25


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_draws_something_near_its_centre(shape: str) -> None:
    rng = np.random.Generator(np.random.Philox(key=5))
    areas = [SHAPES[shape](rng, 128, (64.0, 64.0), 24.0).sum() for _ in range(8)]

    assert max(areas) > 50
    assert max(areas) < 128 * 128 * 0.8
