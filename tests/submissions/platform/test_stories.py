"""What becomes of a pull request, from the check over the merge to the published board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cosmos_board.data.pack import open_pack
from tests.submissions.platform.conftest import MAX
from tests.submissions.platform.hub import Board, Hub, Request
from tests.submissions.platform.runner import Outcome
from tests.submissions.repositories import commit_all, git
from tests.submissions.runs import encode_runs
from tests.submissions.samples import Sample

ANN, BOB = 2002, 3003
CAREFUL = "submissions/careful-boxes"
Change = Callable[[Path], Any]


@dataclass(frozen=True)
class Story:
    """A submission that was checked, merged and published."""

    found: Outcome
    """What its check said."""

    landed: Hub
    """The platform as it was once the submission was merged; to be copied."""

    published: Hub
    """The platform once the site was published; to be copied."""

    board: Board


@pytest.fixture(scope="module")
def near(tiny: Sample) -> pa.Table:
    """Predictions that are the references, with one pixel turned."""
    masks = {one.reference_id: one.mask() for item in open_pack(tiny.pack).iter_items()
             for one in item.references}  # fmt: skip
    rows = tiny.table.to_pylist()
    for row in rows:
        mask = masks[row["reference_id"]].copy()
        mask[0, 0] = ~mask[0, 0]
        flat = mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff([0, *edges, len(flat)])
        row["rle"] = encode_runs(np.array([0, *runs] if flat[0] else runs))
    return pa.Table.from_pylist(rows, tiny.table.schema)


def submit(tiny: Sample, slug: str = "careful-boxes", **changes: object) -> Change:
    """Return what writes a submission into a fork, in the place of what it holds."""

    def change(fork: Path) -> None:
        shutil.rmtree(fork / "submissions" / slug, ignore_errors=True)
        tiny.write(fork, slug=slug, **changes)  # type: ignore[arg-type]

    return change


def shift(tiny: Sample, by: int = 1) -> pa.Table:
    """Return predictions that nobody else has: each mask moved down by some pixels."""
    from cosmos_board.core.masks import Rle

    rows = tiny.table.to_pylist()
    for row in rows:
        mask = np.roll(Rle(row["height"], row["width"], row["rle"]).decode(), by, axis=0)
        flat = mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat)) + 1
        runs = np.diff([0, *edges, len(flat)])
        row["rle"] = encode_runs(np.array([0, *runs] if flat[0] else runs))
    return pa.Table.from_pylist(rows, tiny.table.schema)


def decide(slug: str, word: str, version: int = 1, who: int = MAX) -> Change:
    """Return what adds a decision."""

    def change(fork: Path) -> None:
        path = fork / "submissions" / "decisions.toml"
        text = (
            f'\n[[decisions]]\nslug = "{slug}"\nversion = {version}\nword = "{word}"\n'
            f'who = {who}\nwhen = 2026-01-31T12:00:00Z\nwhy = "told so by mail"\n'
        )
        path.write_text(path.read_text() + text)

    return change


def land(hub: Hub, request: Request, how: str = "merge") -> None:
    """Check a request, which passes, and merge it."""
    found = hub.check(request)
    assert found.conclusion == "success", found.log
    hub.merge(request, how)


@pytest.fixture(scope="module")
def story(first: Hub, tiny: Sample, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """What becomes of Ann's submission where nothing is wrong with it."""
    hub = first.copy(tmp_path_factory.mktemp("story"))
    request = hub.propose("ann", ANN, submit(tiny))
    found = hub.check(request)
    hub.merge(request)
    landed = hub.copy(tmp_path_factory.mktemp("landed"))
    return Story(found, landed, hub, hub.publish(render=True))


@pytest.fixture
def landed(story: Story, tmp_path: Path) -> Hub:
    """A platform with Ann's submission on main."""
    return story.landed.copy(tmp_path)


def refused(hub: Hub, request: Request) -> str:
    """Return the summary of a check that is red."""
    found = hub.check(request)
    assert found.conclusion == "failure", found.log
    assert "Refused." in found.summary
    return found.summary


