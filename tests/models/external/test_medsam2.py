# ruff: noqa: ANN401 (transformers and sam2 are untyped)
"""MedSAM2 from a file in the layout of its authors, against the video predictor of SAM 2."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.prompts import make_prompt
from cosmos_board.core.volumes import SlicePrompt, find_prompt_slice
from cosmos_board.models.external.hf_memory import HfMemorySegmenter
from cosmos_board.models.external.medsam2 import MedSam2, build, describe_network
from cosmos_board.models.external.sam2_names import rename_sam2
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.segmenter import MemorySegmenter
from tests.models.official_sam2 import ask_official, build_official
from tests.models.scenes import draw_scene
from tests.shared import SHARED, needs_shared

NAMES = Path(__file__).with_name("sam2_1_tiny_names.txt")
PARAMETERS = 38_962_498
SMALL_PX = 128
"""Side of a square on which the same network answers sixteen times as fast."""

LEAST_SHARE = 0.999
"""Of the voxels, on which both must agree."""

LOGIT_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-3}
"""By the precision in which both keep memories: bfloat16, unless a test lets them use another. What
differs by a last digit, since both add up in another order, may be rounded to another neighbour
there, and the next slices see that. In float32 nothing else is left between them."""


def read_names() -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of SAM 2.1 tiny in its authors' package, by name."""
    lines = (line.partition(" ") for line in NAMES.read_text("utf-8").splitlines())
    return {name: tuple(ast.literal_eval(shape)) for name, _, shape in lines}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the published layout; each tensor repeats one number, so that it is small."""
    path = tmp_path_factory.mktemp("medsam2") / "MedSAM2_latest.pt"
    state = {name: torch.full((1,), 0.01).expand(shape) for name, shape in read_names().items()}
    torch.save({"model": state}, path)
    return path


@pytest.fixture(scope="module")
def small_official() -> Any:
    return build_official(SMALL_PX)


def test_every_name_of_the_authors_package_has_its_place() -> None:
    names = read_names()
    with torch.device("meta"):
        model = transformers.Sam2VideoModel(describe_network())
        state = {name: torch.empty(shape) for name, shape in names.items()}

    renamed = rename_sam2(state)

    assert {name: tensor.shape for name, tensor in renamed.items()} == {
        name: tensor.shape for name, tensor in model.state_dict().items()
    }


def test_the_names_are_those_of_the_installed_package(small_official: Any) -> None:
    """Whatever the side of the square."""
    state = small_official.state_dict()

    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == read_names()


def test_a_published_file_takes_images_and_volumes(published: Path) -> None:
    segmenter = load_segmenter("medsam2", checkpoint=published)

    assert isinstance(segmenter, MemorySegmenter)
    assert segmenter.volume_prompts == ("slice-box", "slice-mask", "ends-box")
    assert segmenter.card.parameters == PARAMETERS
    pixels = draw_scene(50, 70)
    (one,) = segmenter.predict(segmenter.embed(pixels), [make_prompt(box_xyxy=(5, 5, 40, 30))])
    assert one.masks.shape == (1, 50, 70)


def test_another_file_is_refused_with_one_line(published: Path, tmp_path: Path) -> None:
    state = torch.load(published, weights_only=True)["model"]
    state["sam_mask_decoder.boundary.weight"] = state.pop("no_mem_embed")
    torch.save({"model": state}, tmp_path / "other.pt")

    with pytest.raises(InputError, match=r"is not as SAM 2.1 tiny has it, nor are 1 other tensors"):
        load_segmenter("medsam2", checkpoint=tmp_path / "other.pt")
    with pytest.raises(
        InputError, match=r"a file of https://huggingface.co/wanglab/MedSAM2 that was got by hand"
    ):
        load_segmenter("medsam2")


def read_lesion(number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a CT of DeepLesion and its lesion, axes (slice, row, column)."""
    path = sorted((SHARED / "data" / "medsam2_recist").glob("*.npz"))[number]
    with np.load(path) as file:
        return file["imgs"], file["gts"] > 0


