from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.models.cards import CARDS
from cosmos_board.models.registry import load_segmenter
from cosmos_board.models.tiny.model import write_tiny
from cosmos_board.models.weights.checkpoints import CHECKPOINTS
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.models.weights.weights_file import hash_weights
from cosmos_board.training.finetune.data import Split, TuningPack
from cosmos_board.training.finetune.plan import TuningPlan, TuningResult
from cosmos_board.training.finetune.provenance import (
    TuningBase,
    describe_tuning,
    find_loader,
    find_origin,
    name_base,
)
from tests.training.tasks import untrained

HERE = TuningPack("nuclei", "a" * 64)
SPLIT = Split(frozenset({"nuclei/c1"}), frozenset({"nuclei/c2"}), frozenset({"nuclei/c3"}))
RESULT = TuningResult(kept=True, validation=(0.5, 0.6), final=0.61, augmentations=4)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.safetensors"
    write_tiny(path, untrained().module.state_dict(), {})
    return path


def write_tuned(base: Path, path: Path, packs: tuple[TuningPack, ...], split: Split) -> Path:
    segmenter = load_segmenter(str(base))
    origin = find_origin(TuningBase(str(base)), segmenter.card, packs, path)
    facts = describe_tuning(origin, TuningPlan(), packs, split, RESULT, "fp32")
    state = untrained().module.state_dict()
    write_weights(path, state, {"name": path.stem, **facts}, halve=True)
    return path


def test_a_model_tuned_twice_remembers_all_that_it_saw(base: Path, tmp_path: Path) -> None:
    once = write_tuned(base, tmp_path / "once.safetensors", (HERE,), SPLIT)
    heart = Split(frozenset({"heart/c1"}), frozenset({"heart/c2"}), frozenset({"heart/c3"}))
    twice = write_tuned(
        once, tmp_path / "twice.safetensors", (TuningPack("heart", "b" * 64),), heart
    )

    card = load_segmenter(str(twice)).card
    assert card.base_model == "once"
    assert set(card.seen_clusters) == {"nuclei/c1", "nuclei/c2", "heart/c1", "heart/c2"}
    assert set(card.seen_packs) == {f"nuclei@{'a' * 64}", f"heart@{'b' * 64}"}
    assert set(card.training_data or ()) == {"nuclei", "heart"}


def test_clusters_of_another_state_of_a_pack_cannot_be_told_apart(
    base: Path, tmp_path: Path
) -> None:
    once = write_tuned(base, tmp_path / "once.safetensors", (HERE,), SPLIT)

    with pytest.raises(InputError, match="was tuned on another state of nuclei"):
        write_tuned(once, tmp_path / "b.safetensors", (TuningPack("nuclei", "c" * 64),), SPLIT)


def test_weights_of_ones_own_are_not_taken_for_the_published_ones() -> None:
    card, published = CARDS["sam-vit-b"], CHECKPOINTS["sam-vit-b"].sha256
    assert published is not None

    assert name_base(card, published) == "sam-vit-b"
    assert name_base(card, "f" * 64) == "sam-vit-b@ffffffffffff"
    assert name_base(CARDS["cosmos-tiny"], "f" * 64) == "cosmos-tiny@ffffffffffff"
    assert name_base(CARDS["medsam"], "f" * 64) == "medsam"  # nobody published its hash


def test_a_base_by_its_own_name_keeps_it_however_it_is_stored(tmp_path: Path) -> None:
    """Weights as transformers stores them never hash to what the authors published."""
    card, out = CARDS["cosmos-tiny"], tmp_path / "a.safetensors"

    assert find_origin(TuningBase("cosmos-tiny"), card, (HERE,), out).name == "cosmos-tiny"


def test_the_base_and_how_it_went_are_on_record(base: Path, tmp_path: Path) -> None:
    card = load_segmenter(str(base)).card
    origin = find_origin(TuningBase(str(base)), card, (HERE,), tmp_path / "a.safetensors")

    facts = describe_tuning(
        origin, TuningPlan(method="lora", rank=4), (HERE,), SPLIT, RESULT, "fp32"
    )

    assert facts["base_sha256"] == hash_weights(base)
    assert facts["validation_dice"] == "0.5000 0.6000"
    assert facts["rank"] == "4"
    assert facts["seen_clusters"] == "nuclei/c1 nuclei/c2"


def test_what_the_base_saw_may_stay_unknown(base: Path, tmp_path: Path) -> None:
    card = replace(CARDS["cosmos-tiny"], training_data=None)
    origin = find_origin(TuningBase(str(base)), card, (HERE,), tmp_path / "a.safetensors")

    facts = describe_tuning(origin, TuningPlan(), (HERE,), SPLIT, RESULT, "fp32")

    assert facts["training_data"] == "nuclei"
    assert "nuclei/c3" not in facts["seen_clusters"]


def test_a_folder_is_kept_as_the_file_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "small-sam").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    loader = find_loader("hf:models/small-sam", Path("out/tuned.safetensors"))
    Path("out").mkdir()
    write_weights(Path("out/tuned.safetensors"), {}, {"architecture": loader})

    assert loader == "hf:./../models/small-sam"
    again = find_loader("out/tuned.safetensors", Path("elsewhere/deep/b.safetensors"))
    assert again == "hf:./../../models/small-sam"


def test_a_class_in_a_file_could_not_be_loaded_again(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no loader by name"):
        find_loader("mine.py:Mine", tmp_path / "a.safetensors")
