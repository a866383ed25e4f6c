from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything.utils.transforms import ResizeLongestSide

from cosmos_board.models.sam.geometry import Frame, to_input_tensor
from tests.models.scenes import draw_scene
from tests.models.tiny_sam import INPUT_SIZE_PX, build_small_sam

SIZES = [(90, 120), (301, 97), (128, 128), (1, 50)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resizing_and_coordinates_are_the_official_ones(height: int, width: int) -> None:
    frame, official = Frame(height, width, 1024), ResizeLongestSide(1024)
    pixels, points = draw_scene(height, width), np.array([[0, 0], [width - 1, height - 1]])

    np.testing.assert_array_equal(frame.resize(pixels), official.apply_image(pixels))
    np.testing.assert_array_equal(
        frame.to_input(points), official.apply_coords(points, (height, width))
    )


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_masks_return_to_native_size_as_officially(height: int, width: int) -> None:
    frame, sam = Frame(height, width, INPUT_SIZE_PX), build_small_sam()
    low = torch.randn((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))

    native = frame.to_native(low)

    assert torch.equal(native, sam.postprocess_masks(low, frame.content, (height, width)))


def test_input_is_normalised_and_padded_as_officially() -> None:
    sam, frame = build_small_sam(), Frame(90, 120, INPUT_SIZE_PX)
    content = frame.resize(draw_scene(90, 120))

    tensor = to_input_tensor(content, INPUT_SIZE_PX, sam.pixel_mean, sam.pixel_std)

    official = sam.preprocess(torch.as_tensor(content).permute(2, 0, 1)[None])
    assert torch.equal(tensor, official)


def test_squashing_fills_the_square() -> None:
    frame = Frame(50, 100, 64, "squash")

    assert frame.content == (64, 64)
    assert frame.to_input(np.array([[50, 25]])).tolist() == [[32.0, 32.0]]
    assert frame.to_native(torch.zeros((1, 1, 16, 16))).shape == (1, 1, 50, 100)
