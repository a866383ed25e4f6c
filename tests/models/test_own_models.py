"""A published name stands for published weights: others have a name of their own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="extra `sam` is not installed")
pytest.importorskip("segment_anything", reason="extra `sam` is not installed")

from cosmos_board.core.cards import ModelCard  # noqa: E402
from cosmos_board.core.errors import ExitCode, UsageError  # noqa: E402
from cosmos_board.core.run_record import RunSettings  # noqa: E402
from cosmos_board.models.cards import CARDS  # noqa: E402
from cosmos_board.models.own_models import (  # noqa: E402
    Declaration,
    describe_model,
    find_standing,
    read_trained_on,
)
from cosmos_board.models.registry import _PACKAGED  # noqa: E402
from cosmos_board.models.weights.checkpoints import CHECKPOINTS  # noqa: E402
from cosmos_board.models.weights.weights_file import hash_weights  # noqa: E402
from cosmos_board.runner.run import RunRequest, run  # noqa: E402
from cosmos_board.runner.settings import SegmenterSpec  # noqa: E402
from tests.cli.calls import call  # noqa: E402

MINE = Declaration(name="mine", label="Mine", trained_on=("busi",))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file that is not the published one; what is in it does not matter here."""
    path = tmp_path / "mine.pth"
    path.write_bytes(b"weights")
    return path


@pytest.mark.parametrize("name", ["sam-vit-b", "sam-vit-l", "sam-vit-h", "cosmos-tiny"])
def test_other_weights_under_a_published_name_are_refused_with_what_to_add(
    name: str, weights: Path
) -> None:
    with pytest.raises(
        UsageError, match=f"is not the published {name}.*want --name NAME"
    ) as caught:
        describe_model(CARDS[name], name, weights, None)

    assert caught.value.exit_code == ExitCode.USAGE
    assert str(weights) in str(caught.value)


