# ruff: noqa: ANN401 (transformers is untyped)
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.external.hf_segmenter import mend_sam_hq
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam.everything_grid import EverythingSettings, make_grid
from cosmos_board.models.segmenter import Segmenter
from tests.models.scenes import draw_scene
from tests.models.small_hf import FAMILIES, SIDE, build_sam_hq, save_small

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
    model, processor = save_small(request.param, folder)
    if request.param == "sam-hq":  # held to its authors' decoder in a test of its own
        mend_sam_hq(model)
    return folder, model, processor


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
    if "pixel_values" in inputs and len(sizes) == 1:  # SAM 2 and its kin feed back within ±32
        low = low.clamp(-32, 32)
    return Candidates(masks[0].numpy(), found.iou_scores[0, 0].numpy(), low.numpy())


def assert_same(found: Candidates, expected: Candidates) -> None:
    assert 0.02 < expected.masks.mean() < 0.98, "the answer must be worth comparing"
    assert found.masks.shape == expected.masks.shape
    assert (found.masks != expected.masks).mean() <= 1e-4
    np.testing.assert_allclose(found.predicted_iou, expected.predicted_iou, rtol=1e-4, atol=1e-5)
    assert found.logits is not None
    assert expected.logits is not None
    scale = float(np.abs(expected.logits).max())
    np.testing.assert_allclose(found.logits / scale, expected.logits / scale, atol=1e-4)


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
        error = float(np.abs(answer.logits - other.logits).mean() / np.abs(other.logits).mean())
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


def test_sam_hq_draws_from_what_the_transformer_made_of_the_image() -> None:
    torch.manual_seed(0)
    model, mended = build_sam_hq().eval(), build_sam_hq().eval()
    mended.load_state_dict(model.state_dict())
    mend_sam_hq(mended)
    seen: dict[str, Any] = {}
    decoder = mended.mask_decoder
    decoder.transformer.register_forward_hook(lambda *given: seen.update(made=given[2][1]))
    decoder.upscale_conv1.register_forward_hook(lambda *given: seen.update(drawn=given[1][0]))
    asked = {
        "pixel_values": torch.randn(1, 3, SIDE, SIDE),
        "input_boxes": torch.tensor([[[3.0, 4.0, 60.0, 70.0], [9.0, 8.0, 30.0, 90.0]]]),
    }

    with torch.inference_mode():
        before, after = (one(**asked, multimask_output=True) for one in (model, mended))

    made, drawn = seen["made"], seen["drawn"]
    for prompt in range(2):
        for y, x in ((0, 5), (3, 1)):
            place = y * drawn.shape[3] + x
            token = made.reshape(2, -1, drawn.shape[1])[prompt, place]
            torch.testing.assert_close(drawn[prompt, :, y, x], token)
    torch.testing.assert_close(before.iou_scores, after.iou_scores)
    assert not torch.allclose(before.pred_masks, after.pred_masks)
