from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cosmos_board.core.errors import InputError
from cosmos_board.training.checkpoint import CheckpointFile


def test_what_is_written_is_read(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path / "state", {"seed": 1})
    checkpoint.write({"step": 3, "weights": torch.arange(3.0)})

    state = checkpoint.read()

    assert state is not None
    assert state["step"] == 3
    assert state["weights"].tolist() == [0, 1, 2]


def test_a_folder_without_a_checkpoint_starts_anew(tmp_path: Path) -> None:
    assert CheckpointFile(tmp_path / "state", {}).read() is None


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    CheckpointFile(tmp_path / "state", {"seed": 1}).write({})

    with pytest.raises(InputError, match=r"seed: belongs to another run \(got 1, want 2\)"):
        CheckpointFile(tmp_path / "state", {"seed": 2}).read()


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)

    with pytest.raises(InputError, match="is no checkpoint of a training"):
        CheckpointFile(tmp_path / "state", {}).read()
