from __future__ import annotations

import numpy as np
import pytest
from segment_anything import SamAutomaticMaskGenerator, SamPredictor

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.devices import parse_device
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.segmenter import Segmenter
from tests.models.scenes import draw_scene
from tests.models.tiny_sam import CARD, build_small_sam

FEW = EverythingSettings(predicted_iou=0.01, stability=0.2)
"""Thresholds that let some of the small model's candidates through."""

PROMPTS = [
    make_prompt([(10, 20)]),
    make_prompt(box_xyxy=(3, 4, 60, 70)),
    make_prompt([(40, 20)], box_xyxy=(3, 4, 60, 70)),
    make_prompt([(10, 20), (30, 31)], [(1, 2), (100, 80)]),
    make_prompt([(119, 0)]),
    make_prompt(box_xyxy=(0, 0, 119, 89)),
]


def _ask_official(predictor: SamPredictor, prompt: Prompt) -> Candidates:
    given = prompt.points_xy if len(prompt.labels) else None
    labels = prompt.labels if len(prompt.labels) else None
    box = None if prompt.box_xyxy is None else np.array(prompt.box_xyxy)
    return Candidates(*predictor.predict(given, labels, box=box))


def _assert_alike(found: Candidates, expected: Candidates) -> None:
    assert (found.masks != expected.masks).mean() <= 1e-4
    np.testing.assert_allclose(found.predicted_iou, expected.predicted_iou, atol=1e-5)
    assert found.logits is not None
    assert expected.logits is not None
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-4, atol=1e-3)


def test_it_is_a_segmenter() -> None:
    assert isinstance(SamSegmenter(build_small_sam(), card=CARD), Segmenter)


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(draw_scene(90, 120), id="wide"),
        pytest.param(draw_scene(301, 97)[..., 0], id="high, grey, larger than the input"),
    ],
)
def test_answers_are_the_official_predictors(pixels: Pixels) -> None:
    sam = build_small_sam()
    segmenter, predictor = SamSegmenter(sam, card=CARD), SamPredictor(sam)
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    predictor.set_image(rgb)
    prompts = [one for one in PROMPTS if pixels.shape[1] == 120 or not len(one.labels)]

    answers = segmenter.predict(segmenter.embed(pixels), prompts)

    for prompt, answer in zip(prompts, answers, strict=True):
        _assert_alike(answer, _ask_official(predictor, prompt))


def test_logits_of_a_click_are_fed_back_as_officially() -> None:
    sam, pixels = build_small_sam(), draw_scene(90, 120)
    segmenter, predictor = SamSegmenter(sam, card=CARD), SamPredictor(sam)
    predictor.set_image(pixels)
    embedding = segmenter.embed(pixels)
    (first,) = segmenter.predict(embedding, PROMPTS[:1])
    assert first.logits is not None
    chosen = first.logits[first.best]
    clicks = make_prompt([(10, 20)], [(50, 40)])

    fed, alone = segmenter.predict(embedding, [clicks, clicks], [chosen, None])

    expected = predictor.predict(clicks.points_xy, clicks.labels, mask_input=chosen[None])
    _assert_alike(fed, Candidates(*expected))
    _assert_alike(alone, _ask_official(predictor, clicks))


@pytest.mark.parametrize("size", [1, 2, 5, 64])
def test_batch_size_changes_nothing(size: int) -> None:
    pixels = draw_scene(90, 120)
    alone = SamSegmenter(build_small_sam(), card=CARD, prompts_per_call=1)
    company = SamSegmenter(build_small_sam(), card=CARD, prompts_per_call=size)
    prompts = [*PROMPTS, *PROMPTS[::-1]]

    answers = company.predict(company.embed(pixels), prompts)

    expected = [alone.predict(alone.embed(pixels), [prompt])[0] for prompt in prompts]
    for answer, one in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer.masks, one.masks)


def test_by_default_grouping_changes_no_bit_on_a_cpu() -> None:
    segmenter = SamSegmenter(build_small_sam(), card=CARD)
    embedding = segmenter.embed(draw_scene(90, 120))

    together = segmenter.predict(embedding, PROMPTS)

    for prompt, answer in zip(PROMPTS, together, strict=True):
        (alone,) = segmenter.predict(embedding, [prompt])
        assert answer.logits is not None
        np.testing.assert_array_equal(answer.logits, alone.logits)
        np.testing.assert_array_equal(answer.predicted_iou, alone.predicted_iou)


