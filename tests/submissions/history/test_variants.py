"""Many submissions of one owner are noted, with the luck that the best of them may have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.checks.packs import IndexRow, ReferenceIndex
from cosmos_board.submissions.history.variants import MANY_VARIANTS, note_variants, read_folder
from cosmos_board.submissions.history.versions import read_history
from cosmos_board.submissions.pull_request import PullRequest, check_pull_request
from cosmos_board.submissions.scoring.errors import measure_error
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


def note(root: Path, folder: Path, error: float | None = None) -> list[str]:
    problems = note_variants(
        folder.name, read_folder(folder), read_history(root), root=folder.parent, error=error
    )
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


def test_folders_that_have_not_landed_count_and_other_tracks_and_owners_do_not(repo: Path) -> None:
    write(repo, "anns-draft")

    lines = note(repo, write(repo, "anns-last", (ANN, BOB), version=1), 0.01)

    assert lines == [
        "noted: owner 2002 has 6 submissions on track core, this one included",
        "noted: the best of so many equal ones stands 1.27 standard errors (up to 0.0127 Dice)"
        " too high by chance",
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


def test_the_standard_error_is_that_of_means_over_clusters() -> None:
    """Two targets of one pack with clusters of their own, one too small to count."""
    rng = np.random.default_rng(0)
    rows, dice = {}, {}
    for thing, clusters in (("liver", 12), ("spleen", 20), ("rare", 9)):
        for cluster in range(clusters):
            for number in range(1 + cluster % 3):
                name = f"{thing}-{cluster}-{number}"
                rows[name] = IndexRow(name, name, f"{thing}-{cluster}", "ct", thing, 9, 9, 60)
                dice[name] = float(rng.random())
    index = ReferenceIndex("pack", "core", "", "", rows)

    squares = 0.0
    for thing in ("liver", "spleen"):
        means: dict[str, list[float]] = {}
        for name, row in rows.items():
            if row.object == thing:
                means.setdefault(row.cluster_id, []).append(dice[name])
        values = [float(np.mean(values)) for values in means.values()]
        squares += float(np.var(values, ddof=1)) / len(values)
    assert measure_error(dice, [index]) == pytest.approx(np.sqrt(squares) / 2, rel=1e-4)
    few = {name: value for name, value in dice.items() if name.startswith("rare")}
    assert measure_error(few, [index]) is None
