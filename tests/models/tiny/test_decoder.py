from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam

from cosmos_board.models.sam.decoder import decode, fold, precompute
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.tiny.decoder import CachedDecoder
from cosmos_board.models.tiny.model import build_tiny

POINTS = torch.tensor([[[70.0, 90]], [[200, 30]], [[5, 250]]])
BOXES = torch.tensor([[40.0, 60, 139, 119], [10, 10, 29, 49], [0, 0, 255, 255]])
LOGITS = torch.linspace(-15, 15, 3 * 128 * 128).view(3, 1, 128, 128)
PROMPTS = {
    "points": PromptBatch(torch.zeros(3, dtype=torch.int64), POINTS, torch.ones(3, 1)),
    "points inside and outside": PromptBatch(
        torch.zeros(3, dtype=torch.int64),
        torch.cat([POINTS, POINTS.flip(0)], 1),
        torch.tensor([[1.0, 0]] * 3),
    ),
    "boxes": PromptBatch(torch.zeros(3, dtype=torch.int64), boxes_xyxy=BOXES),
    "boxes with points": PromptBatch(
        torch.zeros(3, dtype=torch.int64), POINTS, torch.ones(3, 1), BOXES
    ),
    "points with logits fed back": PromptBatch(
        torch.zeros(3, dtype=torch.int64), POINTS, torch.ones(3, 1), mask_logits=LOGITS
    ),
}


@cache
def tiny() -> Sam:
    """Return the model with weights that leave nothing out."""
    generator = torch.Generator().manual_seed(0)
    sam: Sam = build_tiny().eval()
    with torch.no_grad():
        for weights in sam.parameters():
            weights += 0.05 * torch.randn(weights.shape, generator=generator)
    return sam


@cache
def features() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        found: torch.Tensor = tiny().image_encoder(torch.randn(1, 3, 256, 256, generator=generator))
    return found


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
def test_a_cached_decoder_answers_as_one_made_for_each_prompt(prompts: PromptBatch) -> None:
    """And the transformer folded for inference as the official one."""
    both = torch.cat([features().flip(3), features()])
    second = replace(prompts, image_index=prompts.image_index + 1)
    with torch.inference_mode():
        cached = precompute(fold(tiny()), features())
        logits, iou = decode(tiny(), both, second)

        cached_logits, cached_iou = decode(tiny(), features(), prompts, cached)

    assert isinstance(cached, CachedDecoder)
    scale = float(logits.abs().max())
    torch.testing.assert_close(cached_logits, logits, rtol=1e-4, atol=1e-5 * scale)
    torch.testing.assert_close(cached_iou, iou, rtol=1e-4, atol=1e-4)


def test_every_weight_of_the_decoder_can_be_learnt() -> None:
    sam = tiny()
    for prompts in (PROMPTS["boxes"], PROMPTS["points with logits fed back"]):
        logits, iou = decode(sam, features(), prompts, mask_tokens=range(4))
        torch.autograd.backward(logits.mean() + iou.mean())

    unused = {name for name, each in sam.mask_decoder.named_parameters() if each.grad is None}
    sam.zero_grad(set_to_none=True)
    assert not unused


def test_a_cached_decoder_takes_half_precision() -> None:
    with torch.inference_mode():
        logits, _ = decode(tiny(), features(), PROMPTS["boxes"])
        with torch.autocast("cpu", torch.bfloat16):
            cached = precompute(fold(tiny()), features())
            rough, iou = decode(tiny(), features(), PROMPTS["boxes"], cached)

    assert torch.isfinite(iou).all()
    agree = ((rough > 0) == (logits > 0)).float().mean()
    assert agree > 0.97


def test_a_cached_decoder_answers_with_the_mask_tokens_that_are_asked_for() -> None:
    with torch.inference_mode():
        cached = precompute(fold(tiny()), features())
        logits, iou = decode(tiny(), features(), PROMPTS["boxes"], cached, (0,))
        every, estimates = decode(tiny(), features(), PROMPTS["boxes"], cached, (0, 1, 2, 3))

    assert logits.shape == (3, 1, 128, 128)
    torch.testing.assert_close(logits[:, 0], every[:, 0], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(iou[:, 0], estimates[:, 0], rtol=1e-4, atol=1e-4)


def test_the_official_predictor_takes_the_model_and_a_box() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    predictor = SamPredictor(tiny())
    predictor.set_image(pixels)

    masks, estimates, _ = predictor.predict(box=np.array([10, 10, 40, 30]))

    assert masks.shape == (3, 60, 80)
    assert np.isfinite(estimates).all()
