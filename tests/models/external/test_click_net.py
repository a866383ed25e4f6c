from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.conformance import DiscImage, find_problems
from cosmos_board.models.external.click_net import POINTS_ONLY, TRUST, ClickNetwork
from cosmos_board.models.external.exported import ExportNotes
from cosmos_board.models.registry import load_segmenter
from tests.models.scenes import draw_scene
from tests.models.small_onnx import BrightClicks, export_clicks

SIDE = 128
CLICKS = make_prompt([(80, 24), (76, 26)], [(24, 80)])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clicks") / "bright.onnx"
    export_clicks(path)
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clicks") / "bright.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.rand(1, 4, SIDE, SIDE), torch.rand(1, 20, 3))
        torch.jit.trace(BrightClicks(), example).save(str(path))  # type: ignore[no-untyped-call]
    path.with_suffix(".json").write_text(json.dumps({"input_size_px": SIDE, "channels": 4}))
    return path


def test_answers_are_those_of_the_file_itself(exported: Path) -> None:
    """Built by hand as the RITM family's own predictor does: squash, place, run, squash back."""
    pixels = draw_scene(96, 144)
    segmenter = load_segmenter(f"clicks:{exported}")

    (answer,) = segmenter.predict(segmenter.embed(pixels), [CLICKS])

    small = np.array(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    image = np.zeros((1, 4, SIDE, SIDE), np.float32)
    image[0, :3] = small.transpose(2, 0, 1) / np.float32(255)
    points = np.full((1, 20, 3), -1, np.float32)
    down, across = SIDE / 96, SIDE / 144
    points[0, 0] = 24 * down, 80 * across, 0
    points[0, 1] = 26 * down, 76 * across, 1
    points[0, 10] = 80 * down, 24 * across, 2
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": image, "points": points})
    probability = torch.sigmoid(torch.as_tensor(logits))
    native = torch.nn.functional.interpolate(probability, (96, 144), mode="bilinear")
    assert (answer.masks[0] != (native[0, 0] > 0.5).numpy()).mean() <= 1e-4
    assert answer.logits is not None
    np.testing.assert_allclose(answer.logits[0], logits[0, 0], atol=1e-3)
    assert answer.predicted_iou.tolist() == [1.0]


def test_the_adapter_keeps_every_promise(exported: Path) -> None:
    segmenter = load_segmenter(f"clicks:{exported}")

    assert find_problems(segmenter) == []
    assert segmenter.card.prompts == ("point", "points-5", "points-5-5")
    assert segmenter.card.mask_input


def test_the_mask_before_comes_back_as_the_fourth_channel(exported: Path) -> None:
    segmenter = load_segmenter(f"clicks:{exported}")
    embedding = segmenter.embed(DiscImage().pixels)
    bright, faint = make_prompt([(80, 24)]), make_prompt([(24, 80)])
    (first,) = segmenter.predict(embedding, [bright])
    assert first.logits is not None

    kept, alone = segmenter.predict(embedding, [faint, faint], [first.logits[0], None])

    assert kept.masks[0][24, 80]
    assert not alone.masks[0][24, 80]


def test_a_script_answers_as_the_onnx_file_once_its_maker_is_trusted(
    script: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRUST, "1")
    pixels = draw_scene(96, 144)

    one, other = (load_segmenter(f"clicks:{path}") for path in (script, exported))

    answers = [each.predict(each.embed(pixels), [CLICKS])[0] for each in (one, other)]
    assert (answers[0].masks != answers[1].masks).mean() <= 1e-4
    assert one.card.name == "clicks-bright"


def test_a_script_is_not_opened_unless_its_maker_is_trusted(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TRUST, raising=False)
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was opened"))

    with pytest.raises(InputError, match="runs code of whoever made it"):
        load_segmenter(f"clicks:{script}")


def test_a_broken_script_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRUST, "1")
    (tmp_path / "bad.pt").write_bytes(b"nothing")

    with pytest.raises(InputError, match="cannot be loaded"):
        load_segmenter(f"clicks:{tmp_path / 'bad.pt'}")


class Recorder:
    """A network that keeps what it was given and answers with a probability of 0.9."""

    def __init__(self, slots: int | None, channels: int = 3) -> None:
        self.inputs: dict[str, tuple[int | str | None, ...]] = {
            "points": (1, None if slots is None else 2 * slots, 3),
            "image": (1, channels, 16, 16),
        }
        self.given: Mapping[str, NDArray[np.float32]] = {}

    def run(self, given: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        self.given = given
        return {"mask": np.full((1, 1, 16, 16), 0.9, np.float32)}


def test_clicks_take_their_places_by_kind_and_order() -> None:
    network = Recorder(slots=None)
    notes = ExportNotes(output="probability")
    segmenter = ClickNetwork(network, notes, Path("probable.onnx"))

    (answer,) = segmenter.predict(segmenter.embed(draw_scene(32, 64)), [CLICKS])

    unused = [-1.0, -1.0, -1.0]
    expected = [[12.0, 20.0, 0.0], [13.0, 19.0, 1.0], [40.0, 6.0, 2.0], unused]
    assert network.given["points"][0].tolist() == expected
    assert answer.masks.all()
    assert answer.logits is None
    assert not segmenter.card.mask_input


@pytest.mark.parametrize(
    ("slots", "prompts", "clicks"),
    [
        (1, ("point",), False),
        (5, POINTS_ONLY, False),
        (10, POINTS_ONLY, True),
        (None, POINTS_ONLY, True),
    ],
)
def test_a_file_is_asked_no_more_points_than_it_takes(
    slots: int | None, prompts: tuple[str, ...], clicks: bool
) -> None:
    card = ClickNetwork(Recorder(slots), ExportNotes(), Path("some.onnx")).card

    assert (card.prompts, card.clicks) == (prompts, clicks)


def test_what_the_file_cannot_take_is_refused() -> None:
    segmenter = ClickNetwork(Recorder(slots=1), ExportNotes(), Path("one.onnx"))
    embedding = segmenter.embed(draw_scene(32, 64))

    with pytest.raises(InputError, match="more than the file takes"):
        segmenter.predict(embedding, [CLICKS])
    with pytest.raises(InputError, match="takes points only"):
        segmenter.predict(embedding, [make_prompt(box_xyxy=(1, 1, 5, 5))])
    with pytest.raises(InputError, match="is no prompt it answers"):
        segmenter.segment_everything(embedding)


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.onnx", "no such file"), ("model.pkl", "is of no known kind"), ("x.onnx", "loaded")],
)
def test_a_file_that_cannot_be_used_says_why(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"nothing")

    with pytest.raises(InputError, match=message):
        load_segmenter(f"clicks:{tmp_path / name}")
