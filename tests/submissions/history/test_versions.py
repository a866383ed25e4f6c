"""The first-parent line of main is the record of what landed, whichever way it was merged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.history.versions import LandedSubmission, read_history
from tests.submissions.history.test_changes import ANN, BOB, write
from tests.submissions.repositories import commit_all, git, make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Main with one entry of version 1."""
    make_repository(tmp_path)
    write(tmp_path, "sam-base")
    commit_all(tmp_path)
    return tmp_path


def read(repo: Path) -> LandedSubmission:
    return read_history(repo).entries["sam-base"]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_version_lands_with_the_commit_of_main_however_it_was_merged(
    how: str, repo: Path
) -> None:
    git(repo, "checkout", "-q", "-b", "proposed")
    (repo / "submissions" / "sam-base" / "predictions.parquet").write_bytes(b"a slip")
    commit_all(repo, "one half")
    write(repo, "sam-base", version=2)
    commit_all(repo, "the other half")
    git(repo, "checkout", "-q", "main")
    if how == "merge":
        git(repo, "merge", "-q", "--no-ff", "-m", "merge", "proposed")
    elif how == "squash":
        git(repo, "merge", "-q", "--squash", "proposed")
        commit_all(repo)
    else:
        git(repo, "merge", "-q", "--ff-only", "proposed")
    entry = read(repo)
    assert [one.claim.version for one in entry.versions] == [1, 2]
    assert entry.owners == {ANN}
    assert entry.versions[-1].commit == git(repo, "rev-parse", "HEAD")
    assert entry.problems == []


def test_results_that_changed_without_a_new_version_are_none_until_they_are_taken_back(
    repo: Path,
) -> None:
    path = repo / "submissions" / "sam-base" / "predictions.parquet"
    before = path.read_bytes()
    path.write_bytes(b"better")
    commit_all(repo)
    (problem,) = read(repo).problems
    assert str(problem).endswith("version: changed without a new version (got 1, want 2)")
    assert read(repo).number == 1
    path.write_bytes(before)
    commit_all(repo)
    assert read(repo).problems == []


def test_a_removed_entry_keeps_its_owner_and_its_versions(repo: Path) -> None:
    shutil.rmtree(repo / "submissions" / "sam-base")
    commit_all(repo)
    (problem,) = read(repo).problems
    assert str(problem) == "submissions/sam-base: was removed from main"
    write(repo, "sam-base", BOB, version=2)
    commit_all(repo)
    (problem,) = read(repo).problems
    assert "owner is user id 2002, who is none of the authors now" in str(problem)
    assert read(repo).owners == {ANN}


def test_what_was_merged_without_being_right_has_an_owner_all_the_same(repo: Path) -> None:
    write(repo, "new-sam", BOB)
    (repo / "submissions" / "new-sam" / "run.sh").write_text("x")
    commit_all(repo)
    entry = read_history(repo).entries["new-sam"]
    assert entry.versions == []
    assert entry.owners == {BOB}
    assert "run.sh: file name not in the allowed set" in str(entry.problems[0])


def test_a_history_that_was_cut_back_does_not_hold_what_was_published(repo: Path) -> None:
    published = git(repo, "rev-parse", "HEAD")
    (repo / "x").write_text("x")
    commit_all(repo)
    history = read_history(repo)
    history.refuse_rewritten(published, None)
    history.refuse_rewritten("", None)
    git(repo, "reset", "-q", "--hard", f"{published}^")
    cut = read_history(repo)
    with pytest.raises(InputError, match="does not hold the commit that the published site"):
        cut.refuse_rewritten(published, None)
    with pytest.raises(InputError, match="does not hold the commit"):
        cut.refuse_rewritten(published, "f" * 40)
    with pytest.raises(InputError, match="does not hold the commit"):
        cut.refuse_rewritten("--all", None)
    cut.refuse_rewritten(published, published)


def test_damaged_decisions_are_not_passed_over(repo: Path) -> None:
    (repo / "submissions" / "decisions.toml").write_text("schema_version = 2\n")
    commit_all(repo)
    with pytest.raises(InputError, match=r"decisions.toml: schema_version: .*want an integer 1..1"):
        read_history(repo)