def test_the_published_file_needs_no_name_and_takes_none(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = replace(CHECKPOINTS["sam-vit-b"], sha256=hash_weights(weights))
    monkeypatch.setitem(CHECKPOINTS, "sam-vit-b", published)
    card = CARDS["sam-vit-b"]

    assert describe_model(card, "sam-vit-b", weights, None) == card
    assert describe_model(card, "hf:facebook/sam-vit-base", weights, None) == card
    with pytest.raises(UsageError, match="is not for the published sam-vit-b"):
        describe_model(card, "sam-vit-b", weights, MINE)
    tiny = CARDS["cosmos-tiny"]
    assert describe_model(tiny, "cosmos-tiny", _PACKAGED["cosmos-tiny"], None) == tiny
    assert describe_model(tiny, str(_PACKAGED["cosmos-tiny"]), None, None) == tiny


def test_weights_of_ones_own_are_shown_as_what_they_are(weights: Path) -> None:
    card = describe_model(CARDS["sam-vit-b"], "sam-vit-b", weights, MINE)

    assert (card.name, card.label, card.base_model) == ("mine", "Mine", "sam-vit-b")
    assert (card.source, card.licence, card.family) == ("own weights", "unknown", "sam")
    assert card.training_data == ("busi",)
    assert card.prompts == CARDS["sam-vit-b"].prompts


@pytest.mark.parametrize(
    ("given", "data"), [([], None), (["none"], ()), (["camus", "ours"], ("camus", "ours"))]
)
def test_what_weights_saw_is_unknown_unless_said(
    given: list[str], data: tuple[str, ...] | None, weights: Path
) -> None:
    declared = Declaration(name="mine", trained_on=read_trained_on(given, ["camus"]))

    assert describe_model(CARDS["sam-vit-b"], "sam-vit-b", weights, declared).training_data == data


def test_what_a_base_saw_counts_beside_what_is_declared(weights: Path) -> None:
    declared = Declaration(name="mine", trained_on=())

    card = describe_model(CARDS["medsam"], "medsam", weights, declared)

    assert card.training_data == CARDS["medsam"].training_data
    assert card.base_model == "medsam"


@pytest.mark.parametrize("name", ["medsam", "medsam2", "sam-med2d"])
def test_weights_that_nobody_published_a_hash_of_are_marked(name: str, weights: Path) -> None:
    card = describe_model(CARDS[name], name, weights, None)

    assert card.name == name
    assert card.label == f"{CARDS[name].label} (weights not verified)"


def test_a_class_does_not_pass_for_a_model_of_ours(weights: Path) -> None:
    card = CARDS["sam-vit-b"]

    with pytest.raises(UsageError, match="is not the published sam-vit-b"):
        describe_model(card, "m.py:Mine", None, None)
    assert describe_model(card, "m.py:Mine", None, MINE).source == "own weights"
    with pytest.raises(UsageError, match="is not the published"):
        describe_model(card, "hf:facebook/sam-vit-base", weights, None)


def test_a_folder_named_as_a_repository_is_not_taken_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "facebook" / "sam-vit-base"
    folder.mkdir(parents=True)

    assert find_standing(CARDS["sam-vit-b"], f"hf:{folder}", None) == "unverified"
    assert find_standing(CARDS["sam-vit-b"], "hf:facebook/sam-vit-base", None) == "published"


def test_a_class_of_its_own_name_is_left_as_it_is_and_can_be_renamed() -> None:
    card = ModelCard(
        name="mine-v1", label="V1", family="f", kind="promptable", prompts=("box",),
        training_data=("camus",), source="https://example.org",
    )  # fmt: skip

    assert describe_model(card, "m.py:Mine", None, None) is card
    renamed = describe_model(card, "m.py:Mine", None, MINE)
    assert (renamed.name, renamed.label, renamed.source) == ("mine", "Mine", card.source)
    assert renamed.training_data == ("busi", "camus")
    assert describe_model(card, "m.py:Mine", None, Declaration(name="x")).training_data == (
        "camus",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sam-vit-b", "is the name of a known model"),
        ("medsam2", "is the name of a known model"),
        ("grabcut", "is the name of a known model"),
        ("My Model", "is no name"),
        ("observer:me", "is no name"),
        ("", "is no name"),
        ("a" * 61, "is no name"),
    ],
)
def test_a_name_must_be_ones_own(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Declaration(name=name)


def test_another_spelling_of_a_known_dataset_is_a_slip() -> None:
    with pytest.raises(UsageError, match=r"got AMOS2022, want amos-2022"):
        read_trained_on(["AMOS2022"], ["amos-2022"])
    with pytest.raises(UsageError, match="none and some"):
        read_trained_on(["none", "busi"], [])


def run_eval(pack: Path, out: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run `eval` on the box prompt."""
    return call("eval", pack, "--out", out, *words, "--prompt", "box", "--limit", "1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "box-prior", "--label", "Mine"), "--label: says something of a model"),
        (("--model", "box-prior", "--trained-on", "busi"), "--trained-on: says something"),
        (("--model", "box-prior", "--model", "grabcut", "--name", "x"), "names one model (got 2"),
        (("--model", "box-prior", "--name", "x"), "is not for the published box-prior"),
        (("--model", "observer:two", "--name", "x"), "is for models, not for observers"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    words: tuple[str, ...], message: str, phantom_pack: Path, tmp_path: Path
) -> None:
    done = run_eval(phantom_pack, tmp_path / "run", *words)

    assert done.returncode == ExitCode.USAGE, done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_records_weights_under_their_own_name_and_follows_what_is_declared(
    phantom_pack: Path, tmp_path: Path
) -> None:
    tiny = _PACKAGED["cosmos-tiny"].read_bytes()
    mine = tmp_path / "mine.safetensors"
    length = 8 + int.from_bytes(tiny[:8], "little")
    header = json.loads(tiny[8:length])
    header["__metadata__"]["note"] = "mine"
    text = json.dumps(header).encode()
    mine.write_bytes(len(text).to_bytes(8, "little") + text + tiny[length:])

    refused = run_eval(phantom_pack, tmp_path / "no", "--model", mine)
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr.count("\n") == 1
    request = RunRequest(
        packs=(phantom_pack,),
        specs=(SegmenterSpec(name=str(mine), declared=Declaration(name="my-tiny")),),
        out=tmp_path / "run",
        settings=RunSettings(prompts=("box",), limit=1),
    )
    assert run(request).models[0].model == "my-tiny"
    said = Declaration(name="my-tiny", label="My tiny", trained_on=("busi",))
    run(replace(request, specs=(SegmenterSpec(name=str(mine), declared=said),)))

    [entry] = json.loads((tmp_path / "run" / "run.json").read_bytes())["entries"].values()
    card = entry["model"]
    assert (card["name"], card["label"], card["base_model"]) == (
        "my-tiny",
        "My tiny",
        "cosmos-tiny",
    )
    assert (card["training_data"], card["source"]) == (["busi"], "own weights")
