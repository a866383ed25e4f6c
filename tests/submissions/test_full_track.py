"""A full submission on its whole way: drafted, gated, accepted, published, and found out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import open_pack
from cosmos_board.store.board import open_board
from cosmos_board.submissions.accepted import accept_submission
from cosmos_board.submissions.audit import Audit
from cosmos_board.submissions.check import Context, check_submission
from cosmos_board.submissions.draft import Elsewhere, draft_submission
from cosmos_board.submissions.gate import judge
from cosmos_board.submissions.ledger import Entry, read_ledger, verify_ledger
from cosmos_board.submissions.listed_files import hash_file
from cosmos_board.submissions.manifest import ManifestFile
from cosmos_board.submissions.rebuild import rebuild_board
from cosmos_board.submissions.rle import encode_runs
from cosmos_board.submissions.sample import index_pack
from tests.submissions.drafts import to_yaml
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import ANSWERS, NOW, Sample

ANN, BOB = 2002, 3003
URL = "https://zenodo.org/records/1/files"


@dataclass(frozen=True)
class Full:
    """A right full submission, its files elsewhere."""

    pack: Path
    folder: Path
    files: Path

    def fetch(self, file: ManifestFile, out: Path) -> Path:
        """Stand for the network."""
        assert file.url == f"{URL}/{file.path}"
        return Path(shutil.copy(self.files / file.path, out / file.path))

    def context(self, audit: Audit | None = None, packs: bool = True) -> Context:
        """Check against the pack."""
        pack = open_pack(self.pack)
        return Context(
            indices=[index_pack(pack, "full")],
            external=self.files,
            packs=[pack] if packs else [],
            audit=audit or Audit("a" * 40, "b"),
            now=NOW,
        )


@pytest.fixture
def full(sample: Sample, tmp_path: Path) -> Full:
    folder = tmp_path / "made" / "submissions" / "careful-boxes"
    folder.parent.mkdir(parents=True)
    files = tmp_path / "files"
    draft_submission(
        sample.run, "box-prior", ANSWERS, folder, track="full", elsewhere=Elsewhere(files, URL)
    )
    return Full(sample.pack, folder, files)


def forge(full: Full, change: Callable[[pa.Table], pa.Table], name: str = "counts.parquet") -> None:
    """Change a data file and let the manifest say so."""
    path = full.files / name
    pq.write_table(change(pq.read_table(path)), path)
    import yaml

    fields = yaml.safe_load((full.folder / "submission.yaml").read_bytes())
    for file in fields["files"]:
        file["sha256"] = hash_file(full.files / file["path"])
        file["size_bytes"] = (full.files / file["path"]).stat().st_size
    (full.folder / "submission.yaml").write_bytes(to_yaml(fields))


def better(table: pa.Table) -> pa.Table:
    """Move one pixel of one row from missed to found."""
    rows = table.to_pylist()
    victim = next(row for row in rows if row["fn"] > 0)
    victim["tp"] += 1
    victim["fn"] -= 1
    return pa.Table.from_pylist(rows, table.schema)


def test_a_full_submission_is_audited_to_the_last_row(full: Full) -> None:
    assert sorted(path.name for path in full.folder.iterdir()) == ["submission.yaml"]
    assert check_submission(full.folder, full.context()) == []


def test_a_forged_count_is_named_and_refused(full: Full) -> None:
    forge(full, better)
    (problem,) = check_submission(full.folder, full.context())
    assert problem.disposition == "refused"
    assert problem.path == "submissions/careful-boxes/predictions.parquet"
    assert "claimed" in problem.text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.slice(2), "sampled answers are not in the file, first"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "duplicate candidate 0"),
        (
            lambda table: table.set_column(2, "candidate", pa.array([1] * len(table), pa.int32())),
            "candidates do not count from 0",
        ),
        (
            lambda table: table.set_column(6, "rle", pa.array([b"0"] * len(table), pa.binary())),
            "rle: runs sum to 0",
        ),
    ],
)
def test_predictions_that_do_not_carry_the_counts_are_refused(
    change: Callable[[pa.Table], pa.Table], says: str, full: Full
) -> None:
    forge(full, change, "predictions.parquet")
    problems = check_submission(full.folder, full.context())
    assert says in problems[0].text
    assert problems[0].disposition == "refused"


def test_without_the_references_it_is_held_for_a_maintainer(full: Full) -> None:
    (problem,) = check_submission(full.folder, full.context(packs=False))
    assert (problem.disposition, problem.field) == ("held", "audit")


def test_from_the_pull_request_to_the_board_on_dice_and_iou_alone(
    full: Full, tmp_path: Path
) -> None:
    hub, fork = tmp_path / "hub", tmp_path / "fork"
    base = make_repository(hub)
    git(tmp_path, "clone", "-q", str(hub), str(fork))
    shutil.copytree(full.folder, fork / "submissions" / "careful-boxes")
    head = commit_all(fork)
    packs = [open_pack(full.pack)]
    report = judge(fork, base, head, ANN, hub / "submissions", packs, NOW, fetch=full.fetch)
    assert (report.refused, report.held) == ([], [])
    assert any("rank 1" in line for line in report.standing)
    assert "counted again" in report.coverage

    root = fork / "submissions"
    entry = accept_submission(
        root, "careful-boxes", full.context(), submitter=ANN, pull_request=1, head=head
    )
    assert len(entry.beacon) == 32
    assert verify_ledger(root) == []
    rebuilt = rebuild_board(root, packs, tmp_path / "out", fetch=full.fetch)
    assert rebuilt.left_out == {}
    with open_board(rebuilt.db) as connection:
        assert connection.execute("SELECT DISTINCT track, tier FROM runs").fetchall() == [
            ("counts", "audited")
        ]
        from cosmos_board.board.build import build_boards

        boards = build_boards(connection)
        assert {key.metric for key in boards} == {"dice", "iou"}
        assert {key.track for key in boards} == {"counts"}
    lost = rebuild_board(root, packs, tmp_path / "other", fetch=_lose)
    assert "cannot be fetched" in lost.left_out["careful-boxes"]


def propose_copy(full: Full, fork: Path, files: Path) -> str:
    """Propose a rival's copy of `full` in which one answer was emptied; return its commit."""
    folder = fork / "submissions" / "rival-boxes"
    shutil.copytree(full.folder, folder)
    shutil.copytree(full.files, files)
    rival = Full(full.pack, folder, files)
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
    path = folder / "submission.yaml"
    text = path.read_text().replace("slug: careful-boxes", "slug: rival-boxes")
    text = text.replace("Careful boxes", "Rival boxes").replace("2002", "3003")
    path.write_text(text)
    return commit_all(fork)


