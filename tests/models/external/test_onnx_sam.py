# ruff: noqa: ANN401 (transformers is untyped)
from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segment_anything import SamPredictor

from cosmos_board.core.candidates import Candidates
from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import Prompt, make_prompt
from cosmos_board.models.conformance import DiscImage, find_problems
from cosmos_board.models.registry import is_ready, load_segmenter, locate_weights
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.segmenter import SamSegmenter
from tests.models.external.test_hf import PICTURES, PROMPTS, ask_library, assert_same
from tests.models.scenes import draw_scene
from tests.models.small_hf import save_small
from tests.models.small_onnx import export_bright, export_sam, export_sam2
from tests.models.tiny_sam import CARD, build_small_sam

EXPORTS = {"square": False, "picture": True}
"""Whether the encoder resizes nothing and normalises by itself."""


@pytest.fixture(scope="module", params=EXPORTS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("onnx") / request.param
    prepares = EXPORTS[request.param]
    export_sam(build_small_sam(), folder, prepares=prepares)
    if prepares:  # its grid has a cell every 8 pixels, where SAM's has one every 16
        (folder / "card.json").write_text('{"input_size_px": 128, "name": "mine"}')
    return folder


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "bright"
    export_bright(folder)
    return folder


def ask_official(predictor: SamPredictor, prompt: Prompt, mask: Any = None) -> Candidates:
    given = (prompt.points_xy, prompt.labels) if len(prompt.labels) else (None, None)
    box = None if prompt.box_xyxy is None else np.array(prompt.box_xyxy)
    return Candidates(*predictor.predict(*given, box=box, mask_input=mask))


@pytest.mark.parametrize("picture", PICTURES)
def test_answers_are_those_of_the_model_that_was_exported(pair: Path, picture: str) -> None:
    pixels = PICTURES[picture]
    predictor, segmenter = SamPredictor(build_small_sam()), load_segmenter(f"onnx:{pair}")
    predictor.set_image(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2))

    answers = segmenter.predict(segmenter.embed(pixels), PROMPTS)

    for prompt, answer in zip(PROMPTS, answers, strict=True):
        expected = ask_official(predictor, prompt)
        assert (answer.masks != expected.masks).mean() <= 1e-4
        np.testing.assert_allclose(answer.predicted_iou, expected.predicted_iou, atol=1e-4)


def test_the_mask_of_the_click_before_is_fed_back(pair: Path) -> None:
    pixels, clicks = PICTURES["wide"], PROMPTS[1]
    predictor, segmenter = SamPredictor(build_small_sam()), load_segmenter(f"onnx:{pair}")
    predictor.set_image(pixels)
    embedding = segmenter.embed(pixels)
    (first,) = segmenter.predict(embedding, PROMPTS[:1])
    assert first.logits is not None
    before = first.logits[first.best]

    fed, alone = segmenter.predict(embedding, [clicks, clicks], [before, None])

    for answer, mask in ((fed, before[None]), (alone, None)):
        expected = ask_official(predictor, clicks, mask)
        assert (answer.masks != expected.masks).mean() <= 1e-4
    assert not np.array_equal(fed.masks, alone.masks)


def test_a_pair_of_sam2_answers_as_the_model_that_was_exported(tmp_path: Path) -> None:
    model, processor = save_small("sam2", tmp_path / "hf")
    export_sam2(model, tmp_path / "onnx")
    segmenter, pixels = load_segmenter(f"onnx:{tmp_path / 'onnx'}"), PICTURES["wide"]
    values = processor(images=pixels, return_tensors="pt")["pixel_values"].numpy()
    # The library resizes a little differently; what is compared is everything after that.
    embedding = segmenter.embed(pixels)
    features = segmenter._encoder.run({segmenter._input_name: values})  # type: ignore[attr-defined]
    embedding = type(embedding)(embedding.height, embedding.width, features)

    answers = segmenter.predict(embedding, PROMPTS)

    assert segmenter.card.family == "sam2"
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        assert_same(answer, ask_library(model, processor, pixels, prompt))


