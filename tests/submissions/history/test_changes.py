"""What a merge would change, and who may change it; every request is a real branch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.submissions.history.changes import check_changes, find_merge, note_set_up
from cosmos_board.submissions.history.git import Repository
from cosmos_board.submissions.history.versions import read_history
from tests.submissions.drafts import draft_manifest, to_toml
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW

ANN, BOB, MAX = 2002, 3003, 1001
MAINTAINERS = f"schema_version = 1\nmaintainers = [{{ name = 'Max', github_id = {MAX} }}]\n"
Change = Callable[[Path], object]


def write(repo: Path, slug: str = "evil-sam", owner: int = ANN, version: int = 1) -> None:
    """Write a manifest and a file that stands for predictions."""
    folder = repo / "submissions" / slug
    folder.mkdir(exist_ok=True)
    fields = draft_manifest(slug=slug, version=version, authors__0__github_id=owner)
    (folder / "submission.toml").write_bytes(to_toml(fields))
    (folder / "predictions.parquet").write_bytes(bytes([version]) * 99)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Main with one entry, Ann's, and one maintainer."""
    make_repository(tmp_path)
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "check").write_text("exit 1\n" * 9)
    (tmp_path / "submissions" / "decisions.toml").write_text(MAINTAINERS)
    write(tmp_path, "sam-base")
    commit_all(tmp_path)
    return tmp_path


def ask(repo: Path, change: Change, author: int = BOB) -> list[str]:
    """Return what is said of a branch with `change`."""
    git(repo, "checkout", "-q", "-b", "proposed")
    change(repo)
    head = commit_all(repo)
    git(repo, "checkout", "-q", "main")
    return [str(one) for one in check_changes(find_merge(read_history(repo), head, author, NOW))[1]]


def test_what_a_maintainer_forgot_to_set_up_is_noted(tmp_path: Path) -> None:
    make_repository(tmp_path)
    owners = tmp_path / ".github" / "CODEOWNERS"
    owners.parent.mkdir()
    owners.write_text("/.ci/ @OWNER\n")
    commit_all(tmp_path, "as it was forked")
    fields = [(one.path, one.disposition) for one in note_set_up(read_history(tmp_path))]
    assert fields == [("submissions/decisions.toml", "noted"), (".github/CODEOWNERS", "noted")]

    owners.write_text("/.ci/ @OWNERS-of-the-board\n")
    (tmp_path / "submissions" / "decisions.toml").write_text(MAINTAINERS)
    commit_all(tmp_path, "set up")
    assert list(note_set_up(read_history(tmp_path))) == []


def test_a_new_entry_and_the_owners_next_version_are_right(repo: Path) -> None:
    assert ask(repo, lambda path: write(path, owner=BOB)) == []
    git(repo, "branch", "-q", "-D", "proposed")
    assert ask(repo, lambda path: write(path, "sam-base", version=2), ANN) == []


def test_o01_o04_an_edit_of_a_rivals_entry_is_refused_whatever_the_login(repo: Path) -> None:
    lines = ask(repo, lambda path: write(path, "sam-base", BOB, version=2))
    assert lines == ["submissions/sam-base: owner is user id 2002, PR author is 3003"]


def test_o03_a_rivals_folder_cannot_be_renamed(repo: Path) -> None:
    lines = ask(repo, lambda path: git(path, "mv", "submissions/sam-base", "submissions/evil-sam"))
    assert "submissions/sam-base: owner is user id 2002, PR author is 3003" in lines
    assert "PR: 2 slugs changed, want 1" in lines
    gone = "submissions/sam-base/submission.toml: accepted files are not removed"
    assert any(line.startswith(gone) for line in lines)


def test_a_file_of_ours_cannot_be_renamed_into_a_submission(repo: Path) -> None:
    def change(path: Path) -> None:
        write(path, owner=BOB)
        git(path, "mv", "-f", ".ci/check", "submissions/evil-sam/predictions.parquet")

    assert ".ci/check: path outside submissions/<slug>/" in ask(repo, change)


