from __future__ import annotations

import pytest
import torch

from cosmos_board.models.tiny.iou_head import IouHead, _grow


def iou_head() -> IouHead:
    torch.manual_seed(3)
    return IouHead(fine=4, maps=5)


def planes() -> tuple[torch.Tensor, torch.Tensor]:
    """Return image features and drawn prompts of two prompts."""
    drawn = torch.randn(2, 9, 64, 64, generator=torch.Generator().manual_seed(1))
    return drawn[:, :4], drawn[:, 4:]


def discs() -> torch.Tensor:
    """Return logits of two prompts with three discs each, of growing radius."""
    at = torch.arange(128.0)
    far = ((at[:, None] - 60) ** 2 + (at[None] - 70) ** 2).sqrt()
    return torch.stack([radius - far for radius in (10.0, 25, 45)])[None].repeat(2, 1, 1, 1)


@torch.no_grad()
def test_each_candidate_is_estimated_for_itself() -> None:
    head, logits = iou_head(), discs()

    all_three = head(logits, *planes())
    turned = head(logits.flip(1), *planes())
    alone = head(logits[:, 1:2], *planes())

    assert all_three.shape == (2, 3)
    torch.testing.assert_close(turned, all_three.flip(1))
    torch.testing.assert_close(alone, all_three[:, 1:2])


def test_no_gradient_flows_into_the_mask() -> None:
    logits = discs().requires_grad_()
    features = planes()[0].requires_grad_()

    iou_head()(logits, features, planes()[1]).sum().backward()

    assert logits.grad is None
    assert features.grad is not None


@torch.no_grad()
def test_masks_of_other_size_or_place_get_other_estimates() -> None:
    head, logits = iou_head(), discs()
    moved = logits.roll(20, dims=3)

    assert len(set(head(logits, *planes())[0].tolist())) == 3
    assert not torch.allclose(head(moved, *planes()), head(logits, *planes()))


@torch.no_grad()
def test_an_empty_and_a_full_mask_have_finite_estimates() -> None:
    logits = torch.stack([torch.full((128, 128), -9.0), torch.full((128, 128), 9.0)])[None]
    assert torch.isfinite(iou_head()(logits.repeat(2, 1, 1, 1), *planes())).all()


@torch.no_grad()
def test_a_shared_image_counts_as_if_each_prompt_had_its_own() -> None:
    fine, maps = planes()
    logits = discs()

    shared = iou_head()(logits, fine[:1], maps)

    torch.testing.assert_close(shared, iou_head()(logits, fine[:1].expand(2, -1, -1, -1), maps))


@pytest.mark.parametrize("size", [(64, 64), (5, 9)])
def test_masks_grow_as_if_by_pooling(size: tuple[int, int]) -> None:
    values = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    pooled = torch.nn.functional.max_pool2d(values, 5, 1, 2)

    assert torch.equal(_grow(values), pooled)