def read_series(kind: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a small CT or MR series of TotalSegmentator and its largest object."""
    folder = SHARED / "data" / "totalsegmentator"
    labels_name = {"ct": "example_seg.nii.gz", "mr": "example_seg_mr.nii.gz"}[kind]
    raw, labels = (
        np.asarray(nibabel.load(folder / name).dataobj).transpose(2, 1, 0)
        for name in (f"example_{kind}_sm.nii.gz", labels_name)
    )
    low, high = np.percentile(raw, (0.5, 99.5))
    voxels = (np.clip((raw - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    values, counts = np.unique(labels[labels > 0], return_counts=True)
    return voxels, labels == values[counts.argmax()]


def read_volume(name: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    kind, _, number = name.partition(" ")
    return read_lesion(int(number)) if kind == "lesion" else read_series(kind)


def list_prompts(reference: NDArray[np.bool_]) -> dict[str, list[SlicePrompt]]:
    """Return the volume prompts of a reference, points left to the middle of its box."""
    areas = reference.sum(axis=(1, 2))
    slices = np.flatnonzero(areas)
    middle = find_prompt_slice((int(index), int(areas[index])) for index in slices)
    ends = sorted({int(slices[0]), middle, int(slices[-1])})
    boxes = {index: find_box(reference[index]) for index in ends}
    left, top, right, bottom = boxes[middle]
    centre = ((left + right) // 2, (top + bottom) // 2)
    return {
        "slice-point": [SlicePrompt(middle, make_prompt([centre]))],
        "slice-box": [SlicePrompt(middle, make_prompt(box_xyxy=boxes[middle]))],
        "slice-mask": [SlicePrompt(middle, make_prompt(), encode_mask(reference[middle]))],
        "ends-box": [SlicePrompt(index, make_prompt(box_xyxy=boxes[index])) for index in ends],
    }


def find_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def assert_parity(
    segmenter: HfMemorySegmenter,
    official: Any,
    voxels: NDArray[np.uint8],
    prompts: list[SlicePrompt],
    monkeypatch: pytest.MonkeyPatch,
    tolerance: float = LOGIT_TOLERANCE[torch.bfloat16],
) -> None:
    """Hold logits and masks to those of the authors' predictor."""
    frames = torch.cat([segmenter.to_input(pixels) for pixels in voxels])
    rows, columns = voxels.shape[1:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ask_official(official, frames, (rows, columns), prompts, monkeypatch)
    found = dict(segmenter.propagate_logits(voxels, prompts))
    logits = np.stack([found[index].numpy() for index in range(len(voxels))])

    assert logits.shape == expected.shape == voxels.shape
    assert 0.01 < (expected > 0).mean() < 0.99, "the answer must be worth comparing"
    assert ((logits > 0) == (expected > 0)).mean() >= LEAST_SHARE
    np.testing.assert_allclose(logits, expected, rtol=0, atol=tolerance)


@needs_shared
@pytest.mark.parametrize("name", ["slice-box", "slice-mask"])
def test_three_slices_have_the_logits_of_the_authors_predictor(
    small_official: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = build(small_official.state_dict(), Path("official"), side_px=SMALL_PX)
    voxels, lesion = read_lesion(0)
    middle = int(lesion.sum(axis=(1, 2)).argmax())
    part = slice(middle - 1, middle + 2)

    prompts = list_prompts(lesion[part])[name]
    tolerance = LOGIT_TOLERANCE[torch.float32]  # so few slices do not reach the other one

    assert_parity(segmenter, small_official, voxels[part], prompts, monkeypatch, tolerance)


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("precision", LOGIT_TOLERANCE)
@pytest.mark.parametrize("volume", ["lesion 0", "lesion 1", "ct", "mr"])
@pytest.mark.parametrize("name", ["slice-point", "slice-box", "slice-mask", "ends-box"])
def test_whole_volumes_have_the_logits_of_the_authors_predictor(
    small_official: Any,
    name: str,
    volume: str,
    precision: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    segmenter = build(small_official.state_dict(), Path("official"), side_px=SMALL_PX)
    voxels, reference = read_volume(volume)
    prompts = list_prompts(reference)[name]
    monkeypatch.setattr(torch, "bfloat16", precision)
    tolerance = LOGIT_TOLERANCE[precision]

    assert_parity(segmenter, small_official, voxels, prompts, monkeypatch, tolerance)


@pytest.mark.slow
@needs_shared
def test_a_published_file_has_the_logits_of_the_authors_predictor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: a file in the published layout, the registry, 512 px."""
    official = build_official(512)
    torch.save({"model": official.state_dict()}, tmp_path / "MedSAM2_latest.pt")
    segmenter = load_segmenter("medsam2", checkpoint=tmp_path / "MedSAM2_latest.pt")
    assert isinstance(segmenter, MedSam2)
    voxels, lesion = read_lesion(1)

    assert_parity(segmenter, official, voxels, list_prompts(lesion)["slice-box"], monkeypatch)
