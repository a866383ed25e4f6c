from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.metrics.overlap import count_overlap
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.sam.segmenter import SamSegmenter
from cosmos_board.models.tiny.model import write_tiny
from cosmos_board.models.weights.weights_file import hash_weights, read_metadata
from cosmos_board.prompts import freeze_prompts
from cosmos_board.training.finetune import finetune as finetuning
from cosmos_board.training.finetune import tune as tune_module
from cosmos_board.training.finetune.data import TuningImage
from cosmos_board.training.finetune.finetune import finetune, load_tunable
from cosmos_board.training.finetune.plan import Method, TuningPlan, TuningResult
from cosmos_board.training.finetune.provenance import TuningBase
from cosmos_board.training.finetune.tune import tune
from tests.training.tasks import draw_task, untrained

QUICK = TuningPlan(epochs=1, learning_rate=1e-3, augmentations=1, prompts=("box",))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "phantoms"
    build_phantom_pack(path, 4, side=96, workers=1)
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "base.safetensors"
    write_tiny(path, untrained().module.state_dict(), {})
    return path


def test_what_comes_out_is_a_model_of_its_own(pack: Path, base: Path, tmp_path: Path) -> None:
    plan = TuningPlan(epochs=1, learning_rate=1e-3, augmentations=2, prompts=("box",))
    out = tmp_path / "tuned.safetensors"

    tuned = finetune([pack], TuningBase(str(base)), out, plan=plan)

    segmenter = load_segmenter(str(out))
    facts = read_metadata(out)
    own = hash_weights(base)[:12]
    assert segmenter.card.name == tuned.name == f"cosmos-tiny-{own}-decoder-phantoms-epochs-1"
    assert segmenter.card.training_data is not None
    assert "phantoms" in segmenter.card.training_data
    assert facts["base"] == f"cosmos-tiny@{own}"
    assert facts["architecture"] == "cosmos-tiny"
    assert facts["method"] == "decoder"
    assert {gain.prompt for gain in tuned.gains} == {
        "point",
        "points-5",
        "points-5-5",
        "box",
        "box-point",
    }


