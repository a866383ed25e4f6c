from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything import SamPredictor, sam_model_registry
from torch import Tensor, nn

from cosmos_board.core.errors import InputError, UsageError
from cosmos_board.core.masks import Pixels
from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.devices import prepare_device
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.weights.state_dicts import fill_module, read_weights
from tests.models.scenes import draw_scene
from tests.shared import SHARED, read_real_references


class Patches(nn.Module):
    """An image encoder of one layer, where the official one takes many seconds on a CPU."""

    def __init__(self, img_size: int) -> None:
        super().__init__()
        self.img_size = img_size
        self.layer = nn.Conv2d(3, 256, 16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.layer(x)
        return answer


def _real_or_drawn_image() -> Pixels:
    if (SHARED / "data" / "INDEX.csv").is_file():
        pixels = read_real_references(1)[0].pixels
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return draw_scene(300, 400)


@pytest.mark.parametrize("encoder", ["one layer", pytest.param("whole", marks=pytest.mark.slow)])
def test_vit_b_from_a_file_answers_as_the_official_predictor(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    sam = sam_model_registry["vit_b"]().eval()
    torch.save(sam.state_dict(), tmp_path / "random.pth")
    pixels = _real_or_drawn_image()
    predictor = SamPredictor(sam)
    height, width = pixels.shape[:2]
    x, y = width // 2, height // 2
    prompts = [
        make_prompt([(x, y)]),
        make_prompt([(x, y), (x // 2, y), (x, y // 2), (x + 9, y), (x, y + 9)]),
        make_prompt([(x, y), (x // 2, y)], [(3, 3), (width - 1, height - 1)]),
        make_prompt(box_xyxy=(x // 2, y // 2, x + 40, y + 30)),
        make_prompt([(x, y)], box_xyxy=(x // 2, y // 2, x + 40, y + 30)),
    ]

    segmenter = load_segmenter("sam-vit-b", checkpoint=tmp_path / "random.pth", device="cpu")
    loaded: dict[str, Tensor] = segmenter.module.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(loaded[name], tensor) for name, tensor in sam.state_dict().items())
    if encoder == "one layer":
        sam.image_encoder = Patches(sam.image_encoder.img_size)
        monkeypatch.setattr(segmenter._sam, "image_encoder", sam.image_encoder)  # type: ignore[attr-defined]
    predictor.set_image(pixels)
    answers = segmenter.predict(segmenter.embed(pixels), prompts)

    for prompt, answer in zip(prompts, answers, strict=True):
        box = None if prompt.box_xyxy is None else np.array(prompt.box_xyxy)
        points = prompt.points_xy if len(prompt.labels) else None
        labels = prompt.labels if len(prompt.labels) else None
        masks, iou, _ = predictor.predict(points, labels, box=box)
        assert (masks != answer.masks).mean() <= 1e-4
        np.testing.assert_allclose(answer.predicted_iou, iou, atol=1e-5)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_are_read_from_either_kind_of_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    weights = {"a": torch.arange(3.0)}
    if suffix == ".pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)

    assert torch.equal(read_weights(path)["a"], weights["a"])


class Evil:
    """Would run code when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("pwned",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.pth", None, "no such file"),
        ("text.pth", b"not weights", "no weights that can be read"),
        ("empty.pth", b"", "no weights that can be read"),
        ("text.safetensors", b"not weights at all", "no weights that can be read"),
    ],
)
def test_a_file_of_anything_else_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match=message) as caught:
        read_weights(tmp_path / name)

    assert "\n" not in str(caught.value)


def test_code_in_a_checkpoint_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a": Evil()}, tmp_path / "evil.pth")

    with pytest.raises(InputError, match="no weights that can be read"):
        read_weights(tmp_path / "evil.pth")
    assert "pwned" not in capsys.readouterr().out


def test_something_that_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "other.pth")

    with pytest.raises(InputError, match="no state dict"):
        read_weights(tmp_path / "other.pth")


def test_weights_of_another_model_name_the_first_difference() -> None:
    with torch.device("meta"):
        module = nn.Linear(2, 3)

    with pytest.raises(InputError, match=r"bias: is not as mine has it.*got nothing, want \(3,\)"):
        fill_module(module, {"weight": torch.zeros(3, 2)}, Path("w.pth"), "mine")
    weights = {"weight": torch.zeros(3, 9), "bias": torch.zeros(3)}
    with pytest.raises(InputError, match=r"weight.*got \(3, 9\), want \(3, 2\)"):
        fill_module(module, weights, Path("w.pth"), "mine")


def test_wrong_weights_for_a_built_in_are_one_line(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")

    with pytest.raises(InputError, match="is not as sam-vit-h has it"):
        load_segmenter("sam-vit-h", checkpoint=tmp_path / "w.pth")


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "toaster", "mps", "cpu:0", "cpu+fp16"])
def test_a_device_that_is_not_here_is_wrong_usage_in_one_line(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(UsageError, match=r"^--device: [^\n]*got "):
        prepare_device(device)
