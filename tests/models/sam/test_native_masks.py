from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cosmos_board.models.sam import native_masks
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.native_masks import find_stable_masks, to_native_masks
from cosmos_board.models.sam.sam_med2d import CentredFrame

FRAMES = [
    pytest.param(Frame(224, 224, 1024), id="smaller than the logits"),
    pytest.param(Frame(389, 517, 1024), id="odd"),
    pytest.param(Frame(1500, 900, 1024), id="larger than the square"),
    pytest.param(Frame(3, 200, 1024), id="a strip"),
    pytest.param(Frame(70, 50, 256, "squash"), id="squashed"),
    pytest.param(Frame(1, 1, 256), id="one pixel"),
    pytest.param(CentredFrame(91, 120, 256), id="centred in the square"),
    pytest.param(CentredFrame(301, 97, 256), id="too large to be centred"),
]


def _smooth_logits(count: int, side: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn((count, 1, 9, 9), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")
    return smooth[:, 0] * 8


@pytest.fixture
def without_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_masks, "_find_compiled", lambda: None)


@pytest.mark.parametrize("frame", FRAMES)
def test_one_step_draws_the_masks_of_two(frame: Frame) -> None:
    low = _smooth_logits(4, frame.input_size_px // 4)

    masks = to_native_masks(frame, low[None]).numpy()

    expected = (frame.to_native(low[None]) > 0).numpy()
    assert masks.shape == expected.shape
    assert (masks != expected).sum() <= 2, "rounding at the very threshold"


@pytest.mark.usefixtures("without_compiled")
def test_masks_without_the_compiled_loops_are_torchs() -> None:
    frame, low = Frame(61, 47, 128), _smooth_logits(2, 32)

    masks = to_native_masks(frame, low)

    np.testing.assert_array_equal(masks, (frame.to_native(low[None])[0] > 0).numpy())


def test_stability_is_counted_alike_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, low = Frame(61, 47, 128), _smooth_logits(20, 32)
    masks, kept = find_stable_masks(frame, low, EverythingSettings(stability=0.78))
    assert 0 < kept.sum() < 20

    monkeypatch.setattr(native_masks, "_find_compiled", lambda: None)
    other_masks, other_kept = find_stable_masks(frame, low, EverythingSettings(stability=0.78))

    np.testing.assert_array_equal(kept, other_kept)
    for mask, other in zip(masks, other_masks, strict=True):
        assert (mask != other).sum() <= 1


def test_an_empty_mask_is_stable_only_where_nothing_is_asked() -> None:
    frame, low = Frame(20, 20, 64), torch.full((1, 16, 16), -9.0)

    assert not find_stable_masks(frame, low, EverythingSettings(stability=0.01))[1].any()
    assert find_stable_masks(frame, low, EverythingSettings(stability=0))[1].all()
