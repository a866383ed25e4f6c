from __future__ import annotations

import numpy as np
import pytest

from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.finetune.views import draw_views


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


def test_the_first_view_is_the_image_itself() -> None:
    original = image()
    assert draw_views(original, 1, seed=0) == (original,)
    assert draw_views(original, 5, seed=0)[0] is original


@pytest.mark.parametrize("seed", range(10))
def test_masks_move_with_the_pixels_they_are_about(seed: int) -> None:
    for view in draw_views(image(), 4, seed=seed):
        for _, mask in view.references:
            assert mask.shape == view.pixels.shape
            assert view.pixels[mask].min() > 100 or np.mean(view.pixels[mask] > 100) > 0.9


def test_views_show_objects_in_other_sizes_and_light() -> None:
    views = draw_views(image(), 30, seed=1)
    areas = {int(mask.sum()) for view in views for _, mask in view.references}
    light = {int(view.pixels.max()) for view in views}

    assert min(areas) < 240
    assert max(areas) > 400
    assert len(light) > 10


def test_every_view_has_an_object() -> None:
    assert all(view.references for view in draw_views(image(), 50, seed=2))


def test_a_seed_names_its_views() -> None:
    def pixels(seed: int) -> list[bytes]:
        return [view.pixels.tobytes() for view in draw_views(image(), 6, seed=seed)]

    assert pixels(3) == pixels(3)
    assert pixels(3) != pixels(4)
