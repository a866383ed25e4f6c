# ruff: noqa: ANN401 (transformers is untyped)
from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosmos_board.core.errors import ExitCode, InputError
from cosmos_board.core.prompts import make_prompt
from cosmos_board.models.cards import KNOWN
from cosmos_board.models.conformance import find_problems
from cosmos_board.models.external.hf import HfSam
from cosmos_board.models.external.hf_files import fetch, known_name
from cosmos_board.models.external.hf_segmenter import HfSegmenter
from cosmos_board.models.registry import is_ready, load_segmenter, locate_weights
from cosmos_board.models.sam.everything_grid import EverythingSettings
from cosmos_board.models.sam.medsam import MedSam
from cosmos_board.models.weights.tuned_weights import write_weights
from cosmos_board.training.finetune.finetune import load_tunable
from cosmos_board.training.finetune.provenance import TuningBase
from tests.models.bright_rule import BrightModel
from tests.models.scenes import draw_scene
from tests.models.small_hf import FAMILIES, save_small

NEEDS_TRAINING = {"axis order", "box format", "scale"}
"""What the kit can only see in a model that finds a bright disc."""


@pytest.fixture(scope="module")
def sam_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "facebook" / "sam-vit-base"
    save_small("sam", folder)
    return folder


def test_a_model_keeps_every_promise_that_random_weights_can(tmp_path: Path) -> None:
    save_small("sam2", tmp_path)

    problems = find_problems(load_segmenter(f"hf:{tmp_path}"))

    assert {one.check for one in problems} <= NEEDS_TRAINING


def test_a_model_in_bfloat16_keeps_its_promises_too(tmp_path: Path) -> None:
    save_small("sam2", tmp_path)

    problems = find_problems(load_segmenter(f"hf:{tmp_path}", device="cpu+bf16"))

    assert {one.check for one in problems} <= NEEDS_TRAINING


def test_only_sams_own_architecture_is_compiled(tmp_path: Path) -> None:
    save_small("sam2", tmp_path)

    with pytest.raises(InputError, match=r"--device: \+compile: is taken by SAM only \(got sam2\)"):
        load_segmenter(f"hf:{tmp_path}", device="cpu+compile")


@pytest.mark.parametrize("family", ["sam-hq", "sam2"])
def test_a_network_that_finds_bright_things_keeps_every_promise(family: str) -> None:
    """The adapter as it is; only the network is replaced by a rule, padded and squashed."""
    processor = FAMILIES[family][1]().image_processor
    fit: Any = "pad" if family == "sam-hq" else "squash"
    model, card = BrightModel(processor), KNOWN["sam2.1-tiny"].card
    few = EverythingSettings(points_per_side=8)
    segmenter = HfSegmenter(model, processor, card=BrightModel.describe(card), fit=fit)
    segmenter._everything = few

    assert find_problems(segmenter, everything=True) == []


def test_sam_becomes_the_official_model_and_can_be_tuned(sam_folder: Path, tmp_path: Path) -> None:
    name, out = f"hf:{sam_folder}", tmp_path / "tuned.safetensors"
    segmenter = load_tunable(TuningBase(name))
    facts = {"architecture": name, "base": segmenter.card.name, "name": "mine", "method": "decoder"}
    write_weights(out, segmenter.module.state_dict(), facts)

    tuned = load_segmenter(str(out))

    assert isinstance(tuned, HfSam)
    assert tuned.card.name == "mine"
    pixels, prompt = draw_scene(60, 80), make_prompt([(20, 30)])
    before, after = (one.predict(one.embed(pixels), [prompt])[0] for one in (segmenter, tuned))
    assert np.array_equal(before.masks, after.masks)


@pytest.mark.parametrize("family", ["sam-hq", "sam2"])
def test_other_families_cannot_be_tuned_and_say_so(family: str, tmp_path: Path) -> None:
    save_small(family, tmp_path)

    with pytest.raises(InputError, match=r"cannot be fine-tuned \(want SAM's own architecture"):
        load_tunable(TuningBase(f"hf:{tmp_path}"))
    with pytest.raises(InputError, match="taken by SAM only"):
        load_segmenter(f"hf:{tmp_path}", checkpoint=Path("w.safetensors"))


