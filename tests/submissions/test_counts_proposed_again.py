"""Somebody else's submission of counts, proposed again with one answer changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.format.manifest import ManifestFile
from cosmos_board.submissions.pull_request import PullRequest, check_pull_request
from tests.submissions.counts_samples import CountsSample, forge, lose
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.runs import encode_runs
from tests.submissions.samples import NOW

BOB = 3003


def propose_copy(counts: CountsSample, fork: Path, files: Path) -> str:
    """Propose a rival's copy of `counts` in which one answer was emptied; return its commit."""
    folder = fork / "submissions" / "rival-boxes"
    shutil.copytree(counts.folder, folder)
    shutil.copytree(counts.files, files)
    rival = CountsSample(counts.pack, folder, files)
    victim = pq.read_table(files / "counts.parquet").to_pylist()[0]

    def empty(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        for row in rows:
            if (row["reference_id"], row["prompt"]) == (victim["reference_id"], victim["prompt"]):
                if "rle" in row:
                    row["rle"] = encode_runs(np.array([row["height"] * row["width"]]))
                else:
                    row.update(tp=0, fp=0, fn=row["tp"] + row["fn"])
        return pa.Table.from_pylist(rows, table.schema)

    forge(rival, empty)
    forge(rival, empty, "predictions.parquet")
    path = folder / "submission.toml"
    text = path.read_text().replace("careful-boxes", "rival-boxes")
    text = text.replace("Careful boxes", "Rival boxes").replace("2002", "3003")
    path.write_text(text)
    return commit_all(fork)


@pytest.mark.parametrize("lost", [False, True], ids=["its counts at hand", "its counts lost"])
def test_a_near_copy_of_anothers_counts_is_held(
    lost: bool, counts: CountsSample, tmp_path: Path
) -> None:
    """Where the first entry's host has lost its files, a copy of it would go unseen: held too."""
    hub = tmp_path / "hub"
    make_repository(hub)
    shutil.copytree(counts.folder, hub / "submissions" / "careful-boxes")
    first = replace(counts, folder=hub / "submissions" / "careful-boxes")
    commit_all(hub)
    git(hub, "checkout", "-q", "-b", "proposed")
    head = propose_copy(first, hub, tmp_path / "rival-files")
    git(hub, "checkout", "-q", "main")

    def fetch(file: ManifestFile, out: Path) -> Path:
        if out.name == "careful-boxes" and lost:
            return lose(file, out)
        folder = counts.files if out.name == "careful-boxes" else tmp_path / "rival-files"
        return Path(shutil.copy(folder / file.path, out / file.path))

    packs = [open_pack(counts.pack)]
    report = check_pull_request(PullRequest(hub, head, BOB, now=NOW), packs, fetch=fetch)
    assert report.find_lines("refused") == []
    (line,) = report.find_lines("held")
    place = "submissions/rival-boxes/counts.parquet: rows: "
    if lost:
        want = "not compared with submissions/careful-boxes, whose counts did not come"
        assert line == f"{place}{want}; held for review"
    else:
        assert line == (
            f"{place}100.00 % of counts for point equal submissions/careful-boxes; held for review"
        )
