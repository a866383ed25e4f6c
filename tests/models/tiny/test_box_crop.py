from __future__ import annotations

import pytest
import torch

from cosmos_board.models.tiny.box_crop import CROP_CHANNELS, BoxCrop

BOXES = torch.tensor([[40.0, 60, 139, 119], [10, 10, 29, 49]])


def box_crop(planes: int = 3) -> BoxCrop:
    """Return one whose last layer says something."""
    torch.manual_seed(0)
    found = BoxCrop(planes)
    with torch.no_grad():
        for weights in found.leave[-1].parameters():
            weights.normal_()
    return found


def catch_crop(
    planes: list[torch.Tensor], boxes: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> torch.Tensor:
    """Return what is cut out of `planes`."""
    crops: list[torch.Tensor] = []

    def keep(_: BoxCrop, crop: torch.Tensor) -> torch.Tensor:
        crops.append(crop)
        return crop

    monkeypatch.setattr(BoxCrop, "run_unet", keep)
    BoxCrop(3)(planes, boxes)
    return crops[0]


def disc(x: float, y: float, radius: float) -> torch.Tensor:
    """Return three planes at stride 2, one of them a disc in px of the frame, (1, 3, 128, 128)."""
    at = torch.arange(128.0) * 2 + 1
    far = ((at[:, None] - y) ** 2 + (at[None] - x) ** 2).sqrt() / radius
    return torch.stack([(1 - far).clamp(-1, 1), torch.ones_like(far), torch.zeros_like(far)])[None]


@torch.no_grad()
def test_it_says_nothing_before_it_has_learnt() -> None:
    planes = torch.randn(2, 3, 128, 128)

    assert not BoxCrop(3)([planes], BOXES).any()


@torch.no_grad()
def test_a_large_and_a_small_object_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The margin is a share of the box and a few pixels, so they are not quite the same."""
    small, large = disc(70, 90, 30), disc(128, 128, 90)
    boxes = torch.tensor([[40.0, 60, 99, 119], [38, 38, 217, 217]])

    crop = catch_crop([torch.cat([small, large])], boxes, monkeypatch)

    assert crop.shape == (2, 3, 32, 32)
    assert (crop[0, 0] - crop[1, 0]).abs().max() < 0.2
    assert crop[:, 0, 15:17, 15:17].min() > 0.9
    assert crop[:, 0, :, 0].max() < 0


@torch.no_grad()
def test_an_answer_comes_back_to_where_it_was_asked() -> None:
    found = box_crop()([disc(70, 90, 30).expand(2, -1, -1, -1)], BOXES)

    assert found.shape == (2, CROP_CHANNELS, 128, 128)
    for drawn, (low_x, low_y, high_x, high_y) in zip(found, BOXES.long().tolist(), strict=True):
        inside = drawn[:, low_y // 2 : high_y // 2 + 1, low_x // 2 : high_x // 2 + 1]
        assert inside.abs().min() > 0
        assert not drawn[:, 80:].any()  # more than the margin below both boxes
        assert not drawn[:, :, 90:].any()


@torch.no_grad()
def test_the_way_back_undoes_the_way_there(monkeypatch: pytest.MonkeyPatch) -> None:
    across = torch.linspace(-1, 1, 128).expand(2, 1, 128, 128)
    monkeypatch.setattr(BoxCrop, "run_unet", lambda _, crop: crop)

    back = BoxCrop(1)([across], BOXES)

    torch.testing.assert_close(
        back[0, 0, 30:60, 20:70], across[0, 0, 30:60, 20:70], atol=0.01, rtol=0
    )


@torch.no_grad()
def test_each_prompt_is_answered_for_itself() -> None:
    net, planes = (
        box_crop(),
        torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(1)),
    )

    both = net([planes], BOXES)
    alone = net([planes[1:]], BOXES[1:])

    torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("box", [(0.0, 0, 255, 255), (250, 250, 255, 255), (100, 0, 101, 255)])
@torch.no_grad()
def test_boxes_at_the_rim_and_thin_ones_are_seen(box: tuple[float, ...]) -> None:
    found = box_crop()([torch.randn(1, 3, 128, 128)], torch.tensor([box]))

    assert found.isfinite().all()
    assert found[0, :, int(box[1]) // 2, int(box[0]) // 2].any()
