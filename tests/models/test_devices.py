"""What the name of a device asks for is what the model does."""

from __future__ import annotations

import platform
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.errors import InputError  # noqa: E402
from cosmos_board.core.prompts import make_prompt  # noqa: E402
from cosmos_board.models import devices  # noqa: E402
from cosmos_board.models.devices import Device, parse_device  # noqa: E402
from cosmos_board.models.registry import load_segmenter  # noqa: E402
from cosmos_board.models.sam import everything as sam_everything  # noqa: E402
from cosmos_board.models.sam import segmenter as module  # noqa: E402
from cosmos_board.models.sam.everything_grid import EverythingSettings  # noqa: E402
from cosmos_board.models.sam.segmenter import SamSegmenter  # noqa: E402
from tests.models.tiny_sam import CARD, build_small_sam  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (100, 128), np.uint8)
PROMPT = make_prompt(None, None, (20, 30, 70, 80))


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("cpu", Device("cpu")),
        ("cuda:1", Device("cuda:1")),
        ("cuda+bf16", Device("cuda", "bf16")),
        ("cuda:0+compile+fp16", Device("cuda:0", "fp16", compiled=True)),
    ],
)
def test_names_say_precision_and_compilation(text: str, device: Device) -> None:
    assert parse_device(text) == device


@pytest.mark.parametrize("text", ["cuda+int3", "cuda+", "cpu+bf16+fp16", "cpu+compile+compile"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--device: is no device"):
        parse_device(text)


def test_a_built_in_runs_in_the_precision_that_is_asked_for() -> None:
    exact, rough = (load_segmenter("cosmos-tiny", device=name) for name in ("cpu", "cpu+bf16"))
    logits = [one.predict(one.embed(PIXELS), [PROMPT])[0].logits for one in (exact, rough)]

    assert logits[0] is not None
    assert logits[1] is not None
    assert logits[1].dtype == np.float32
    assert 0 < float(np.abs(logits[0] - logits[1]).max()) < 2.0


def test_a_compiled_encoder_gives_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tracing is what may fail on a model; generating code would take a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain, compiled = (
        SamSegmenter(build_small_sam(), card=CARD, device=Device("cpu", compiled=on))
        for on in (False, True)
    )
    assert type(compiled.parts.image_encoder) is type(plain.parts.image_encoder)
    expected, found = (
        one.predict(one.embed(PIXELS), [PROMPT])[0].masks for one in (plain, compiled)
    )

    np.testing.assert_array_equal(found, expected)


def test_everything_mode_asks_fewer_points_at_once_until_they_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = EverythingSettings(points_per_side=4, predicted_iou=0, stability=0.5)
    segmenter = SamSegmenter(build_small_sam(), card=CARD, everything=settings)
    embedding = segmenter.embed(PIXELS)
    whole = segmenter.segment_everything(embedding)
    asked: list[int] = []
    find = sam_everything.find_everything

    def find_in_little_memory(*given: object, prompts_per_call: int, **more: object) -> object:
        asked.append(prompts_per_call)
        if prompts_per_call > 4:
            raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")
        return find(*given, prompts_per_call=prompts_per_call, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "find_everything", find_in_little_memory)
    tight = segmenter.segment_everything(embedding)
    segmenter.segment_everything(embedding)

    assert asked == [16, 8, 4, 4]
    assert len(tight.rles) == len(whole.rles)


def test_a_point_that_never_fits_is_the_models_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = SamSegmenter(build_small_sam(), card=CARD)

    def refuse(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")

    monkeypatch.setattr(module, "find_everything", refuse)
    with pytest.raises(torch.OutOfMemoryError):
        segmenter.segment_everything(segmenter.embed(PIXELS))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_glibc_agrees_to_keep_what_is_freed() -> None:
    assert devices.keep_freed_memory()


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1.2"))

    assert not devices.keep_freed_memory()


def test_torch_gets_the_threads_that_were_asked_for() -> None:
    before = torch.get_num_threads()
    try:
        devices.tune_cpu(threads=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
