from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam

from cosmos_board.models.sam.decoder import decode, fold, look
from cosmos_board.models.sam.prompt_batch import PromptBatch
from cosmos_board.models.tiny import cached_decoder as tiny_sight
from cosmos_board.models.tiny.cached_decoder import TinySight
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


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
def test_a_sight_answers_as_the_decoder_does(
    prompts: PromptBatch, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(tiny_sight, "_find_compiled", lambda: None)
    with torch.inference_mode():
        sight = look(fold(tiny()), features())
        logits, iou = decode(tiny(), features(), prompts)

        seen_logits, seen_iou = decode(tiny(), features(), prompts, sight)

    assert isinstance(sight, TinySight)
    scale = float(logits.abs().max())
    torch.testing.assert_close(seen_logits, logits, rtol=1e-4, atol=1e-5 * scale)
    torch.testing.assert_close(seen_iou, iou, rtol=1e-4, atol=1e-4)


def test_a_sight_takes_half_precision() -> None:
    with torch.inference_mode():
        logits, _ = decode(tiny(), features(), PROMPTS["boxes"])
        with torch.autocast("cpu", torch.bfloat16):
            sight = look(fold(tiny()), features())
            seen, iou = decode(tiny(), features(), PROMPTS["boxes"], sight)

    assert torch.isfinite(iou).all()
    agree = ((seen > 0) == (logits > 0)).float().mean()
    assert agree > 0.97


def test_a_sight_answers_with_the_mask_tokens_that_are_asked_for() -> None:
    with torch.inference_mode():
        sight = look(fold(tiny()), features())
        logits, iou = decode(tiny(), features(), PROMPTS["boxes"], sight, (0,))
        every, estimates = decode(tiny(), features(), PROMPTS["boxes"], sight, (0, 1, 2, 3))

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
