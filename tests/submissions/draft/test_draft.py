"""A draft appears whole or not at all, and takes nobody's work away."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.draft import draft as draft_module
from cosmos_board.submissions.draft.draft import Elsewhere, draft_submission
from cosmos_board.submissions.draft.model_run import open_model_run
from tests.submissions.samples import METADATA, Sample

URL = "https://zenodo.org/records/1/files"


def draft(sample: Sample, out: Path, *, again: bool = False, counts_to: Path | None = None) -> Path:
    return draft_submission(
        open_model_run(sample.run, "box-prior", "counts" if counts_to else "core"), METADATA, out,
        elsewhere=Elsewhere(counts_to, URL) if counts_to else None, replace=again,
    )  # fmt: skip


def take_hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_submission_that_is_there_is_replaced_only_when_asked(
    sample: Sample, tmp_path: Path
) -> None:
    out = draft(sample, tmp_path / "careful-boxes")
    (out / "submission.toml").write_text("edited by hand")
    before = take_hashes(out)
    with pytest.raises(InputError, match="holds a submission already"):
        draft(sample, out)
    assert take_hashes(out) == before

    draft(sample, out, again=True)
    assert take_hashes(out) != before
    assert [path.name for path in tmp_path.iterdir()] == ["careful-boxes"]


def test_what_a_killed_draft_left_is_no_obstacle(sample: Sample, tmp_path: Path) -> None:
    out = tmp_path / "careful-boxes"
    out.mkdir()
    (out / "predictions.parquet").write_bytes(b"half")
    (out / ".predictions.parquet.77.part").write_bytes(b"half")
    (tmp_path / ".careful-boxes.x1").mkdir()
    draft(sample, out)
    assert sorted(take_hashes(out)) == ["predictions.parquet", "submission.toml"]


@pytest.mark.parametrize("there", [False, True])
def test_a_draft_that_fails_leaves_all_as_it_was(
    there: bool, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is written last, so its failure comes when all the rest is done."""
    out = tmp_path / "careful-boxes"
    if there:
        draft(sample, out)
    before = take_hashes(out) if there else {}

    def fail(path: Path, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(draft_module, "write_bytes", fail)
    with pytest.raises(KeyboardInterrupt):
        draft(sample, out, again=True)
    assert [path.name for path in tmp_path.iterdir()] == (["careful-boxes"] if there else [])
    assert (take_hashes(out) if there else {}) == before


def test_metadata_that_is_refused_leaves_nothing_behind(sample: Sample, tmp_path: Path) -> None:
    metadata = replace(METADATA, licence="mine")
    with pytest.raises(InputError, match="licence: 'mine' is not an SPDX identifier"):
        draft_submission(
            open_model_run(sample.run, "box-prior"), metadata, tmp_path / "careful-boxes"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_is_never_deleted(sample: Sample, tmp_path: Path) -> None:
    out = tmp_path / "careful-boxes"
    out.mkdir()
    (out / "thesis.pdf").write_text("x")
    with pytest.raises(InputError, match=r"thesis\.pdf: is no file of a submission"):
        draft(sample, out, again=True)
    assert (out / "thesis.pdf").exists()


def test_data_files_of_another_draft_are_replaced_only_when_asked(
    sample: Sample, tmp_path: Path
) -> None:
    upload = tmp_path / "upload"
    upload.mkdir()
    (upload / "notes.txt").write_text("mine")
    draft(sample, tmp_path / "careful-boxes", counts_to=upload)
    assert sorted(take_hashes(upload)) == ["counts.parquet", "notes.txt", "predictions.parquet"]
    with pytest.raises(InputError, match=r"upload: counts\.parquet: is there already"):
        draft(sample, tmp_path / "other-boxes", counts_to=upload)
    assert not (tmp_path / "other-boxes").exists()

    draft(sample, tmp_path / "other-boxes", counts_to=upload, again=True)
    assert (tmp_path / "other-boxes" / "submission.toml").exists()