def test_images_of_different_sizes_share_an_encoder_call() -> None:
    segmenter = SamSegmenter(build_small_sam(), card=CARD)
    images = [draw_scene(90, 120), draw_scene(130, 60)[..., 0]]

    both = segmenter.embed_many(images)

    for image, embedding in zip(images, both, strict=True):
        one, other = (
            segmenter.predict(e, PROMPTS[1:2])[0] for e in (embedding, segmenter.embed(image))
        )
        assert one.masks.shape[1:] == image.shape[:2]
        assert (one.masks != other.masks).mean() <= 1e-4


def test_a_prompt_that_says_nothing_is_refused() -> None:
    segmenter = SamSegmenter(build_small_sam(), card=CARD)

    with pytest.raises(InputError, match="neither points nor a box"):
        segmenter.predict(segmenter.embed(draw_scene(90, 120)), [make_prompt()])


def test_half_precision_leaves_as_float32() -> None:
    segmenter = SamSegmenter(build_small_sam(), card=CARD, device=parse_device("cpu+bf16"))

    answer = segmenter.predict(segmenter.embed(draw_scene(90, 120)), PROMPTS[:1])[0]

    assert answer.logits is not None
    assert answer.logits.dtype == answer.predicted_iou.dtype == np.float32
    assert answer.masks.dtype == np.bool_


def test_everything_mode_finds_what_the_official_generator_finds() -> None:
    """The protocol's grid, offset and suppression; thresholds low enough for random weights."""
    sam, pixels = build_small_sam(), draw_scene(90, 120)
    segmenter = SamSegmenter(sam, card=CARD, everything=FEW)
    generator = SamAutomaticMaskGenerator(
        sam,
        pred_iou_thresh=FEW.predicted_iou,
        stability_score_thresh=FEW.stability,
        output_mode="coco_rle",
    )

    found = segmenter.segment_everything(segmenter.embed(pixels))

    expected = generator.generate(pixels)
    assert len(expected) >= 20
    assert [rle.counts.decode() for rle in found.rles] == [
        record["segmentation"]["counts"] for record in expected
    ]
    np.testing.assert_allclose(
        found.predicted_iou, [record["predicted_iou"] for record in expected], atol=1e-5
    )


def test_everything_mode_may_find_nothing() -> None:
    strict = EverythingSettings(points_per_side=4, predicted_iou=0.99)
    segmenter = SamSegmenter(build_small_sam(), card=CARD, everything=strict)

    found = segmenter.segment_everything(segmenter.embed(draw_scene(90, 120)))

    assert not found.rles
    assert not found.predicted_iou


def test_thresholds_of_zero_let_everything_through_to_suppression() -> None:
    lax = EverythingSettings(points_per_side=3, predicted_iou=0, stability=0, nms_iou=1)
    segmenter = SamSegmenter(build_small_sam(), card=CARD, everything=lax)

    found = segmenter.segment_everything(segmenter.embed(draw_scene(90, 120)))

    assert len(found.rles) == 27


def test_masks_that_stay_on_the_device_are_those_that_are_copied() -> None:
    """In the order of the prompts, however they are grouped."""
    segmenter = SamSegmenter(build_small_sam(), card=CARD, prompts_per_call=2)
    embedding = segmenter.embed(draw_scene(90, 120))
    prompts = [
        make_prompt([(10, 20)]),
        make_prompt(box_xyxy=(3, 4, 60, 70)),
        make_prompt([(70, 40)]),
        make_prompt([(30, 30)]),
    ]

    there, here = (
        segmenter.predict_on_device(embedding, prompts),
        segmenter.predict(embedding, prompts),
    )

    for one, other in zip(there, here, strict=True):
        assert one.best == other.best
        np.testing.assert_array_equal(one.to_host().masks, other.masks)
        np.testing.assert_array_equal(one.predicted_iou, other.predicted_iou)
    assert segmenter.predict_on_device(embedding, []) == []
