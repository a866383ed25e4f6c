"""`finetune` and the training of `cosmos-tiny` as a user calls them."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.cli.models.train_tiny import command as train_tiny
from cosmos_board.training.tiny.recipe import CHECKPOINT_FILE
from tests.cli.calls import assert_refused, call


def test_a_tuned_model_is_used_at_once(phantom_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "tuned.safetensors"

    tuned = call(
        *("finetune", phantom_pack, "--model", "cosmos-tiny", "--out", out),
        *("--epochs", "1", "--name", "mine"),
    )

    assert tuned.returncode == 0, tuned.stderr
    assert "1 of 1 epochs, validation Dice" in tuned.stderr
    assert f"{out}: mine" in tuned.stdout
    assert "synthetic." in tuned.stdout
    run = call(
        *("eval", phantom_pack, "--model", out, "--out", tmp_path / "run"),
        *("--prompt", "box", "--limit", "1", "--workers", "1"),
    )
    assert run.returncode == 0, run.stderr


def test_a_folder_that_is_no_pack_is_refused_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"

    done = call("finetune", tmp_path, "--model", "cosmos-tiny", "--out", out)

    assert_refused(done, 1, str(tmp_path))
    assert not out.exists()


def test_a_model_without_weights_is_refused_in_one_line(phantom_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "a.safetensors"

    done = call("finetune", phantom_pack, "--model", "grabcut", "--out", out)

    assert_refused(done, 1, "cannot be fine-tuned")
    assert not out.parent.exists()


def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"no checkpoint")

    done = call(tmp_path, command=train_tiny)

    assert_refused(done, 1, "is no checkpoint")
