from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.training.finetune.augmentation import augment_image
from cosmos_board.training.finetune.data import TuningImage


def image(height: int = 90, width: int = 120) -> TuningImage:
    """Return a dark image with two bright squares, whose masks are known."""
    pixels = np.full((height, width), 40, np.uint8)
    masks = []
    for top, left in ((20, 30), (50, 70)):
        mask = np.zeros((height, width), np.bool_)
        mask[top : top + 15, left : left + 20] = True
        pixels[mask] = 200
        masks.append(("square", mask))
    return TuningImage("one", "synthetic", pixels, tuple(masks))


def test_the_first_variant_is_the_image_itself() -> None:
    original = image()
    assert augment_image(original, 1, seed=0) == (original,)
    assert augment_image(original, 5, seed=0)[0] is original


@pytest.mark.parametrize("seed", range(10))
def test_masks_move_with_the_pixels_they_are_about(seed: int) -> None:
    for variant in augment_image(image(), 4, seed=seed):
        for _, mask in variant.references:
            inside = variant.pixels[mask]
            assert mask.shape == variant.pixels.shape
            assert inside.min() > 100 or np.mean(inside > 100) > 0.9


def test_variants_show_objects_in_other_sizes_and_brightness() -> None:
    variants = augment_image(image(), 30, seed=1)
    areas = {int(mask.sum()) for variant in variants for _, mask in variant.references}
    brightness = {int(variant.pixels.max()) for variant in variants}

    assert min(areas) < 240
    assert max(areas) > 400
    assert len(brightness) > 10


def test_every_variant_has_an_object() -> None:
    assert all(variant.references for variant in augment_image(image(), 50, seed=2))


def test_a_seed_names_its_variants() -> None:
    def pixels(seed: int) -> list[bytes]:
        return [variant.pixels.tobytes() for variant in augment_image(image(), 6, seed=seed)]

    assert pixels(3) == pixels(3)
    assert pixels(3) != pixels(4)
