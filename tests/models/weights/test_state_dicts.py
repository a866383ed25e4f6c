"""Checkpoints are read as training scripts save them, in any precision."""

from __future__ import annotations

from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from safetensors.torch import save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from cosmos_board.core.errors import InputError  # noqa: E402
from cosmos_board.core.prompts import make_prompt  # noqa: E402
from cosmos_board.models.sam.segmenter import SamSegmenter  # noqa: E402
from cosmos_board.models.tiny.model import build_tiny  # noqa: E402
from cosmos_board.models.weights.state_dicts import fill_module, read_weights  # noqa: E402
from tests.models.scenes import draw_scene  # noqa: E402

STATE = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.count": torch.tensor([3])}

Wrap = Callable[[Mapping[str, Tensor]], object]


def prefix(word: str) -> Wrap:
    """Return what puts a word before every name."""
    return lambda state: {word + name: value for name, value in state.items()}


WRAPS: dict[str, Wrap] = {
    "as it is": dict,
    "model": lambda state: {"model": state, "optimizer": {"lr": 0.1}, "epoch": 3},
    "state_dict": lambda state: {"state_dict": state, "epoch": 3, "best": np.float64(0.9)},
    "model_state_dict": lambda state: {"model_state_dict": state, "args": Namespace(lr=0.1)},
    "net": lambda state: {"net": OrderedDict(state), "loss": torch.zeros(1)},
    "ema": lambda state: {"ema": state, "updates": 3},
    "nested twice": lambda state: {"checkpoint": 1, "model": {"state_dict": state}},
    "facts beside": lambda state: {**state, "epoch": 3, "name": "mine"},
    "module.": prefix("module."),
    "_orig_mod.": prefix("_orig_mod."),
    "sam.": prefix("sam."),
    "model.": prefix("model."),
    "module._orig_mod.sam.": prefix("module._orig_mod.sam."),
    "wrapped and prefixed": lambda state: {"state_dict": prefix("model.module.")(state)},
}


@pytest.mark.parametrize("how", WRAPS)
def test_what_stands_around_weights_is_taken_off(how: str, tmp_path: Path) -> None:
    torch.save(WRAPS[how](STATE), tmp_path / "w.pth")

    found = read_weights(tmp_path / "w.pth")

    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_prefixes_of_safetensors_are_taken_off_too(tmp_path: Path) -> None:
    save_file(
        {f"module.{name}": value for name, value in STATE.items()}, tmp_path / "w.safetensors"
    )

    assert read_weights(tmp_path / "w.safetensors").keys() == STATE.keys()


def test_the_weights_that_were_trained_come_before_their_moving_average(tmp_path: Path) -> None:
    average = {name: value * 0 for name, value in STATE.items()}
    torch.save({"ema": average, "model": STATE}, tmp_path / "w.pth")

    assert torch.equal(read_weights(tmp_path / "w.pth")["head.weight"], STATE["head.weight"])


@pytest.mark.parametrize(
    "content",
    [
        {"epoch": 3},
        {"model": {"epoch": 3}},
        [torch.zeros(1)],
        torch.zeros(1),
        {},
        {"a": torch.zeros(1), "optimizer": {"lr": 0.1}},
        {"model": {"model": {"model": {"model": STATE}}}},
    ],
)
def test_what_holds_no_weights_is_refused_in_one_line(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")

    with pytest.raises(InputError, match="is no state dict") as caught:
        read_weights(tmp_path / "w.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float64"])
def test_weights_of_any_precision_are_computed_with_in_float32(precision: str) -> None:
    whole = {
        name: value.to(getattr(torch, precision)) if value.is_floating_point() else value
        for name, value in build_tiny().state_dict().items()
    }
    with torch.device("meta"):
        sam = build_tiny()
    fill_module(sam, whole, Path("w.pth"), "mine")
    for buffer in ("pixel_mean", "pixel_std"):
        setattr(sam, buffer, torch.zeros(3, 1, 1))

    assert {value.dtype for value in sam.state_dict().values() if value.is_floating_point()} == {
        torch.float32
    }
    from cosmos_board.models.cards import CARDS

    segmenter = SamSegmenter(sam.eval(), card=CARDS["cosmos-tiny"])
    [answer] = segmenter.predict(
        segmenter.embed(draw_scene(90, 120)), [make_prompt(box_xyxy=(10, 10, 60, 60))]
    )
    assert answer.masks.shape == (3, 90, 120)
    assert np.isfinite(answer.predicted_iou).all()


def test_whole_numbers_stay_whole_and_are_not_taken_for_others() -> None:
    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2))
            self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    with torch.device("meta"):
        module = Counted()
    weights = {"weight": torch.ones(2).half(), "count": torch.tensor([7])}
    fill_module(module, weights, Path("w.pth"), "mine")
    assert (module.weight.dtype, module.get_buffer("count").dtype) == (torch.float32, torch.int64)
    assert module.get_buffer("count").tolist() == [7]

    with torch.device("meta"):
        module = Counted()
    with pytest.raises(InputError, match=r"weight: is of another type.*got torch.int64"):
        fill_module(module, {**weights, "weight": torch.tensor([1, 2])}, Path("w.pth"), "mine")
