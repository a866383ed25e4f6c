"""Many submissions of one owner are noted, with the luck that the best of them may have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.history.variants import MANY_VARIANTS, note_variants
from cosmos_board.submissions.history.versions import parse_claim, read_history
from cosmos_board.submissions.pull_request import PullRequest, check_pull_request
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW, Sample

ANN, BOB, PROJECT = 2002, 3003, 0


def write(
    root: Path, slug: str, owners: Sequence[int] = (ANN,), *, track: str = "core", version: int = 1
) -> Path:
    """Write what is read of a manifest that nobody has checked."""
    folder = root / "submissions" / slug
    folder.mkdir(parents=True, exist_ok=True)
    authors = ", ".join(f"{{ github_id = {owner} }}" for owner in owners)
    (folder / "submission.toml").write_text(
        f'slug = "{slug}"\nversion = {version}\ntrack = "{track}"\nprotocol = "cosmos-1"\n'
        f'authors = [{authors}]\n[model]\nname = "{slug}"\n'
    )
    (folder / "predictions.parquet").write_bytes(slug.encode() * version)
    return folder


def note(root: Path, folder: Path) -> list[str]:
    claim = parse_claim((folder / "submission.toml").read_bytes())
    problems = note_variants(folder.name, claim, read_history(root))
    return [f"{one.disposition}: {one.text}" for one in problems]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    make_repository(tmp_path)
    for number in range(MANY_VARIANTS - 2):
        write(tmp_path, f"anns-model-{number}")
    write(tmp_path, "anns-counts", track="counts")
    write(tmp_path, "bobs-model", (BOB,))
    commit_all(tmp_path, "merge")
    return tmp_path


def test_an_owner_with_few_submissions_is_not_noted(repo: Path) -> None:
    assert note(repo, write(repo, "anns-last")) == []


def test_other_tracks_and_owners_do_not_count(repo: Path) -> None:
    write(repo, "anns-next")
    commit_all(repo, "merge")

    lines = note(repo, write(repo, "anns-last", (ANN,)))

    assert lines == [
        "noted: owner 2002 has 5 submissions on track core, this one included",
        "noted: the best of so many equal ones stands 1.16 standard errors too high by chance",
    ]


def test_every_version_counts_and_the_same_one_once(repo: Path) -> None:
    write(repo, "anns-model-0", version=2)
    commit_all(repo, "merge")

    (first, second) = note(repo, write(repo, "anns-model-0", version=3))

    assert "has 5 submissions on track core" in first
    assert second.endswith(
        "the best of so many equal ones stands 1.16 standard errors too high by chance"
    )


def test_the_report_on_a_request_notes_it_and_stays_green(sample: Sample, repo: Path) -> None:
    write(repo, "anns-model-0", version=2)
    commit_all(repo, "merge")
    git(repo, "checkout", "-q", "-b", "proposed")
    sample.write(repo, slug="careful-boxes")
    head = commit_all(repo)
    git(repo, "checkout", "-q", "main")

    report = check_pull_request(PullRequest(repo, head, ANN, now=NOW), [open_pack(sample.pack)])

    assert report.passes
    note = "owner 2002 has 5 submissions on track core, this one included"
    assert f"submissions/careful-boxes: {note}" in report.find_lines("noted")
    assert note in report.write()


def test_the_project_itself_is_not_noted(repo: Path) -> None:
    for number in range(MANY_VARIANTS):
        write(repo, f"ours-{number}", (PROJECT,))

    assert note(repo, write(repo, "ours-last", (PROJECT,))) == []