def test_the_test_clusters_are_neither_trained_on_nor_validated_on(
    pack: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[set[str]] = []

    def spy(
        segmenter: SamSegmenter,
        train: Sequence[TuningImage],
        validation: Sequence[TuningImage],
        *more: Any,  # noqa: ANN401 (handed on)
    ) -> TuningResult:
        given.extend({image.cluster for image in images} for images in (train, validation))
        return tune(segmenter, train, validation, *more)

    monkeypatch.setattr(finetuning, "tune", spy)

    tuned = finetune([pack], TuningBase(str(base)), tmp_path / "a.safetensors", plan=QUICK)

    assert given == [tuned.split.train, tuned.split.validation]
    assert len(tuned.split.test) >= 1
    assert not tuned.split.test & (given[0] | given[1])
    assert all(gain.clusters == len(tuned.split.test) for gain in tuned.gains)


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_an_interrupted_tuning_goes_on_to_the_same_file(
    method: Method,
    pack: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Random weights may get worse; they are kept all the same, or nothing would be compared.
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    plan = replace(QUICK, method=method, rank=2, epochs=3)
    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"

    def stop(epoch: int, *_: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    finetune([pack], TuningBase(str(base)), whole, name="a", plan=plan)
    with pytest.raises(KeyboardInterrupt):
        finetune([pack], TuningBase(str(base)), broken, name="a", plan=plan, report=stop)
    assert not broken.exists()
    epochs: list[int] = []
    finetune(
        [pack], TuningBase(str(base)), broken, name="a", plan=plan,
        report=lambda epoch, *_: epochs.append(epoch),
    )  # fmt: skip

    assert epochs == [3]
    assert broken.read_bytes() == whole.read_bytes()
    assert set(tmp_path.iterdir()) == {whole, broken}


def test_what_another_tuning_left_is_not_taken_up(pack: Path, base: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune([pack], TuningBase(str(base)), out, plan=QUICK, report=stop)
    epochs: list[int] = []
    finetune(
        [pack], TuningBase(str(base)), out, plan=replace(QUICK, seed=1),
        report=lambda epoch, *_: epochs.append(epoch),
    )  # fmt: skip

    assert epochs == [1]


def test_a_second_tuning_is_not_tested_on_what_the_first_one_saw(
    pack: Path, base: Path, tmp_path: Path
) -> None:
    first = finetune([pack], TuningBase(str(base)), tmp_path / "a.safetensors", plan=QUICK)

    with pytest.raises(InputError, match=r"that the model has not seen are too few to split"):
        finetune([pack], TuningBase(str(first.path)), tmp_path / "b.safetensors", plan=QUICK)
    assert not (tmp_path / "b.safetensors").exists()


def test_a_name_can_be_given_and_a_folder_is_made(pack: Path, base: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "deep" / "a.safetensors"

    tuned = finetune([pack], TuningBase(str(base)), out, name="mine", plan=QUICK)

    assert tuned.name == load_segmenter(str(out)).card.name == "mine"


@pytest.mark.parametrize("name", ["cosmos-tiny", "sam2.1-tiny", "My model", "../x"])
def test_a_name_that_is_taken_or_none_is_refused(name: str, pack: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--name: is"):
        finetune([pack], TuningBase("cosmos-tiny"), tmp_path / "a.safetensors", name=name)


def test_one_pack_given_twice_is_refused(pack: Path, base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name: stands for two packs \(got phantoms\)"):
        finetune([pack, pack], TuningBase(str(base)), tmp_path / "a.safetensors")


def test_a_folder_that_cannot_be_written_is_found_out_before_hours_are_spent(
    pack: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(finetuning, "tune", lambda *_: pytest.fail("nothing may be learnt"))

    with pytest.raises(StorageError, match=r"file/deep: write: Not a directory"):
        finetune([pack], TuningBase(str(base)), tmp_path / "file" / "deep" / "a.safetensors")
    (tmp_path / "b.safetensors").mkdir()
    with pytest.raises(InputError, match="--out: is a folder"):
        finetune([pack], TuningBase(str(base)), tmp_path / "b.safetensors")


def test_a_checkpoint_beside_a_file_of_weights_is_refused(base: Path) -> None:
    with pytest.raises(InputError, match="--checkpoint: is of no use beside"):
        load_tunable(TuningBase(str(base), checkpoint=base))


def test_a_base_that_ships_no_tuning_keeps_its_card(base: Path) -> None:
    assert load_segmenter(str(base)).card.name == "cosmos-tiny"


def test_half_precision_keeps_the_answers(base: Path) -> None:
    image = draw_task(1)[0]
    asked = [freeze_prompts(mask)["box"] for _, mask in image.references]
    answers = [
        segmenter.predict(segmenter.embed(image.pixels), asked)[0]
        for segmenter in (untrained(), load_segmenter(str(base)))
    ]

    assert count_overlap(answers[0].masks[0], answers[1].masks[0]).dice > 0.98


@pytest.mark.parametrize("method", ["decoder", "lora"])
def test_a_sam_of_transformers_is_tuned_and_loaded_again(
    method: Method, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written answers as what was tuned: the same masks, by the name of the file alone."""
    pytest.importorskip("transformers", reason="extra `hf` is not installed")
    from tests.models.small_hf import save_small

    save_small("sam", tmp_path / "models" / "small-sam")
    monkeypatch.chdir(tmp_path)
    base, out = "hf:models/small-sam", Path("tuned.safetensors")
    tuned: list[SamSegmenter] = []

    def load(*given: Any, **more: Any) -> SamSegmenter:  # noqa: ANN401 (handed on)
        tuned.append(load_tunable(*given, **more))
        return tuned[0]

    monkeypatch.setattr(finetuning, "load_tunable", load)
    # Random weights may get worse; they are kept all the same, or nothing would be compared.
    monkeypatch.setattr(tune_module, "is_worse", lambda *_: False)
    plan = TuningPlan(method=method, rank=2, epochs=1, learning_rate=1e-3, prompts=("box",))

    finetune([pack], TuningBase(base), out, plan=plan)

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out, base = tmp_path / out, "hf:../models/small-sam"
    image = draw_task(1)[0]
    asked = [freeze_prompts(mask)["box"] for _, mask in image.references]
    written, kept, before = (
        one.predict(one.embed(image.pixels), asked)[0]
        for one in (load_segmenter(str(out)), tuned[0], load_segmenter(base))
    )
    np.testing.assert_array_equal(written.masks, kept.masks)
    np.testing.assert_allclose(written.predicted_iou, kept.predicted_iou, atol=1e-5)
    assert np.abs(written.predicted_iou - before.predicted_iou).max() > 1e-3
    assert load_segmenter(str(out)).card.name == tuned[0].card.name + (
        f"-{method}-phantoms" + ("-rank-2" if method == "lora" else "") + "-epochs-1"
    )
    assert read_metadata(out)["architecture"] == "hf:./models/small-sam"


def test_a_classical_method_cannot_be_tuned(pack: Path, tmp_path: Path) -> None:
    message = r"--model: grabcut: cannot be fine-tuned \(want SAM's own architecture: sam-vit-b"
    with pytest.raises(InputError, match=message):
        finetune([pack], TuningBase("grabcut"), tmp_path / "a.safetensors")


def test_another_ending_is_refused_at_once(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--out: has another ending"):
        finetune([pack], TuningBase("cosmos-tiny"), tmp_path / "a.pt")
