from __future__ import annotations

import pytest
import torch

from cosmos_board.training.losses import (
    cross_entropy,
    multimask_loss,
    soft_dice_loss,
    true_iou,
)

REFERENCE = torch.zeros(1, 1, 8, 8)
REFERENCE[..., 2:6, 2:6] = 1
RIGHT, WRONG = 20 * (2 * REFERENCE - 1), 20 * (1 - 2 * REFERENCE)


def test_a_right_mask_costs_nothing_and_a_wrong_one_much() -> None:
    assert soft_dice_loss(RIGHT, REFERENCE).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice_loss(WRONG, REFERENCE).item() > 0.9
    assert cross_entropy(RIGHT, REFERENCE).item() == pytest.approx(0, abs=1e-6)


def test_the_cross_entropy_is_no_constant_and_has_a_gradient() -> None:
    """A softmax over one channel is always 1, and its cross-entropy always 0."""
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)

    loss = cross_entropy(logits, REFERENCE)
    loss.sum().backward()  # type: ignore[no-untyped-call]

    assert loss.item() == pytest.approx(2 * 0.6931, abs=1e-3)
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def test_a_small_object_weighs_as_much_as_its_neighbourhood() -> None:
    small = torch.zeros(1, 1, 64, 64)
    small[..., 10:13, 10:13] = 1
    missed = torch.full((1, 1, 64, 64), -20.0)

    assert cross_entropy(missed, small).item() > 1


def test_iou_is_counted_by_hand() -> None:
    half = torch.full((1, 1, 8, 8), -1.0)
    half[..., 2:6, 2:4] = 1

    assert true_iou(half, REFERENCE).item() == 0.5


def test_an_ambiguous_prompt_forgives_all_candidates_but_the_best() -> None:
    logits = torch.cat([RIGHT, WRONG, WRONG], 1)
    iou = true_iou(logits, REFERENCE)

    ambiguous = multimask_loss(logits, iou, REFERENCE, torch.tensor([True]))
    clear = multimask_loss(logits, iou, REFERENCE, torch.tensor([False]))

    assert ambiguous.item() < clear.item()


def test_every_candidate_gets_a_gradient() -> None:
    """Without one, the mask heads that are used at evaluation would stay as they were."""
    logits = torch.zeros(1, 3, 8, 8, requires_grad=True)

    multimask_loss(logits, torch.zeros(1, 3), REFERENCE, torch.tensor([False])).sum().backward()  # type: ignore[no-untyped-call]

    assert logits.grad is not None
    assert (logits.grad.abs().sum((2, 3)) > 0).all()


def test_a_wrong_estimate_of_quality_costs() -> None:
    logits = RIGHT.expand(1, 3, 8, 8)
    honest, boastful = torch.ones(1, 3), torch.full((1, 3), 0.2)

    assert multimask_loss(logits, honest, REFERENCE, torch.tensor([False])) < multimask_loss(
        logits, boastful, REFERENCE, torch.tensor([False])
    )
