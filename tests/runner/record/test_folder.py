"""What a run folder believes of what lies in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.shards import Shard, cut_shards
from tests.runner.test_run import evaluate


def only_shard(folder: RunFolder) -> Shard:
    (run_id,) = json.loads((folder.path / "run.json").read_text())["entries"]
    return next(iter(cut_shards(run_id, 6, Path("pack"))))


def test_masks_that_were_altered_or_lost_are_made_again(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "run", settings={"save_masks": True, "limit": 6})
    folder = RunFolder(tmp_path / "run")
    shard = only_shard(folder)
    masks = folder.predictions_path(shard)
    content = masks.read_bytes()

    assert folder.read_sidecar(shard) is not None
    masks.write_bytes(content[:-1] + b"?")
    assert folder.read_sidecar(shard) is None
    masks.unlink()
    assert folder.read_sidecar(shard) is None


def test_a_sidecar_of_another_form_counts_for_nothing(phantom_pack: Path, tmp_path: Path) -> None:
    evaluate(phantom_pack, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    shard = only_shard(folder)

    for text in ("[]", "null", "{}", "nonsense"):
        folder.sidecar_path(shard).write_text(text)
        assert folder.read_sidecar(shard) is None


def test_a_record_without_entries_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 1}')

    with pytest.raises(InputError, match="is damaged"):
        RunFolder(tmp_path).read_record()


def test_only_leftovers_of_this_run_are_cleared(tmp_path: Path) -> None:
    kept = tmp_path / "another" / "scores" / ".a.parquet.1.part"
    gone = tmp_path / "scores" / ".a.parquet.1.part"
    for path in (kept, gone):
        path.parent.mkdir(parents=True)
        path.touch()

    with RunFolder(tmp_path).hold():
        pass

    assert kept.exists()
    assert not gone.exists()