FEW = EverythingSettings(points_per_side=16, predicted_iou=0.01, stability=0.2)
"""Thresholds low enough for random weights."""


@pytest.mark.parametrize("picture", PICTURES)
def test_everything_mode_finds_what_the_model_that_was_exported_finds(
    pair: Path, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same masks in the same order; rounding may move a pixel in ten thousand."""
    pixels = PICTURES[picture]
    torch_one, exported = (
        SamSegmenter(build_small_sam(), card=CARD, everything=FEW),
        load_segmenter(f"onnx:{pair}"),
    )
    monkeypatch.setattr(exported, "_everything", FEW)

    expected, found = (one.segment_everything(one.embed(pixels)) for one in (torch_one, exported))

    assert len(expected.rles) >= 5
    assert len(found.rles) == len(expected.rles)
    np.testing.assert_allclose(found.predicted_iou, expected.predicted_iou, atol=1e-4)
    for rle, other in zip(found.rles, expected.rles, strict=True):
        assert (rle.decode() != other.decode()).mean() <= 1e-4


def test_everything_mode_may_find_nothing(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported, strict = load_segmenter(f"onnx:{pair}"), EverythingSettings(2, predicted_iou=0.99)
    monkeypatch.setattr(exported, "_everything", strict)

    found = exported.segment_everything(exported.embed(PICTURES["wide"]))

    assert found.rles == ()


def test_the_adapter_keeps_every_promise(bright: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = load_segmenter(f"onnx:{bright}")
    monkeypatch.setattr(segmenter, "_everything", EverythingSettings(points_per_side=8))

    assert find_problems(segmenter, everything=True) == []
    assert segmenter.segment_everything(segmenter.embed(DiscImage().pixels)).rles


def test_a_card_comes_from_the_notes_or_from_the_folder(pair: Path, bright: Path) -> None:
    names = {load_segmenter(f"onnx:{folder}").card.name for folder in (pair, bright)}

    assert "onnx-bright" in names
    assert names & {"mine", "onnx-square"}
    assert locate_weights(f"onnx:{pair}") == pair
    assert is_ready(f"onnx:{pair}")


def test_neither_torch_nor_transformers_is_needed(bright: Path) -> None:
    program = (
        "import sys, numpy; from cosmos_board.models.registry import load_segmenter;"
        f"segmenter = load_segmenter({f'onnx:{bright}'!r});"
        "embedding = segmenter.embed(numpy.full((20, 30), 200, numpy.uint8));"
        "segmenter.segment_everything(embedding); import cosmos_board.models.external.click_net;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


def _write(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def _swap(folder: Path) -> None:
    (folder / "bright.decoder.onnx").unlink()
    shutil.copy(folder / "bright.encoder.onnx", folder / "also.decoder.onnx")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "bright.decoder.onnx").unlink(), "is not one file.*got none"),
        (_write("int8.decoder.onnx", ""), "is not one file"),
        (_write("bright.encoder.onnx", "nothing"), "cannot be loaded"),
        (_swap, "is not as samexporter writes it"),
        (_write("card.json", '{"colour": 1}'), "colour: Extra inputs"),
        (_write("card.json", '{"name": "../up"}'), "name: String should match"),
    ],
)
def test_a_broken_folder_says_what_is_wrong(
    harm: Callable[[Path], object], message: str, bright: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(bright, folder)
    harm(folder)

    with pytest.raises(InputError, match=message) as caught:
        load_segmenter(f"onnx:{folder}")

    assert "\n" not in str(caught.value)


def test_what_it_cannot_do_is_refused(bright: Path) -> None:
    segmenter = load_segmenter(f"onnx:{bright}")
    embedding = segmenter.embed(draw_scene(40, 50))

    with pytest.raises(InputError, match="neither points nor a box"):
        segmenter.predict(embedding, [make_prompt()])
    with pytest.raises(InputError, match="is no folder"):
        load_segmenter("onnx:nowhere")
    with pytest.raises(InputError, match="is not taken"):
        load_segmenter(f"onnx:{bright}", checkpoint=Path("w.pth"))
