"""Kept embeddings change no row, and are never taken for those of another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.evaluation import embedding_cache
from cosmos_board.runner.evaluation.embedding_cache import EmbeddingCache
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from tests.models.scenes import draw_scene
from tests.models.tiny_sam import CARD, build_small_sam
from tests.runner.test_run import SQUARES, digest

SMALL_SAM = f"{Path(__file__).parents[1] / 'small_sam.py'}:SmallSam"
BOXES = RunSettings(prompts=("box",), limit=4)


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that gets a line for every image that the model looks at."""
    log = tmp_path / "looks"
    log.touch()
    monkeypatch.setenv("LOOKS", str(log))
    return log


def _evaluate(pack: Path, out: Path, kept: Path | None, settings: RunSettings = BOXES) -> RunReport:
    spec = SegmenterSpec(name=SMALL_SAM, embedding_cache=kept)
    return run(RunRequest(packs=(pack,), specs=(spec,), out=out, settings=settings))


def test_a_second_study_looks_at_no_image_again(
    phantom_pack: Path, tmp_path: Path, looks: Path
) -> None:
    kept, jitter = tmp_path / "kept", replace(BOXES, study="jitter")
    _evaluate(phantom_pack, tmp_path / "main", kept)
    assert len(looks.read_text().split()) == 4

    _evaluate(phantom_pack, tmp_path / "jitter", kept, jitter)

    assert len(looks.read_text().split()) == 4
    _evaluate(phantom_pack, tmp_path / "fresh", None, jitter)
    assert digest(tmp_path / "jitter") == digest(tmp_path / "fresh")


def test_all_gpus_of_a_machine_share_what_is_kept() -> None:
    names = [
        embedding_cache._name_folder(SegmenterSpec(name="cosmos-tiny", device=device))
        for device in ("cuda:0+bf16", "cuda:7+bf16", "cuda:7", "cpu")
    ]

    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_nothing_is_kept_unasked(phantom_pack: Path, tmp_path: Path, looks: Path) -> None:
    _evaluate(phantom_pack, tmp_path / "run", None)

    assert not list(tmp_path.rglob("*.embedding"))


def test_a_damaged_embedding_is_made_anew(phantom_pack: Path, tmp_path: Path, looks: Path) -> None:
    kept = tmp_path / "kept"
    _evaluate(phantom_pack, tmp_path / "one", kept)
    victim, *_ = sorted(kept.rglob("*.embedding"))
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    looks.write_text("")

    _evaluate(phantom_pack, tmp_path / "other", kept)

    assert looks.read_text().split() == ["looked"]
    assert victim.read_bytes() == content
    assert digest(tmp_path / "other") == digest(tmp_path / "one")


@pytest.mark.usefixtures("looks")
def test_another_precision_has_a_cache_of_its_own(tmp_path: Path) -> None:
    from cosmos_board.models.sam.segmenter import SamSegmenter

    segmenter, pixels = SamSegmenter(build_small_sam(), card=CARD), draw_scene(90, 120)
    exact = EmbeddingCache(tmp_path, SegmenterSpec(name=SMALL_SAM), segmenter)
    rough = EmbeddingCache(tmp_path, SegmenterSpec(name=SMALL_SAM, device="cpu+bf16"), segmenter)

    exact.keep(pixels, segmenter.embed(pixels))

    assert exact.find(pixels) is not None
    assert exact.find(np.flip(pixels, 1).copy()) is None
    assert exact.find(pixels.reshape(120, 90, 3)) is None, "the same bytes in another shape"
    assert rough.find(pixels) is None


def test_a_model_without_embeddings_is_refused(phantom_pack: Path, tmp_path: Path) -> None:
    spec = SegmenterSpec(name=SQUARES, embedding_cache=tmp_path / "kept")

    with pytest.raises(InputError, match="--embedding-cache: squares: has none that can be kept"):
        run(RunRequest(packs=(phantom_pack,), specs=(spec,), out=tmp_path / "run"))


@pytest.mark.usefixtures("looks")
def test_a_folder_that_cannot_be_written_ends_the_run(phantom_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("no folder")

    with pytest.raises(StorageError, match="kept"):
        _evaluate(phantom_pack, tmp_path / "run", tmp_path / "kept")
