from __future__ import annotations

import numpy as np

from cosmos_board.phantoms.scene import make_phantom
from cosmos_board.training.tiny.examples import SIDE_PX, ExampleSource
from cosmos_board.training.tiny.regions import Partitioned, crop_regions, partition

PHANTOMS = ExampleSource()


def test_an_example_depends_on_its_number_alone() -> None:
    first, again = PHANTOMS.draw(5), ExampleSource().draw(5)

    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert all((a == b).all() for a, b in zip(first.masks, again.masks, strict=True))
    assert not np.array_equal(first.pixels, PHANTOMS.draw(6).pixels)


def test_objects_lie_within_the_content_of_the_image() -> None:
    examples = [PHANTOMS.draw(key) for key in range(12)]

    assert any(example.content != (SIDE_PX, SIDE_PX) for example in examples)
    for example in examples:
        height, width = example.content
        assert example.pixels.shape == (SIDE_PX, SIDE_PX, 3)
        assert example.masks
        for mask in example.masks:
            assert mask.any()
            assert not mask[height:].any()
            assert not mask[:, width:].any()


def test_regions_of_a_picture_are_compact_objects_of_it() -> None:
    pixels, _ = make_phantom(3, 200, colour=True)
    source = Partitioned(pixels, partition(pixels))
    rng = np.random.Generator(np.random.Philox(key=1))

    crops = [crop_regions(source, rng, 128) for _ in range(8)]

    masks = [mask for _, found in crops for mask in found]
    assert masks
    assert all(picture.shape == (128, 128, 3) for picture, _ in crops)
    assert all(60 <= mask.sum() <= 0.65 * mask.size for mask in masks)


def test_now_and_then_a_region_is_joined_with_its_neighbour() -> None:
    yy, xx = np.mgrid[:120, :120]
    labels = (3 * (yy // 40) + xx // 40).astype(np.int32)
    pixels = (20 + 25 * labels).astype(np.uint8)
    rng = np.random.Generator(np.random.Philox(key=1))

    crops = [crop_regions(Partitioned(pixels, (labels,)), rng, 128) for _ in range(30)]

    shares = []
    for pixels, masks in crops:
        tones = np.round((pixels.astype(float) - 20) / 25).astype(int).clip(0)
        shares += [np.bincount(tones[mask]).max() / mask.sum() for mask in masks]
    joined = np.array(shares) < 0.8
    assert 0.05 < joined.mean() < 0.5
    assert np.mean(np.array(shares)[~joined]) > 0.9


def test_a_texture_offers_ground_but_no_objects() -> None:
    pixels, _ = make_phantom(3, 200, colour=False)
    rng = np.random.Generator(np.random.Philox(key=1))

    assert crop_regions(Partitioned(pixels, ()), rng, 64)[1] == []