@pytest.mark.parametrize("version", [1, 3, 7])
def test_the_owners_results_change_with_the_next_version_only(repo: Path, version: int) -> None:
    def change(path: Path) -> None:
        write(path, "sam-base", version=version)
        (path / "submissions" / "sam-base" / "predictions.parquet").write_bytes(b"better")

    place = "submissions/sam-base/submission.toml: version"
    assert ask(repo, change, ANN) == [f"{place}: is not the next (got {version}, want 2)"]


@pytest.mark.parametrize("slug", ["My_Model", "index", "com3", "lpt9", "nul", "a"])
def test_a_slug_that_cannot_be_is_said_not_raised(repo: Path, slug: str) -> None:
    (line,) = ask(repo, lambda path: write(path, slug, BOB))
    assert line.startswith(f"submissions/{slug}: slug must ")


def test_links_modules_and_modes_are_seen_in_git(repo: Path) -> None:
    def change(path: Path) -> None:
        folder = path / "submissions" / "evil-sam"
        folder.mkdir()
        (folder / "predictions.parquet").symlink_to("/proc/self/environ")
        (folder / "submission.toml").write_text("a: 1")
        (folder / "submission.toml").chmod(0o755)
        (folder / "deeper").mkdir()
        (folder / "deeper" / "x").write_text("x")
        (path / "submissions" / "evil.svg").write_text("<svg>")

    assert [line for line in ask(repo, change) if "version" not in line] == [
        "PR: 2 slugs changed, want 1",
        "submissions/evil-sam/deeper: folders are not allowed below submissions/<slug>/",
        "submissions/evil-sam/predictions.parquet: symlink not allowed",
        "submissions/evil-sam/submission.toml: executable bit not allowed",
        "submissions/evil.svg: path outside submissions/<slug>/",
    ]


def decide(**changes: str) -> Change:
    facts = {"slug": "'sam-base'", "version": "1", "word": "'withdrawn'", "who": str(MAX),
             "when": "2026-01-31T12:00:00Z", "why": "'a slip'", **changes}  # fmt: skip
    lines = "\n".join(f"{name} = {value}" for name, value in facts.items())
    return lambda path: (path / "submissions" / "decisions.toml").write_text(
        f"{MAINTAINERS}\n[[decisions]]\n{lines}\n"
    )


def test_a_maintainer_decides(repo: Path) -> None:
    assert ask(repo, decide(), MAX) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"who": "5"}, "decisions[0].who: is 5, PR author is 1001"),
        ({"version": "2"}, "decisions[0].version: is none that landed on main"),
        ({"slug": "'other'"}, "decisions[0].version: is none that landed on main"),
        ({"when": "2101-01-01T00:00:00Z"}, "decisions[0].when: lies in the future"),
        ({"when": "2026-01-31T12:00:00"}, "decisions.0.when: Input should have timezone info"),
        ({"word": "'banned'"}, "decisions.0.word: Input should be 'withdrawn', 'taken-down'"),
        ({"why": "'<script>'"}, "decisions.0.why: Value error, character '<' not allowed"),
        ({"more": "1"}, "decisions.0.more: Extra inputs are not permitted"),
        ({"why": "'"}, "no TOML: "),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    changes: dict[str, str], says: str, repo: Path
) -> None:
    (line,) = ask(repo, decide(**changes), MAX)
    assert line.startswith("submissions/decisions.toml: ")
    assert says in line


def test_a_decision_is_never_changed(repo: Path) -> None:
    decide()(repo)
    commit_all(repo)
    want = "submissions/decisions.toml: decisions: were changed (want new ones below the old ones)"
    assert ask(repo, decide(why="'another'"), MAX) == [want]


def test_what_is_taken_down_is_removed_by_the_same_request_and_by_no_other(repo: Path) -> None:
    def remove(path: Path) -> None:
        git(path, "rm", "-q", "-r", "submissions/sam-base")

    def both(path: Path) -> None:
        decide(word="'taken-down'")(path)
        remove(path)

    assert ask(repo, both, MAX) == []
    git(repo, "branch", "-q", "-D", "proposed")
    assert any("accepted files are not removed" in line for line in ask(repo, remove, MAX))