@pytest.mark.parametrize("lost", [False, True], ids=["its counts at hand", "its counts lost"])
def test_a_near_copy_of_anothers_counts_is_held(lost: bool, full: Full, tmp_path: Path) -> None:
    """Where the first entry's host has lost its files, a copy of it would go unseen: held too."""
    hub, fork = tmp_path / "hub", tmp_path / "fork"
    make_repository(hub)
    root = hub / "submissions"
    shutil.copytree(full.folder, root / "careful-boxes")
    first = replace(full, folder=root / "careful-boxes")
    accept_submission(
        root, "careful-boxes", first.context(), submitter=ANN, pull_request=1, head="a" * 40
    )
    base = commit_all(hub)
    git(tmp_path, "clone", "-q", str(hub), str(fork))
    head = propose_copy(first, fork, tmp_path / "rival-files")

    def fetch(file: ManifestFile, out: Path) -> Path:
        if out.name == "careful-boxes" and lost:
            return _lose(file, out)
        folder = full.files if out.name == "careful-boxes" else tmp_path / "rival-files"
        return Path(shutil.copy(folder / file.path, out / file.path))

    packs = [open_pack(full.pack)]
    report = judge(fork, base, head, BOB, root, packs, NOW, fetch=fetch)
    assert report.refused == []
    (line,) = report.held
    place = "submissions/rival-boxes/counts.parquet: rows: "
    if lost:
        want = "not compared with submissions/careful-boxes, whose counts did not come"
        assert line == f"{place}{want}; held for review"
    else:
        assert line == (
            f"{place}100.00 % of counts for point equal submissions/careful-boxes; held for review"
        )


def _lose(file: ManifestFile, out: Path) -> Path:
    raise InputError("files", file.path, "cannot be fetched: gone")


def test_a_forgery_outside_the_git_tree_does_not_reach_the_board(
    full: Full, tmp_path: Path
) -> None:
    """The host may change a file after it was accepted; its hash may not."""
    root = full.folder.parent
    accept_submission(
        root, "careful-boxes", full.context(), submitter=ANN, pull_request=1, head="a" * 40
    )
    path = full.files / "counts.parquet"
    pq.write_table(better(pq.read_table(path)), path)
    packs = [open_pack(full.pack)]
    rebuilt = rebuild_board(root, packs, tmp_path / "out", fetch=full.fetch)
    assert "manifest says" in rebuilt.left_out["careful-boxes"]
    assert rebuilt.shown == []


def test_nobody_vouches_for_what_was_not_audited(full: Full) -> None:
    root, context = full.folder.parent, full.context(packs=False)

    def accept(context: Context, tier: str) -> Entry:
        return accept_submission(
            root, "careful-boxes", context,
            submitter=ANN, pull_request=1, head="a" * 40, tier=tier,
        )  # fmt: skip

    with pytest.raises(InputError, match="no full audit was possible"):
        accept(context, "audited")
    with pytest.raises(InputError, match="is not at hand"):
        accept(replace(context, external=None), "self-reported")
    entry = accept(context, "self-reported")
    assert (entry.tier, entry.beacon) == ("self-reported", "")
    assert "beacon" not in json.loads((root / "ledger.jsonl").read_text())
    assert read_ledger(root)[1] == []


@pytest.mark.parametrize(("share", "least"), [(0.01, 0.99), (0.001, 0.90)])
def test_forged_rows_are_caught_at_the_computed_rate(share: float, least: float) -> None:
    """200 forgeries of a grid of 60,000 counted cells, each looked at as an audit does."""
    from cosmos_board.submissions.audit import choose_places
    from cosmos_board.submissions.count_rows import CountTable

    table = CountTable(
        tuple(f"r{n:05}" for n in range(20_000)),
        ("everything", "box"),
        np.full((20_000, 2, 2, 3), 5, np.int32),
    )
    table.counts[:, 0, 1] = -1  # everything has no predicted selection
    there = np.flatnonzero(table.counts[..., 0].reshape(-1) >= 0)
    caught = 0
    for number in range(200):
        rng = np.random.default_rng(number)
        forged = rng.choice(there, int(share * len(there)), replace=False)
        places = choose_places(table, Audit("a" * 40, str(number)), "c" * 64)
        assert len(places) == 3000
        caught += bool(np.isin(places, forged).any())
    assert caught / 200 >= least
