from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import transform
from torch.nn import functional

from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.cards import CARDS
from cosmos_board.models.registry import is_ready, load_segmenter
from cosmos_board.models.sam import medsam
from cosmos_board.models.sam.medsam import MedSam
from tests.models.scenes import draw_scene
from tests.models.tiny_sam import CARD, INPUT_SIZE_PX, build_small_sam

BOXES = [(3, 4, 60, 70), (0, 0, 119, 89), (50, 20, 90, 45)]


def test_masks_are_those_of_the_published_inference_script() -> None:
    """Written down once more, step by step, with the official modules."""
    sam, pixels = build_small_sam(), draw_scene(90, 120)
    side, (height, width) = INPUT_SIZE_PX, pixels.shape[:2]
    squashed = transform.resize(
        pixels, (side, side), order=3, preserve_range=True, anti_aliasing=True
    ).astype(np.uint8)
    unit = (squashed - squashed.min()) / np.clip(squashed.max() - squashed.min(), 1e-8, None)
    image = torch.tensor(unit).float().permute(2, 0, 1)[None]
    boxes = torch.tensor(np.array(BOXES) / [width, height, width, height] * side).float()
    with torch.inference_mode():
        sparse, dense = sam.prompt_encoder(points=None, boxes=boxes[:, None], masks=None)
        low, iou = sam.mask_decoder(
            image_embeddings=sam.image_encoder(image),
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        probability = functional.interpolate(
            torch.sigmoid(low), (height, width), mode="bilinear", align_corners=False
        )
    segmenter = MedSam(sam, card=CARD)

    answers = segmenter.predict(
        segmenter.embed(pixels), [make_prompt(box_xyxy=box) for box in BOXES]
    )

    for answer, expected, estimate in zip(answers, probability > 0.5, iou, strict=True):
        assert answer.masks.shape == (1, height, width)
        assert (answer.masks != expected.numpy()).mean() <= 1e-4
        np.testing.assert_allclose(answer.predicted_iou, estimate.numpy(), atol=1e-5)


def test_a_black_image_is_no_division_by_zero() -> None:
    segmenter = MedSam(build_small_sam(), card=CARD)

    (answer,) = segmenter.predict(
        segmenter.embed(np.zeros((30, 40), np.uint8)), [make_prompt(box_xyxy=BOXES[0])]
    )

    assert np.isfinite(answer.predicted_iou).all()


def test_it_runs_in_the_precision_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own 375 MB of weights are replaced by a small model's."""
    monkeypatch.setattr(medsam, "build_official", lambda *_: build_small_sam())
    monkeypatch.setitem(CARDS, "medsam", replace(CARDS["medsam"], input_size_px=INPUT_SIZE_PX))
    pixels, prompts = draw_scene(90, 120), [make_prompt(box_xyxy=box) for box in BOXES]
    exact, rough = (
        load_segmenter("medsam", checkpoint=Path("medsam.pth"), device=device)
        for device in ("cpu", "cpu+bf16")
    )

    expected, found = (one.predict(one.embed(pixels), prompts) for one in (exact, rough))

    for answer, other in zip(found, expected, strict=True):
        assert answer.logits is not None
        assert other.logits is not None
        assert answer.logits.dtype == np.float32
        assert not np.array_equal(answer.logits, other.logits)
        assert (answer.masks != other.masks).mean() <= 0.03


def test_it_answers_boxes_only_and_says_where_its_weights_are(tmp_path: Path) -> None:
    assert CARDS["medsam"].prompts == ("box",)
    assert not is_ready("medsam")
    with pytest.raises(InputError, match=r"cannot be fetched.*--checkpoint FILE"):
        load_segmenter("medsam")
