# ruff: noqa: ANN401 (transformers is untyped)
"""Volumes through SAM 2 and EdgeTAM, against the library's own way of going through a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import SlicePrompt
from cosmos_board.models.external.hf_memory import HfMemorySegmenter, mend_mask_prompts
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.segmenter import MemorySegmenter
from tests.models.scenes import draw_scene
from tests.models.small_hf import save_small, save_small_video

SLICES, HEIGHT, WIDTH = 9, 60, 84
SPACING_MM = (2.0, 1.0, 1.0)
REACH = 4
"""How many slices back the small models look."""


def draw_volume() -> NDArray[np.uint8]:
    """Return a scene that moves by a pixel and darkens from slice to slice."""
    scene = draw_scene(HEIGHT, WIDTH + SLICES)[..., 0]
    slices = [scene[:, start : start + WIDTH] - 3 * start for start in range(SLICES)]
    return np.stack(slices).astype(np.uint8)


def draw_square() -> Any:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[13:40, 21:50] = True
    return encode_mask(mask)


PROMPTS = {
    "slice-point": [SlicePrompt(3, make_prompt([(30, 20)]))],
    "slice-box": [SlicePrompt(3, make_prompt(box_xyxy=(12, 14, 50, 41)))],
    "slice-mask": [SlicePrompt(3, make_prompt(), draw_square())],
    "ends-box": [
        SlicePrompt(index, make_prompt(box_xyxy=(12 + index, 14, 50, 41))) for index in (1, 3, 7)
    ],
}


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved in a folder, and what is loaded from there."""

    model: Any
    processor: Any
    segmenter: HfMemorySegmenter


@pytest.fixture(scope="module")
def save(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Saved]:
    """Return what saves a family and loads it, once each."""

    @cache
    def save_once(family: str) -> Saved:
        if family == "edgetam":
            pytest.importorskip("timm")
        folder = tmp_path_factory.mktemp(family)
        model, processor = save_small_video(family, folder)
        segmenter = load_segmenter(f"hf:{folder}")
        assert isinstance(segmenter, HfMemorySegmenter)
        return Saved(mend_mask_prompts(model), processor, segmenter)

    return save_once


@pytest.fixture
def segmenter(save: Callable[[str], Saved]) -> HfMemorySegmenter:
    return save("sam2").segmenter


def ask_library(model: Any, processor: Any, prompts: list[SlicePrompt]) -> NDArray[np.float32]:
    """Return the logits of the library's own pipeline, which keeps the whole video."""
    video = torch.from_numpy(draw_volume())[:, None].repeat(1, 3, 1, 1)
    logits: dict[int, NDArray[np.float32]] = {}
    for reverse in (False, True):
        session = processor.init_video_session(video=video)
        for part in prompts:
            given: dict[str, Any] = {}
            if part.mask is not None:
                given["input_masks"] = part.mask.decode()
            elif part.prompt.box_xyxy is not None:
                given["input_boxes"] = [[list(part.prompt.box_xyxy)]]
            else:
                given["input_points"] = [[part.prompt.points_xy.tolist()]]
                given["input_labels"] = [[part.prompt.labels.tolist()]]
            processor.add_inputs_to_inference_session(session, part.slice_index, 1, **given)
            with torch.inference_mode():
                model(session, frame_idx=part.slice_index)
        for output in model.propagate_in_video_iterator(session, reverse=reverse):
            (masks,) = processor.post_process_masks(
                [output.pred_masks], [[HEIGHT, WIDTH]], binarize=False
            )
            logits.setdefault(output.frame_idx, masks[0, 0].numpy())
    return np.stack([logits[index] for index in range(SLICES)])