def test_a_first_submission_is_told_its_rank_merged_and_published(story: Story) -> None:
    found, hub, board = story.found, story.published, story.board
    assert found.conclusion == "success", found.log
    assert "**Submission careful-boxes. No problems found.**" in found.summary
    assert "dataset:phantoms, box, predicted: Dice 0.7" in found.summary
    assert "rank 1 (1..1) of 1" in found.summary
    assert board.outcome.conclusion == "success", board.outcome.log
    assert board.shown == {"careful-boxes": 1}
    assert "Careful boxes" in (hub.site / "submissions" / "index.html").read_text()
    assert (hub.site / "assets" / "vendor" / "hyparquet" / "index.js").exists()
    anchored = json.loads((hub.site / "files.json").read_text())["head"]
    assert anchored == hub.find() == board.listed["head"]


def test_a_failing_submission_says_why_and_passes_once_it_is_fixed(hub: Hub, tiny: Sample) -> None:
    request = hub.propose("ann", ANN, submit(tiny, model__name="SAM ViT-B.", licence="mine"))
    summary = refused(hub, request)
    assert "looks like existing name 'SAM ViT-B' (owner id 0)" in summary or (
        "licence: 'mine' is not an SPDX identifier" in summary
    )
    hub.change(request, submit(tiny))
    land(hub, request, "squash")
    assert hub.publish().shown == {"careful-boxes": 1}


def test_what_is_too_good_is_held_and_shown_only_when_it_is_merged_anyway(
    hub: Hub, tiny: Sample, near: pa.Table
) -> None:
    request = hub.propose("ann", ANN, submit(tiny, table=near))
    found = hub.check(request)
    assert found.conclusion == "failure"
    assert "Held: a maintainer looks first." in found.summary
    assert "have Dice 0.99 or at most 2 wrong pixels; held for review" in found.summary
    assert "rank 1" in found.summary, "who decides sees where it would rank"
    board = hub.publish()
    assert (board.shown, board.left_out, board.listed["problems"]) == ({}, {}, [])
    hub.merge(request)
    board = hub.publish()
    assert board.shown == {"careful-boxes": 1}
    (line, *_) = board.listed["merged_although_held"]
    assert "have Dice 0.99 or at most 2 wrong pixels" in line


def test_version_2_takes_the_place_of_version_1(landed: Hub, tiny: Sample) -> None:
    better = submit(tiny, version=2, table=shift(tiny))
    request = landed.propose("ann", ANN, better)
    found = landed.check(request)
    assert found.conclusion == "success", found.log
    assert "rank 1 (1..1) of 1" in found.summary, "it does not compete with itself"
    assert "60 scores" in found.summary
    landed.merge(request)
    assert landed.publish().shown == {"careful-boxes": 2}


def test_a_newer_version_that_fails_leaves_the_one_before_and_stops_no_other(
    landed: Hub, tiny: Sample
) -> None:
    damaged = submit(tiny, version=2, data=b"PAR1" + bytes(90) + b"PAR1")
    request = landed.propose("ann", ANN, damaged)
    assert "predictions.parquet" in refused(landed, request)
    landed.merge(request)
    bold = {"model__name": "Bold", "authors__0__github_id": BOB, "table": shift(tiny, 9)}
    landed.merge(landed.propose("bob", BOB, submit(tiny, "bold-boxes", **bold)))
    board = landed.publish()
    assert board.outcome.conclusion == "success"
    assert board.shown == {"careful-boxes": 1, "bold-boxes": 1}
    assert "version 2 is not on the board" in board.listed["problems"][0]


def test_results_that_change_under_the_same_version_are_refused_and_do_not_reach_the_board(
    landed: Hub, tiny: Sample
) -> None:
    request = landed.propose("ann", ANN, submit(tiny, table=shift(tiny)))
    want = f"{CAREFUL}/submission.toml: version: is not the next (got 1, want 2)"
    assert want in refused(landed, request)
    landed.merge(request, "rebase")
    board = landed.publish()
    assert board.shown == {"careful-boxes": 1}
    (problem,) = board.listed["problems"]
    assert problem.endswith("version: changed without a new version (got 1, want 2)")


def test_a_withdrawn_entry_leaves_the_ranking_and_stays_listed(landed: Hub) -> None:
    land(landed, landed.propose("max", MAX, decide("careful-boxes", "withdrawn")))
    board = landed.publish()
    assert (board.shown, board.left_out) == ({}, {"careful-boxes": "told so by mail"})