def test_medsam_is_asked_in_its_authors_way(sam_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wanglab" / "medsam-vit-base"
    shutil.copytree(sam_folder, folder)

    segmenter = load_segmenter(f"hf:{folder}")

    assert isinstance(segmenter, MedSam)
    assert segmenter.card.name == "medsam"
    assert segmenter.card.training_data == KNOWN["medsam"].card.training_data
    box, pixels = make_prompt(box_xyxy=(5, 6, 50, 40)), draw_scene(60, 80)
    rough = load_segmenter(f"hf:{folder}", device="cpu+bf16")
    exact, found = (one.predict(one.embed(pixels), [box])[0] for one in (segmenter, rough))
    assert (exact.masks != found.masks).mean() < 0.1
    assert not np.array_equal(exact.predicted_iou, found.predicted_iou)


def test_a_folder_without_a_processor_gets_the_architectures_own(
    sam_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    shutil.copytree(sam_folder, folder)
    (folder / "processor_config.json").unlink()
    pixels, prompt = draw_scene(60, 80), make_prompt([(20, 30)])

    one, other = (load_segmenter(f"hf:{each}") for each in (sam_folder, folder))

    answers = [each.predict(each.embed(pixels), [prompt])[0] for each in (one, other)]
    assert np.array_equal(answers[0].masks, answers[1].masks)
    assert (one.card.name, other.card.name) == ("sam-vit-b", "hf-plain")


@pytest.mark.parametrize("name", ["hf:nobody/never-fetched", "sam2.1-tiny", "hf:nothing", "hf:."])
def test_what_is_not_here_is_refused_in_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError) as caught:
        load_segmenter(name)

    assert caught.value.exit_code == ExitCode.REFUSED
    assert "\n" not in str(caught.value)
    assert not is_ready(name) or name == "hf:."


def _drop_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _add_head(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())["mask_decoder_config"]
    _edit_config(folder, mask_decoder_config={**config, "iou_head_depth": 4})


def _cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def _shrink_processor(folder: Path) -> None:
    path = folder / "processor_config.json"
    content = json.loads(path.read_text())
    content["image_processor"]["size"] = {"longest_edge": 64}
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_drop_weights, "model.safetensors: is missing"),
        (_cut_weights, "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: _edit_config(folder, model_type="clip"), "has no adapter"),
        (_add_head, "are not those of the architecture"),
        (_shrink_processor, "is not the model's"),
    ],
)
def test_a_broken_folder_says_what_is_wrong(
    harm: Any, message: str, sam_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(sam_folder, folder)
    harm(folder)

    with pytest.raises(InputError, match=message) as caught:
        load_segmenter(f"hf:{folder}")

    assert "\n" not in str(caught.value)


def test_code_of_a_repository_is_never_run(sam_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with-code"
    shutil.copytree(sam_folder, folder)
    (folder / "evil.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    _edit_config(folder, auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"})

    assert load_segmenter(f"hf:{folder}").card.family == "sam"


def test_its_weights_are_located_without_loading(sam_folder: Path) -> None:
    assert locate_weights(f"hf:{sam_folder}") == sam_folder / "model.safetensors"
    assert is_ready(f"hf:{sam_folder}")


def test_every_address_of_a_known_model_is_known() -> None:
    addresses = {name: known.address for name, known in KNOWN.items() if known.address}

    assert len(addresses) >= 9
    for name, address in addresses.items():
        assert known_name(address.removeprefix("hf:")) == name


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ({"architecture": "hf-hub:someone/else"}, "architecture: is no name in timm"),
        ({"model_args": {"checkpoint_path": "/etc/passwd"}}, "model_args: says more than shapes"),
    ],
)
def test_a_configuration_fetches_and_opens_nothing_else(
    backbone: dict[str, Any], message: str, tmp_path: Path
) -> None:
    save_small("sam2", tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["vision_config"]["backbone_config"] = {"model_type": "timm_wrapper", **backbone}
    path.write_text(json.dumps(config))

    with pytest.raises(InputError, match=message):
        load_segmenter(f"hf:{tmp_path}")


def test_weights_of_the_hub_that_are_another_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache as the hub's client leaves it: weights under their hash, a link beside them."""
    hub = pytest.importorskip("huggingface_hub")
    blob = tmp_path / hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "model.safetensors").symlink_to(blob)
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(tmp_path))

    blob.write_bytes(b"weights")
    assert fetch("a/b") == tmp_path
    blob.write_bytes(b"weightz")
    with pytest.raises(InputError, match="sha256: is not the published one"):
        fetch("a/b")
