"""Rows do not depend on where candidates are scored: tried with the CPU as the device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.errors import DeviceError  # noqa: E402
from cosmos_board.core.prompts import make_prompt  # noqa: E402
from cosmos_board.core.run_record import RunSettings  # noqa: E402
from cosmos_board.core.targets import Image  # noqa: E402
from cosmos_board.data.pack import PackItem  # noqa: E402
from cosmos_board.metrics.device.references import (  # noqa: E402
    DeviceReferences,
    upload_references,
)
from cosmos_board.metrics.device.selections import score_selections  # noqa: E402
from cosmos_board.metrics.reference import prepare_reference  # noqa: E402
from cosmos_board.models.registry import load_segmenter  # noqa: E402
from cosmos_board.models.segmenter import (  # noqa: E402
    DeviceSegmenter,
    Segmenter,
)
from cosmos_board.runner.evaluation import device_scorer  # noqa: E402
from cosmos_board.runner.evaluation.device_scorer import DeviceScorer  # noqa: E402
from cosmos_board.runner.evaluation.image_session import ImageSession  # noqa: E402
from cosmos_board.runner.evaluation.scoring import HostScorer  # noqa: E402
from cosmos_board.runner.run import RunRequest, run  # noqa: E402
from cosmos_board.runner.settings import MemoryKind, SegmenterSpec  # noqa: E402
from tests.models.scenes import draw_scene  # noqa: E402
from tests.runner.test_run import digest, read_rows  # noqa: E402

SIZE = (90, 120)
PROMPTS = [
    make_prompt([(10, 20)]),
    make_prompt(box_xyxy=(3, 4, 60, 70)),
    make_prompt([(40, 20), (30, 31)], [(100, 80)]),
    make_prompt([(60, 50)], box_xyxy=(30, 20, 90, 80)),
]


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return load_segmenter("cosmos-tiny")


def draw_references() -> dict[str, Any]:
    y, x = np.ogrid[: SIZE[0], : SIZE[1]]
    discs = {"small": (20, 30, 8), "large": (50, 60, 30)}
    return {
        name: prepare_reference((y - row) ** 2 + (x - column) ** 2 <= radius**2)
        for name, (row, column, radius) in discs.items()
    }


def predictions(out: Path) -> list[dict[str, Any]]:
    paths = sorted((out / "predictions").glob("*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=str)


@pytest.mark.parametrize(
    ("study", "images"),
    [("main", 1), ("jitter", 1), pytest.param("main", 2, marks=pytest.mark.slow)],
)
def test_a_run_has_the_same_rows_on_a_device(
    study: Any,  # noqa: ANN401 (one of three words)
    images: int,
    phantom_pack: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the same run id, and the same masks where they are kept."""
    scored: list[int] = []
    prompts = ("point", "points-5-5", "box", "everything") if study == "main" else ("box",)

    def score_and_count(candidates: Any, *given: Any) -> Any:  # noqa: ANN401 (handed on)
        scored.append(len(candidates))
        return score_selections(candidates, *given)

    monkeypatch.setattr(device_scorer, "score_selections", score_and_count)
    places: tuple[MemoryKind | None, ...] = (None, "device")
    for place in places:
        spec = SegmenterSpec(name="cosmos-tiny", score_on=place)
        settings = RunSettings(
            prompts=prompts, study=study, save_masks=study == "main", limit=images
        )
        out = tmp_path / str(place)
        run(RunRequest(packs=(phantom_pack,), specs=(spec,), out=out, settings=settings))
        assert bool(scored) == (place == "device")

    usual, there = tmp_path / "None", tmp_path / "device"
    assert read_rows(usual).num_rows > 20
    assert digest(usual) == digest(there)
    assert {path.name for path in (usual / "scores").iterdir()} == {
        path.name for path in (there / "scores").iterdir()
    }
    if study == "main":
        assert predictions(usual) == predictions(there) != []


@pytest.fixture
def scorers(segmenter: Segmenter) -> tuple[HostScorer, HostScorer]:
    references = draw_references()
    assert isinstance(segmenter, DeviceSegmenter)
    there = DeviceScorer(segmenter, lambda: references)
    return HostScorer(segmenter, lambda: references), there


def find_scorer(segmenter: Any, size: tuple[int, int], place: MemoryKind | None) -> HostScorer:  # noqa: ANN401
    image = Image("image", "dataset", "ct", "cluster", np.zeros(size, np.uint8))
    item = PackItem(image, (), {}, {})
    return ImageSession(segmenter, item, RunSettings(), score_on=place).scorer


def test_references_are_uploaded_once_an_image(
    scorers: tuple[HostScorer, HostScorer], segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, there = scorers
    uploads: list[int] = []

    def upload(references: Any, device: str) -> DeviceReferences:  # noqa: ANN401 (handed on)
        uploads.append(len(references))
        return upload_references(references, device)

    monkeypatch.setattr(device_scorer, "upload_references", upload)
    embedding, ids = segmenter.embed(draw_scene(*SIZE)), ["small", "large", "large", "small"]

    for _ in range(2):
        choices = there.score(there.predict(embedding, PROMPTS), ids)
        assert choices == host.score(host.predict(embedding, PROMPTS), ids)

    assert uploads == [2]


def test_what_does_not_fit_on_the_device_is_scored_on_the_host(
    scorers: tuple[HostScorer, HostScorer], segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, there = scorers

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate 20.00 GiB")

    monkeypatch.setattr(device_scorer, "score_selections", refuse)
    embedding = segmenter.embed(draw_scene(*SIZE))

    choices = there.score(there.predict(embedding, PROMPTS[:1]), ["small"])

    assert choices == host.score(host.predict(embedding, PROMPTS[:1]), ["small"])


def test_a_device_that_breaks_while_it_scores_ends_the_run(
    scorers: tuple[HostScorer, HostScorer], segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, there = scorers

    def break_down(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(device_scorer, "score_selections", break_down)
    answers = there.predict(segmenter.embed(draw_scene(*SIZE)), PROMPTS[:1])

    with pytest.raises(DeviceError, match="illegal memory access"):
        there.score(answers, ["small"])


@dataclass
class OnDevice:
    """Says that it runs somewhere else; never asked here."""

    inner: Any
    device: str = "cuda:0"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the other has)
        return getattr(self.inner, name)


@pytest.mark.parametrize(
    ("device", "place", "size", "expected"),
    [
        ("cuda:0", None, SIZE, DeviceScorer),
        ("cuda:0", "host", SIZE, HostScorer),
        ("cuda:0", None, (100, 2896), HostScorer),
        ("cpu", None, SIZE, HostScorer),
        ("cpu", "device", SIZE, DeviceScorer),
    ],
)
def test_the_device_scores_where_the_model_runs_on_one_and_distances_are_exact(
    device: str,
    place: MemoryKind | None,
    size: tuple[int, int],
    expected: type,
    segmenter: Segmenter,
) -> None:
    there: Any = OnDevice(segmenter, device)

    assert isinstance(find_scorer(there, size, place), expected)


def test_a_segmenter_that_has_no_masks_on_a_device_is_scored_on_the_host() -> None:
    segmenter = load_segmenter("box-prior")

    assert not isinstance(segmenter, DeviceSegmenter)
    assert isinstance(find_scorer(segmenter, SIZE, "device"), HostScorer)
