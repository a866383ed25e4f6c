from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2gray
from skimage.filters import threshold_otsu

from cosmos_board.core.masks import Mask
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.classical.threshold import Threshold, cut_by_threshold, to_grey
from tests.masks import draw


def paint(drawing: str, dark: int = 40, bright: int = 200) -> NDArray[np.uint8]:
    return np.where(draw(drawing), bright, dark).astype(np.uint8)


PIECES = """
    ............
    ..###....##.
    ..###....##.
    ..###.......
    ............
    .....##.....
    ............
"""


def test_the_piece_at_the_centre_of_the_box_is_kept_and_others_are_not() -> None:
    mask = cut_by_threshold(paint(PIECES), make_prompt(box_xyxy=(0, 0, 6, 5)))

    assert mask.sum() == 9, "the two pixels below are bright as well"
    assert mask[1:4, 2:5].all()


def test_points_say_which_class_and_which_piece_are_meant() -> None:
    image = paint(PIECES)
    box = (1, 0, 11, 6)

    small = cut_by_threshold(image, make_prompt([(9, 1)], box_xyxy=box))

    expected = np.zeros_like(small)
    expected[1:3, 9:11] = True
    np.testing.assert_array_equal(small, expected)


def test_the_piece_is_clipped_to_the_box() -> None:
    image = paint(PIECES)

    mask = cut_by_threshold(image, make_prompt(box_xyxy=(2, 1, 3, 3)))

    assert mask.sum() == 6
    assert mask[1:4, 2:4].all()


def test_without_a_box_only_the_disc_around_the_point_is_looked_at() -> None:
    image = np.full((64, 64), 30, np.uint8)
    image[:, 30:] = 220

    mask = cut_by_threshold(image, make_prompt([(32, 32)]))

    y, x = np.nonzero(mask)
    assert x.min() == 30
    assert ((x - 32) ** 2 + (y - 32) ** 2 <= 64).all(), "an eighth of the short side is 8 px"


def test_one_grey_level_has_no_threshold_so_that_the_box_is_the_answer() -> None:
    mask = cut_by_threshold(np.full((20, 30), 77, np.uint8), make_prompt(box_xyxy=(5, 4, 14, 9)))

    assert mask.sum() == 10 * 6
    assert mask[4:10, 5:15].all()


def test_colours_are_weighed_as_bt_601_does() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)

    luma = pixels.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(to_grey(pixels) - luma).max() <= 0.5 + 1e-9
    assert rgb2gray(pixels).shape == to_grey(pixels).shape


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    box=st.booleans(),
    points=st.integers(0, 3),
    negative=st.booleans(),
)
def test_the_answer_is_that_of_a_second_implementation(
    seed: int, *, box: bool, points: int, negative: bool
) -> None:
    """Otsu by scikit-image, pieces by SciPy, the rest by loops over pixels."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(8, 40, 2))
    smooth = ndimage.gaussian_filter(rng.normal(size=(height, width)), 2)
    image = np.interp(smooth, (smooth.min(), smooth.max()), (0, 255)).astype(np.uint8)
    left, right = sorted(int(n) for n in rng.integers(0, width, 2))
    top, bottom = sorted(int(n) for n in rng.integers(0, height, 2))
    count = points if box else max(points, 1)
    xy = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(count)]
    inside, outside = (xy[:1], xy[1:]) if negative else (xy, [])
    prompt = make_prompt(inside, outside, box_xyxy=(left, top, right, bottom) if box else None)

    np.testing.assert_array_equal(cut_by_threshold(image, prompt), follow_protocol(image, prompt))


def follow_protocol(image: NDArray[np.uint8], prompt: Prompt) -> Mask:
    height, width = image.shape
    positive = [
        (int(x), int(y))
        for (x, y), label in zip(prompt.points_xy, prompt.labels, strict=True)
        if label == 1
    ]
    region = np.zeros(image.shape, bool)
    meant, look = list(positive), [(y, x) for x, y in positive]
    for y in range(height):
        for x in range(width):
            if prompt.box_xyxy is None:
                x0, y0 = positive[0]
                region[y, x] = np.hypot(x - x0, y - y0) <= min(height, width) / 8
                continue
            left, top, right, bottom = prompt.box_xyxy
            wide = max(1, int(np.floor((right - left + 1) * 0.1 + 0.5)))
            high = max(1, int(np.floor((bottom - top + 1) * 0.1 + 0.5)))
            region[y, x] = left - wide <= x <= right + wide and top - high <= y <= bottom + high
    if prompt.box_xyxy is not None:
        left, top, right, bottom = prompt.box_xyxy
        x0, y0 = int(np.floor((left + right) / 2 + 0.5)), int(np.floor((top + bottom) / 2 + 0.5))
        meant.append((x0, y0))
        if not look:
            square = [(y, x) for y in range(y0 - 1, y0 + 2) for x in range(x0 - 1, x0 + 2)]
            look = [(y, x) for y, x in square if 0 <= y < height and 0 <= x < width]
    chosen = region
    if len(np.unique(image[region])) > 1:
        cut = threshold_otsu(image[region])
        wanted = np.mean([image[place] for place in look])
        classes = [region & (image > cut), region & (image <= cut)]
        away = [abs(float(image[one].mean()) - wanted) for one in classes]
        chosen = classes[int(away[1] < away[0] - 1e-9)]
    labels, _ = ndimage.label(chosen, np.ones((3, 3)))
    pieces = [labels == labels[y, x] for x, y in meant if labels[y, x]]
    if not pieces:
        return np.zeros(image.shape, bool)
    kept = max(pieces, key=lambda piece: (piece.sum(), -labels[piece].min()))
    if prompt.box_xyxy is not None:
        left, top, right, bottom = prompt.box_xyxy
        kept[:, :left] = kept[:, right + 1 :] = kept[:top] = kept[bottom + 1 :] = False
    return np.asarray(kept, bool)


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)], ids=["grey", "RGB"])
def test_a_segmenter_answers_each_prompt_with_one_candidate(shape: tuple[int, ...]) -> None:
    model = Threshold()
    embedding = model.embed(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))

    answers = model.predict(
        embedding, [make_prompt([(9, 9)]), make_prompt(box_xyxy=(4, 4, 20, 20))]
    )

    assert [answer.masks.shape for answer in answers] == [(1, 32, 32)] * 2
