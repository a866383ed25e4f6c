# ruff: noqa: ANN401 (transformers is untyped)
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.everything_grid import EverythingSettings, make_grid
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.segmenter import Segmenter
from tests.models.scenes import draw_scene
from tests.models.small_hf import FAMILIES, save_small

PROMPTS = [
    make_prompt([(10, 20)]),
    make_prompt([(10, 20), (30, 31)], [(1, 2), (85, 80)]),
    make_prompt(box_xyxy=(3, 4, 60, 70)),
    make_prompt([(40, 20)], box_xyxy=(3, 4, 60, 70)),
]
PICTURES = {"wide": draw_scene(90, 120), "high, grey": draw_scene(301, 97)[..., 0].copy()}


@pytest.fixture(scope="module", params=FAMILIES)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder, and the model and processor that were saved in it."""
    if request.param == "edgetam":
        pytest.importorskip("timm")
    folder = tmp_path_factory.mktemp(request.param)
    return folder, *save_small(request.param, folder)


@pytest.fixture(scope="module")
def segmenter(saved: Any) -> Segmenter:
    return load_segmenter(f"hf:{saved[0]}")


def ask_library(
    model: Any, processor: Any, pixels: Pixels, prompt: Prompt, mask: Any = None
) -> Candidates:
    """Return what the library's own pipeline answers: processor, model, processor."""
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    given: dict[str, Any] = {}
    if len(prompt.labels):
        given["input_points"] = [[prompt.points_xy.tolist()]]
        given["input_labels"] = [[prompt.labels.tolist()]]
    if prompt.box_xyxy is not None:
        given["input_boxes"] = [[list(prompt.box_xyxy)]]
    inputs = processor(images=rgb, return_tensors="pt", **given)
    sizes = [inputs.pop("original_sizes")]
    if "reshaped_input_sizes" in inputs:
        sizes.append(inputs.pop("reshaped_input_sizes"))
    with torch.inference_mode():
        found = model(**inputs, input_masks=mask, multimask_output=True)
        masks = processor.post_process_masks(found.pred_masks, *sizes)[0]
    low = found.pred_masks[0, 0]
    return Candidates(masks[0].numpy(), found.iou_scores[0, 0].numpy(), low.numpy())


def assert_same(found: Candidates, expected: Candidates) -> None:
    assert 0.02 < expected.masks.mean() < 0.98, "the answer must be worth comparing"
    assert found.masks.shape == expected.masks.shape
    assert (found.masks != expected.masks).mean() <= 1e-4
    np.testing.assert_allclose(found.predicted_iou, expected.predicted_iou, rtol=1e-4, atol=1e-5)
    assert found.logits is not None
    assert expected.logits is not None
    scale = float(np.abs(expected.logits).max())
    np.testing.assert_allclose(found.logits / scale, expected.logits / scale, atol=1e-5)


@pytest.mark.parametrize("picture", PICTURES)
def test_answers_are_those_of_the_librarys_own_pipeline(
    saved: Any, segmenter: Segmenter, picture: str
) -> None:
    _, model, processor = saved
    pixels = PICTURES[picture]

    answers = segmenter.predict(segmenter.embed(pixels), PROMPTS)

    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert_same(answer, ask_library(model, processor, pixels, prompt))


def test_the_mask_of_the_click_before_is_fed_back_as_in_the_library(
    saved: Any, segmenter: Segmenter
) -> None:
    _, model, processor = saved
    pixels, clicks = PICTURES["wide"], PROMPTS[1]
    embedding = segmenter.embed(pixels)
    (first,) = segmenter.predict(embedding, PROMPTS[:1])
    assert first.logits is not None
    before = first.logits[first.best] / 10

    fed, alone = segmenter.predict(embedding, [clicks, clicks], [before, None])

    mask = torch.as_tensor(before)[None, None]
    assert_same(fed, ask_library(model, processor, pixels, clicks, mask))
    assert_same(alone, ask_library(model, processor, pixels, clicks))
    assert fed.logits is not None
    assert alone.logits is not None
    assert not np.array_equal(fed.logits, alone.logits)


def test_everything_mode_keeps_what_the_librarys_own_filters_keep(
    saved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid of 4 × 4 and thresholds that let some of the random masks through."""
    folder, model, processor = saved
    segmenter: Any = load_segmenter(f"hf:{folder}")
    # Boxes of random masks nearly all fill the image: suppression would leave one.
    few = EverythingSettings(points_per_side=4, predicted_iou=0.5, stability=0.6, nms_iou=1)
    monkeypatch.setattr(segmenter, "_everything", few)
    pixels = PICTURES["wide"]

    found = segmenter.segment_everything(segmenter.embed(pixels))

    native = make_grid(4) * [120, 90]
    answers = [ask_grid_point(model, processor, pixels, one) for one in native.tolist()]
    logits, scores = (torch.cat(each)[:, None] for each in zip(*answers, strict=True))
    tools = processor.image_processor
    rles, kept, boxes = tools.filter_masks(
        logits, scores, (90, 120), [0, 0, 120, 90], few.predicted_iou, few.stability
    )
    masks, iou, _, _ = tools.post_process_for_mask_generation(rles, kept, boxes, few.nms_iou)
    assert len(masks) >= 2
    np.testing.assert_allclose(found.predicted_iou, np.asarray(iou), rtol=1e-4, atol=1e-5)
    for rle, mask in zip(found.rles, masks, strict=True):
        assert (rle.decode() != np.asarray(mask)).mean() <= 1e-3


def test_bfloat16_changes_answers_a_little(saved: Any, segmenter: Segmenter) -> None:
    """Random weights leave many logits near zero: at most 3 % of pixels turn over."""
    rough: Any = load_segmenter(f"hf:{saved[0]}", device="cpu+bf16")
    pixels = PICTURES["wide"]

    exact, found = (one.predict(one.embed(pixels), PROMPTS) for one in (segmenter, rough))

    for answer, other in zip(found, exact, strict=True):
        assert answer.logits is not None
        assert other.logits is not None
        assert answer.logits.dtype == answer.predicted_iou.dtype == np.float32
        assert (answer.masks != other.masks).mean() <= 0.03
        error = float(np.abs(answer.logits - other.logits).max() / np.abs(other.logits).max())
        assert 0 < error < 0.2
    rough._everything = EverythingSettings(points_per_side=2, predicted_iou=0, stability=0)
    assert rough.segment_everything(rough.embed(pixels)).rles


def ask_grid_point(
    model: Any, processor: Any, pixels: Pixels, point: list[float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return native logits (3, Y, X) and predicted IoU (3,)."""
    inputs = processor(
        images=pixels, input_points=[[[point]]], input_labels=[[[1]]], return_tensors="pt"
    )
    sizes = [inputs.pop("original_sizes")]
    if "reshaped_input_sizes" in inputs:
        sizes.append(inputs.pop("reshaped_input_sizes"))
    with torch.inference_mode():
        found = model(**inputs, multimask_output=True)
        native = processor.post_process_masks(found.pred_masks, *sizes, binarize=False)[0]
    return native[0], found.iou_scores[0, 0]