def test_a_maintainer_proposes_in_the_projects_name_and_nobody_else(repo: Path) -> None:
    write(repo, "grabcut", 0)
    commit_all(repo)
    assert ask(repo, lambda path: write(path, "grabcut", 0, version=2), MAX) == []
    git(repo, "branch", "-q", "-D", "proposed")
    lines = ask(repo, lambda path: write(path, "grabcut", 0, version=2), BOB)
    assert lines == ["submissions/grabcut: owner is user id 0, PR author is 3003"]


def test_indices_of_packs_are_the_maintainers(repo: Path) -> None:
    def change(path: Path) -> None:
        (path / "submissions" / "_packs").mkdir()
        (path / "submissions" / "_packs" / "x").write_text("x")

    want = "submissions/_packs/x: only maintainers change it, PR author is 3003"
    assert ask(repo, change) == [want]


def test_a_conflict_and_a_stranger_branch_are_refused(repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "proposed")
    write(repo, "sam-base", version=2)
    head = commit_all(repo)
    git(repo, "checkout", "-q", "main")
    write(repo, "sam-base", version=3)
    commit_all(repo)
    with pytest.raises(InputError, match="conflicts with main"):
        find_merge(read_history(repo), head, ANN, NOW)
    git(repo, "checkout", "-q", "--orphan", "rootless")
    alone = commit_all(repo)
    git(repo, "checkout", "-q", "main")
    with pytest.raises(InputError, match="has 0 merge bases with main"):
        find_merge(read_history(repo), alone, ANN, NOW)


def test_a_merge_over_two_bases_is_refused(repo: Path) -> None:
    """It may take back lines of main that `git diff main...head`, over one base, never shows."""
    gate = repo / ".ci" / "check"
    git(repo, "checkout", "-q", "-b", "side")
    gate.write_text("exit 0\n")
    loose = commit_all(repo)
    git(repo, "checkout", "-q", "main")
    (repo / "x").write_text("x")
    other = commit_all(repo)
    git(repo, "merge", "-q", "--no-ff", "-m", "take side", loose)
    gate.write_text("exit 1\n" * 9)
    commit_all(repo, "take back")
    git(repo, "checkout", "-q", "-b", "proposed", loose)
    git(repo, "merge", "-q", "--no-ff", "-m", "take main", other)
    write(repo, owner=BOB)
    head = commit_all(repo)
    git(repo, "checkout", "-q", "main")
    with pytest.raises(InputError, match="has 2 merge bases with main"):
        find_merge(read_history(repo), head, BOB, NOW)


def test_the_sixth_new_entry_of_an_owner_in_30_days_is_held(repo: Path) -> None:
    for number in range(5):
        write(repo, f"variant-{number}", BOB)
        commit_all(repo)
    history = read_history(repo)
    landed = history.entries["variant-4"].versions[0]
    sixth = replace(landed, slug="variant-5")
    (problem,) = history.check_rate(sixth)
    assert problem.disposition == "held"
    assert str(problem).endswith("owner 3003 has 5 entries in 30 days, limit 5")
    late = landed.landed + timedelta(days=31)
    later = replace(landed, slug="variant-5", landed=late)
    assert list(history.check_rate(later)) == []
    assert list(history.check_rate(landed)) == []


def test_a_shallow_clone_is_refused_and_no_repository_too(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", str(other))
    with pytest.raises(InputError, match="is a shallow clone"):
        Repository(other)
    with pytest.raises(InputError, match="not a git repository"):
        Repository(Path("/"))


def test_a_pack_that_is_gone_is_one_line_and_no_traceback(repo: Path, tmp_path: Path) -> None:
    words = ["--head", "a", "--fetched", "a", "--author", "1", "--base-ref", "main"]
    words += ["--default-branch", "main", "--summary", str(tmp_path / "s.md"), "--pack", "gone"]
    module = "cosmos_board.cli.submissions.pull_request"
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=repo, capture_output=True,
                          text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "gone" in done.stderr