@pytest.mark.parametrize(
    ("family", "name"),
    [*(("sam2", name) for name in PROMPTS), ("edgetam", "slice-box"), ("edgetam", "slice-mask")],
)
def test_logits_are_those_of_the_librarys_own_pipeline(
    save: Callable[[str], Saved], family: str, name: str
) -> None:
    small = save(family)

    found = dict(small.segmenter.propagate_logits(draw_volume(), PROMPTS[name]))

    expected = ask_library(small.model, small.processor, PROMPTS[name])
    logits = np.stack([found[index].numpy() for index in range(SLICES)])
    assert 0.01 < (expected > 0).mean() < 0.99, "the answer must be worth comparing"
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(logits / scale, expected / scale, atol=1e-5)


@pytest.mark.parametrize("name", ["slice-box", "ends-box"])
def test_it_starts_at_the_lowest_prompt_then_goes_up_then_down(
    segmenter: HfMemorySegmenter, name: str
) -> None:
    volume = segmenter.open_volume(draw_volume(), SPACING_MM)

    predictions = list(segmenter.propagate(volume, PROMPTS[name]))

    start = PROMPTS[name][0].slice_index
    order = [*range(start, SLICES), *range(start - 1, -1, -1)]
    assert [one.slice_index for one in predictions] == order
    assert all(one.mask.shape == (HEIGHT, WIDTH) for one in predictions)


def test_a_whole_mask_is_made_of_the_same_slices(segmenter: HfMemorySegmenter) -> None:
    prompts = PROMPTS["slice-box"]
    volume = segmenter.open_volume(draw_volume(), SPACING_MM)

    masks = segmenter.predict_volume(volume, prompts)

    assert masks.shape == (SLICES, HEIGHT, WIDTH)
    for one in segmenter.propagate(volume, prompts):
        assert np.array_equal(one.mask, masks[one.slice_index])


def test_a_prompt_on_the_first_slice_needs_one_direction(segmenter: HfMemorySegmenter) -> None:
    volume = segmenter.open_volume(draw_volume(), SPACING_MM)
    prompts = [SlicePrompt(0, PROMPTS["slice-box"][0].prompt)]

    indices = [one.slice_index for one in segmenter.propagate(volume, prompts)]

    assert indices == list(range(SLICES))


def test_what_is_kept_does_not_grow_with_the_volume(
    segmenter: HfMemorySegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[Any] = []
    start = segmenter._start

    def start_and_tell(*given: Any) -> Any:
        sessions.append(start(*given))
        return sessions[-1]

    monkeypatch.setattr(segmenter, "_start", start_and_tell)

    for _ in segmenter.propagate_logits(draw_volume(), PROMPTS["slice-box"]):
        (outputs,) = sessions[-1].output_dict_per_obj.values()
        kept = [
            *outputs["cond_frame_outputs"].values(),
            *outputs["non_cond_frame_outputs"].values(),
        ]

        assert len(kept) <= 1 + REACH
        assert not any("high_res_masks" in output for output in kept)
        assert len(sessions[-1].cache._vision_features) <= 1
    assert len(sessions) == 2


def test_images_are_answered_as_before(segmenter: HfMemorySegmenter) -> None:
    """The same weights as a video model: a point on one slice is the first answer of both."""
    assert isinstance(segmenter, MemorySegmenter)
    pixels = draw_volume()[3]
    (candidates,) = segmenter.predict(segmenter.embed(pixels), [PROMPTS["slice-point"][0].prompt])

    (first, *_) = segmenter.propagate_logits(draw_volume(), PROMPTS["slice-point"])

    best = candidates.masks[candidates.best]
    assert (best != (first[1].numpy() > 0)).mean() < 1e-3


def test_nothing_to_look_for_is_said(segmenter: HfMemorySegmenter) -> None:
    volume = segmenter.open_volume(draw_volume(), SPACING_MM)

    with pytest.raises(InputError, match="there is none for this volume"):
        segmenter.predict_volume(volume, [])
    with pytest.raises(InputError, match="slice 3: has neither points, box nor mask"):
        segmenter.predict_volume(volume, [SlicePrompt(3, make_prompt())])


def test_weights_of_images_alone_take_no_volume(tmp_path: Any) -> None:
    save_small("sam2", tmp_path)

    assert not isinstance(load_segmenter(f"hf:{tmp_path}"), MemorySegmenter)
