"""The loss of a decoder with several candidates: of the best mask and of the predicted IoU."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def soft_dice_loss(logits: Tensor, reference: Tensor) -> Tensor:
    """Return 1 − Dice of the sigmoid per mask, shape (P, K).

    Logits are (P, K, y, x), the reference (P, 1, y, x), in [0, 1].
    """
    probability = logits.sigmoid()
    shared = (probability * reference).flatten(2).sum(-1)
    summed = probability.flatten(2).sum(-1) + reference.flatten(2).sum(-1)
    return 1 - (2 * shared + 1) / (summed + 1)


def cross_entropy(logits: Tensor, reference: Tensor) -> Tensor:
    """Return the binary cross-entropy per mask, shape (P, K); arguments as above.

    The mean over the whole plane and the mean over the neighbourhood of the reference (its box,
    grown by half its size on each side) are added: in the first alone small objects hardly count.
    """
    full = reference.expand_as(logits)
    each = functional.binary_cross_entropy_with_logits(logits, full, reduction="none")
    near = _neighbourhood(reference)
    local = (each * near).flatten(2).sum(-1) / near.flatten(2).sum(-1).clamp(min=1)
    return each.flatten(2).mean(-1) + local


def _neighbourhood(reference: Tensor) -> Tensor:
    """Return 1 within the grown box of each reference, 0 elsewhere, shape (P, 1, y, x)."""
    within = []
    for axis in (2, 3):
        occupied = reference.amax(5 - axis, keepdim=True) > 0
        place = torch.arange(reference.shape[axis], device=reference.device)
        place = place.view([-1 if i == axis else 1 for i in range(4)])
        low = torch.where(occupied, place, reference.shape[axis]).amin(axis, keepdim=True)
        high = torch.where(occupied, place, -1).amax(axis, keepdim=True)
        margin = (high - low) / 2 + 2
        within.append((place >= low - margin) & (place <= high + margin))
    return (within[0] & within[1]).to(reference.dtype)


def true_iou(logits: Tensor, reference: Tensor) -> Tensor:
    """Return the IoU of the masks at logit 0, shape (P, K); no gradient flows through it."""
    with torch.no_grad():
        mask, expected = logits > 0, reference > 0.5
        shared = (mask & expected).flatten(2).sum(-1).float()
        joined = (mask | expected).flatten(2).sum(-1).float()
        return shared / joined.clamp(min=1)


def multimask_loss(
    logits: Tensor,
    predicted_iou: Tensor,
    reference: Tensor,
    ambiguous: Tensor,
    *,
    clear_share: float = 0.5,
) -> Tensor:
    """Return the loss of the masks plus the squared error of the predicted IoU, shape (P,).

    That of a mask is Dice loss plus cross-entropy, taken of the best candidate (Kirillov et al.
    2023, appendix A) and of the mean over all. The mean has a small weight after an ambiguous
    prompt and a larger one (`clear_share`) after a clear prompt, where a user gets whichever
    candidate the IoU head prefers. Arguments are as above; `predicted_iou` is (P, K), `ambiguous`
    bool, (P,).
    """
    each = soft_dice_loss(logits, reference) + cross_entropy(logits, reference)
    share = torch.where(ambiguous, 0.1, clear_share)
    masks = (1 - share) * each.min(1).values + share * each.mean(1)
    error = (predicted_iou - true_iou(logits, reference)).square().mean(1)
    return masks + error
