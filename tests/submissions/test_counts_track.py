"""A submission of counts on its whole way: drafted, checked, merged, published, and found out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import Pack, open_pack
from cosmos_board.store.board import open_board
from cosmos_board.store.ingest import ingest
from cosmos_board.store.queries.targets import read_distances
from cosmos_board.submissions.checks.check import check_submission
from cosmos_board.submissions.checks.packs import index_pack, list_known, write_pack_index
from cosmos_board.submissions.history.decisions import add_decision
from cosmos_board.submissions.history.rebuild import rebuild_board
from cosmos_board.submissions.history.versions import read_history
from cosmos_board.submissions.pull_request import PullRequest, check_pull_request
from cosmos_board.submissions.scoring.score import score_submission
from tests.submissions.counts_samples import CountsSample, forge, lose
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW

ANN = 2002


def better(table: pa.Table) -> pa.Table:
    """Move one pixel of one row from missed to found."""
    rows = table.to_pylist()
    victim = next(row for row in rows if row["fn"] > 0)
    victim["tp"] += 1
    victim["fn"] -= 1
    return pa.Table.from_pylist(rows, table.schema)


def test_a_submission_of_counts_is_audited_to_the_last_row(counts: CountsSample) -> None:
    assert sorted(path.name for path in counts.folder.iterdir()) == ["submission.toml"]
    assert check_submission(counts.folder, counts.inputs()) == []


def test_a_check_without_the_files_says_that_it_did_not_look(counts: CountsSample) -> None:
    problems = check_submission(counts.folder, replace(counts.inputs(), external=None))
    assert [(one.disposition, one.field, one.text) for one in problems] == [
        ("noted", f"files[{number}].url", f"'{name}.parquet' lies elsewhere and was not looked at,"
         " see --external")
        for number, name in enumerate(("counts", "predictions"))
    ]  # fmt: skip


def test_a_forged_count_is_named_and_refused(counts: CountsSample) -> None:
    forge(counts, better)
    (problem,) = check_submission(counts.folder, counts.inputs())
    assert problem.disposition == "refused"
    assert problem.path == "submissions/careful-boxes/predictions.parquet"
    assert "claimed" in problem.text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.slice(2), " references missing for prompt "),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "duplicate key ("),
        (
            lambda table: table.set_column(2, "candidate", pa.array([1] * len(table), pa.int32())),
            "without the one before",
        ),
        (
            lambda table: table.set_column(6, "rle", pa.array([b"0"] * len(table), pa.binary())),
            "rle: runs sum to 0",
        ),
    ],
)
def test_predictions_that_do_not_carry_the_counts_are_refused(
    change: Callable[[pa.Table], pa.Table], says: str, counts: CountsSample
) -> None:
    forge(counts, change, "predictions.parquet")
    problems = check_submission(counts.folder, counts.inputs())
    assert says in problems[0].text
    assert problems[0].disposition == "refused"


def test_without_the_references_it_is_held_for_a_maintainer(counts: CountsSample) -> None:
    (problem,) = check_submission(counts.folder, counts.inputs(packs=False))
    assert (problem.disposition, problem.field) == ("held", "audit")


def land(counts: CountsSample, hub: Path) -> None:
    """Put the submission on main."""
    make_repository(hub)
    shutil.copytree(counts.folder, hub / "submissions" / "careful-boxes")
    commit_all(hub, "merge")


def test_from_the_pull_request_to_the_board_on_dice_and_iou_alone(
    counts: CountsSample, tmp_path: Path
) -> None:
    hub = tmp_path / "hub"
    make_repository(hub)
    git(hub, "checkout", "-q", "-b", "proposed")
    shutil.copytree(counts.folder, hub / "submissions" / "careful-boxes")
    head = commit_all(hub)
    git(hub, "checkout", "-q", "main")
    packs = [open_pack(counts.pack)]
    report = check_pull_request(PullRequest(hub, head, ANN, now=NOW), packs, fetch=counts.fetch)
    assert (report.find_lines("refused"), report.find_lines("held")) == ([], [])
    assert any("too few clusters to rank" in line for line in report.ranks)
    assert not any("rank 1" in line for line in report.ranks)
    assert "counted again" in report.coverage

    git(hub, "merge", "-q", "--no-ff", "-m", "merge", "proposed")
    history = read_history(hub)
    rebuilt = rebuild_board(history, packs, tmp_path / "out", fetch=counts.fetch)
    assert rebuilt.left_out == {}
    with open_board(rebuilt.db) as connection:
        assert connection.execute("SELECT DISTINCT track, tier FROM runs").fetchall() == [
            ("counts", "audited")
        ]
        from cosmos_board.board.build import build_boards

        boards = build_boards(connection)
        assert {key.metric for key in boards} == {"dice", "iou"}
        assert {key.track for key in boards} == {"counts"}
    lost = rebuild_board(history, packs, tmp_path / "other", fetch=lose)
    assert "cannot be fetched" in lost.left_out["careful-boxes"]


def test_counts_say_nothing_of_boundaries(counts: CountsSample, tmp_path: Path) -> None:
    packs = [open_pack(counts.pack)]
    scored = score_submission(counts.folder, packs, tmp_path / "run", inputs=counts.inputs())
    ingest([scored.run], tmp_path / "board.duckdb")

    with open_board(tmp_path / "board.duckdb") as connection:
        known = connection.execute(
            "SELECT count(tp), count(hd95_px), count(nsd), count(nsd_rel) FROM scores"
        ).fetchall()
        distances = read_distances(connection, "counts", "box")
    assert known == [(scored.rows, 0, 0, 0)]
    assert distances == {}


def test_a_forgery_outside_the_git_tree_does_not_reach_the_board(
    counts: CountsSample, tmp_path: Path
) -> None:
    """The host may change a file after it landed; its hash may not."""
    land(counts, tmp_path / "hub")
    path = counts.files / "counts.parquet"
    pq.write_table(better(pq.read_table(path)), path)
    history = read_history(tmp_path / "hub")
    packs = [open_pack(counts.pack)]
    rebuilt = rebuild_board(history, packs, tmp_path / "out", fetch=counts.fetch)
    assert "manifest says" in rebuilt.left_out["careful-boxes"]
    assert rebuilt.shown == []


def test_counts_that_nobody_here_can_count_again_are_self_reported_until_somebody_attests(
    counts: CountsSample, tmp_path: Path
) -> None:
    """Git holds an index of the pack; its references are with a maintainer."""
    hub = tmp_path / "hub"
    land(counts, hub)
    write_pack_index(hub / "submissions", open_pack(counts.pack))
    commit_all(hub)
    for tier in ("self-reported", "audited"):
        indices = list_known([], hub / "submissions")
        history = read_history(hub)
        rebuilt = rebuild_board(history, indices, tmp_path / tier, fetch=counts.fetch)
        assert [row.tier for row in rebuilt.shown] == [tier]
        assert any("held for a maintainer's audit" in str(one) for one in rebuilt.held)
        add_decision(hub / "submissions", "careful-boxes", 1, "audited", 1001, "counted all again")
        commit_all(hub)


def test_the_index_asks_exactly_what_the_pack_asks_and_holds_no_mask(
    counts: CountsSample, tmp_path: Path
) -> None:
    pack = open_pack(counts.pack)
    write_pack_index(tmp_path, pack)
    (index,) = list_known([], tmp_path)
    for track in ("core", "counts"):
        assert index_pack(index, track).sha256 == index_pack(pack, track).sha256
    assert sorted(path.name for path in (tmp_path / "_packs" / "phantoms").iterdir()) == [
        "pack.json",
        "references.parquet",
    ]
    hidden = Pack(pack.path, replace(pack.info, name="our-own", permissions=()))
    with pytest.raises(InputError, match="does not let row ids be public"):
        write_pack_index(tmp_path / "other", hidden)


@pytest.mark.parametrize(("share", "least"), [(0.01, 0.99), (0.001, 0.90)])
def test_forged_rows_are_caught_at_the_computed_rate(share: float, least: float) -> None:
    """200 forgeries of a grid of 60,000 counted cells, each looked at as an audit does."""
    from cosmos_board.submissions.checks.audit import choose_places
    from cosmos_board.submissions.checks.counts import CountTable

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
        places = choose_places(table, "c" * 64, str(number))
        assert len(places) == 3000
        caught += bool(np.isin(places, forged).any())
    assert caught / 200 >= least