def test_a_takedown_leaves_nothing_on_any_board(story: Story, tmp_path: Path) -> None:
    """Nor on an earlier one, which is kept under `v/` when the benchmark changes."""
    landed = story.published.copy(tmp_path)
    assert (landed.site / "models" / "careful-boxes").exists()
    landed.merge(landed.propose("code", BOB, raise_metrics_version))

    def take_down(fork: Path) -> None:
        decide("careful-boxes", "taken-down")(fork)
        shutil.rmtree(fork / CAREFUL)

    land(landed, landed.propose("max", MAX, take_down))
    board = landed.publish(render=True)
    assert board.outcome.conclusion == "success", board.outcome.log
    assert (board.shown, board.listed["problems"]) == ({}, [])
    (kept,) = (landed.site / "v").iterdir()
    assert (kept / "index.html").exists()
    words = (b"careful-boxes", b"Careful boxes")
    named = {path for path in landed.site.rglob("*") if path.is_file()
             if any(word in path.read_bytes() for word in words)}  # fmt: skip
    assert {path for path in named if "entries" not in str(path)} == set()
    listing = landed.site / "submissions" / "entries" / "index.html"
    assert "told so by mail" in listing.read_text()


def raise_metrics_version(fork: Path) -> None:
    path = fork / "cosmos_board" / "submissions" / "checks" / "packs.py"
    text = path.read_text()
    assert "METRICS_VERSION = 1" in text
    path.write_text(text.replace("METRICS_VERSION = 1", "METRICS_VERSION = 2"))


def test_a_change_of_code_passes_as_no_submission(landed: Hub) -> None:
    request = landed.propose("code", BOB, lambda fork: (fork / "site" / "x.md").write_text("x"))
    found = landed.check(request)
    assert (found.conclusion, found.summary) == (
        "success", "**No submission in this request. No problems found.**\n",
    )  # fmt: skip


def test_nobody_changes_anothers_folder(landed: Hub, tiny: Sample) -> None:
    mine = submit(tiny, version=2, authors__0__github_id=BOB)
    summary = refused(landed, landed.propose("bob", BOB, mine))
    assert f"{CAREFUL}: owner is user id 2002, PR author is 3003" in summary
    landed.merge(landed.requests[-1])
    board = landed.publish()
    assert board.shown == {"careful-boxes": 1}
    assert "owner is user id 2002, who is none of the authors now" in board.listed["problems"][0]


def test_only_maintainers_decide(landed: Hub) -> None:
    request = landed.propose("bob", BOB, decide("careful-boxes", "withdrawn", who=BOB))
    summary = refused(landed, request)
    assert "submissions/decisions.toml: only maintainers change it, PR author is 3003" in summary
    other = landed.propose("max", MAX, decide("careful-boxes", "withdrawn", who=BOB))
    assert "decisions[0].who: is 3003, PR author is 1001" in refused(landed, other)


def test_a_submission_changes_nothing_else(hub: Hub, tiny: Sample) -> None:
    paths = (".ci/check", ".github/workflows/submission.yml", "submissions/decisions.toml")

    def change(fork: Path) -> None:
        submit(tiny)(fork)
        for path in paths:
            (fork / path).write_text((fork / path).read_text() + "# looser\n")

    summary = refused(hub, hub.propose("ann", ANN, change))
    assert all(f"{path}: path outside submissions/<slug>/" in summary for path in paths)


def test_a_stranger_cannot_edit_the_check_of_their_own_request(hub: Hub, tiny: Sample) -> None:
    """The platform runs the file and the code of main, whatever the head says."""

    def change(fork: Path) -> None:
        submit(tiny)(fork)
        (fork / ".ci" / "check").write_text("exit 0\n")
        (fork / ".ci" / "prepare").write_text("touch pwned\n")
        (fork / "cosmos_board" / "submissions" / "pull_request.py").write_text("")
        (fork / ".github" / "workflows" / "submission.yml").write_text("on: {}\njobs: {}\n")

    found = hub.check(hub.propose("ann", ANN, change))
    assert found.conclusion == "failure"
    assert ".ci/check: path outside submissions/<slug>/" in found.summary
    checkout = found.place / "check"
    assert not (checkout / "pwned").exists()
    assert not (checkout / CAREFUL).exists(), "nothing of the head is checked out"


