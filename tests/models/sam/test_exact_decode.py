from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from segment_anything import SamPredictor

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.sam import native_masks
from cosmos_board.models.sam.geometry import Frame
from cosmos_board.models.sam.segmenter import SamSegmenter
from tests.models.scenes import draw_scene
from tests.models.tiny_sam import CARD, build_small_sam

PIXELS = draw_scene(90, 120)
PROMPTS = [
    make_prompt([(10, 20)]),
    make_prompt(box_xyxy=(3, 4, 60, 70)),
    make_prompt([(40, 20)], box_xyxy=(3, 4, 60, 70)),
    make_prompt([(10, 20), (30, 31)], [(1, 2), (100, 80)]),
]
ALL = 1e9
"""Every logit is this near to the threshold."""


def _answer(prompts: list[Prompt], threshold: float, **settings: float) -> list[Candidates]:
    segmenter = SamSegmenter(
        build_small_sam(),
        card=CARD,
        mask_threshold=threshold,
        **settings,  # type: ignore[arg-type]
    )
    return segmenter.predict(segmenter.embed(PIXELS), prompts)


def _predictor() -> SamPredictor:
    predictor = SamPredictor(build_small_sam())
    predictor.set_image(PIXELS)
    return predictor


def _ask_official(
    predictor: SamPredictor, prompt: Prompt, *, logits: bool = False
) -> tuple[NDArray[np.generic], ...]:
    points = len(prompt.labels) > 0
    found: tuple[NDArray[np.generic], ...] = predictor.predict(
        prompt.points_xy if points else None,
        prompt.labels if points else None,
        box=None if prompt.box_xyxy is None else np.array(prompt.box_xyxy),
        return_logits=logits,
    )
    return found


def _find_disputed(prompt: Prompt) -> tuple[int, float]:
    """Return a candidate, and a threshold at which rounding alone decides one of its pixels."""
    official = _ask_official(_predictor(), prompt, logits=True)[0]
    (answer,) = _answer([prompt], 0.0)
    assert answer.logits is not None
    ours = Frame(90, 120, 128).to_native(torch.from_numpy(answer.logits)[:, None])[:, 0].numpy()
    widest = np.argsort((official - ours).ravel())[:50]
    for index, y, x in zip(*np.unravel_index(widest, ours.shape), strict=True):
        value = float(official[index, y, x])
        (hasty,) = _answer([prompt], value)
        if (hasty.masks[index] != (official[index] > value)).any():
            return int(index), value
    raise AssertionError("both ways round alike everywhere")


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("together", [1, 4])
def test_a_second_look_gives_the_official_answer_to_the_last_bit(
    together: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(native_masks, "_find_compiled", lambda: None)
    predictor = _predictor()

    answers = _answer(PROMPTS, 0.0, doubt=ALL, prompts_per_call=together)

    for prompt, answer in zip(PROMPTS, answers, strict=True):
        masks, iou, logits = _ask_official(predictor, prompt)
        np.testing.assert_array_equal(answer.masks, masks)
        np.testing.assert_array_equal(answer.predicted_iou, iou)
        np.testing.assert_array_equal(answer.logits, logits)


def test_without_doubt_the_first_answer_stays() -> None:
    plain, certain = _answer(PROMPTS, 0.0), _answer(PROMPTS, 0.0, doubt=1e-30)

    for one, other in zip(plain, certain, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)
        np.testing.assert_array_equal(one.masks, other.masks)


def test_a_pixel_that_rounding_decides_is_decided_as_officially() -> None:
    prompt = PROMPTS[1]
    index, threshold = _find_disputed(prompt)
    official = _ask_official(_predictor(), prompt, logits=True)[0][index] > threshold
    (hasty,) = _answer([prompt], threshold)
    assert (hasty.masks[index] != official).any()

    (careful,) = _answer([prompt], threshold, doubt=1e-3)

    np.testing.assert_array_equal(careful.masks[index], official)


def test_logits_of_a_click_before_are_part_of_the_second_look() -> None:
    predictor, click = _predictor(), PROMPTS[3]
    earlier = _ask_official(predictor, PROMPTS[0])[2].astype(np.float32)[1]
    segmenter = SamSegmenter(build_small_sam(), card=CARD, doubt=ALL)

    (answer,) = segmenter.predict(segmenter.embed(PIXELS), [click], [earlier])

    masks, *_ = predictor.predict(click.points_xy, click.labels, mask_input=earlier[None])
    np.testing.assert_array_equal(answer.masks, masks)