def test_two_at_once_that_are_copies_of_each_other_are_seen_after_the_merge(
    hub: Hub, tiny: Sample
) -> None:
    """Each passes alone. The second waits for a decision, whatever its check said."""
    one = hub.propose("ann", ANN, submit(tiny))
    rows = tiny.table.to_pylist()
    extra = [{**row, "candidate": 1} for row in shift(tiny).to_pylist()]
    table = pa.Table.from_pylist(rows + extra, tiny.table.schema)
    other = {"model__name": "Bold", "authors__0__github_id": BOB, "table": table}
    two = hub.propose("bob", BOB, submit(tiny, "bold-boxes", **other))
    for request in (one, two):
        assert hub.check(request).conclusion == "success"
    for request in (one, two):
        hub.merge(request)
    board = hub.publish()
    assert board.shown == {"careful-boxes": 1}
    assert "are equal to submissions/careful-boxes" in board.left_out["bold-boxes"]
    hub.merge(hub.propose("max", MAX, decide("bold-boxes", "released")))
    assert hub.publish().shown == {"careful-boxes": 1, "bold-boxes": 1}


def test_a_request_to_another_branch_is_not_judged(hub: Hub, tiny: Sample) -> None:
    """So that its green check cannot stand for a request of the same commit to main."""
    git(hub.path, "branch", "release", "main")
    hub.branch("ann", submit(tiny), start="release")
    request = hub.open("ann", ANN, base="release")
    assert hub.check(request).conclusion == "none"


def test_a_merge_over_two_bases_is_refused(landed: Hub, tiny: Sample) -> None:
    """A criss-cross can take back what main says without showing it in `base...head`."""
    fork = landed.fork("bob")
    main = landed.find()

    def loosen(path: Path) -> None:
        (path / ".ci" / "check").write_text("exit 0\n")

    git(fork, "checkout", "-q", "-b", "bob")
    loosen(fork)
    commit_all(fork, "loosen")
    git(fork, "revert", "--no-edit", "HEAD")
    side = git(fork, "rev-parse", "HEAD")
    landed.branch("code", lambda path: (path / "site" / "x.md").write_text("x"))
    request = landed.open("code", BOB)
    landed.merge(request)
    desk = landed.work / "merges"
    git(desk, "fetch", "-q", str(fork), "bob")
    git(desk, "merge", "-q", "--no-ff", "-m", "take side", side)
    git(desk, "push", "-q", "origin", "main")
    git(fork, "fetch", "-q", "origin")
    git(fork, "merge", "-q", "--no-ff", "-m", "take main", f"{main}", "origin/main^1")
    submit(tiny, "bold-boxes", model__name="Bold", authors__0__github_id=BOB)(fork)
    commit_all(fork, "submit")
    summary = refused(landed, landed.open("bob", BOB))
    assert "PR: has 2 merge bases with main (want 1: rebase)" in summary


def test_a_push_between_check_and_merge_does_not_reach_the_board(hub: Hub, tiny: Sample) -> None:
    request = hub.propose("ann", ANN, submit(tiny))
    event = hub.describe(request)
    assert hub.check(request).conclusion == "success"
    hub.change(request, submit(tiny, model__name="SAM (official)"))
    late = hub.check(request, event)
    assert "the newer check decides" in late.summary
    assert hub.check(request).conclusion == "failure"
    hub.merge(request)
    board = hub.publish()
    assert board.shown == {}
    assert "reserved word 'official'" in board.left_out["careful-boxes"]


def test_main_does_not_go_back_behind_what_was_published(story: Story, tmp_path: Path) -> None:
    hub = story.published.copy(tmp_path)
    before = hub.find()
    git(hub.path, "update-ref", "refs/heads/main", f"{before}^")
    board = hub.publish()
    assert board.outcome.conclusion == "failure"
    assert "does not hold the commit that the published site was made of" in board.outcome.log
    assert hub.publish(rewritten=before).outcome.conclusion == "success"
