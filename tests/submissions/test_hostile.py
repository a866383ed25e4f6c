"""Each hostile submission of the corpus gets its disposition: one line, quickly, no traceback."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.check import check_submission
from cosmos_board.submissions.copies import Accepted
from cosmos_board.submissions.ledger import ACCEPTED, Entry
from cosmos_board.submissions.manifest import parse_manifest
from cosmos_board.submissions.prediction_rows import Fingerprint, mask_key
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.pull_request import Change, check_changes, check_head, list_changes
from cosmos_board.submissions.report import REPORT, Report, make_comment, read_report, write_report
from cosmos_board.submissions.score import score_submission
from tests.shared import SHARED
from tests.submissions.drafts import draft_manifest, to_yaml
from tests.submissions.hostile import CASES
from tests.submissions.hostile_strings import FIELDS, STRINGS
from tests.submissions.repositories import commit_all, git, make_repository
from tests.submissions.samples import NOW, Sample

SLOWEST_S = 10.0
HEAD = "1" * 40
CORPUS = SHARED / "research" / "hostile-cases.json"


@pytest.mark.parametrize("name", sorted(CASES))
def test_hostile_case(name: str, sample: Sample, tmp_path: Path) -> None:
    case = CASES[name]
    began = time.monotonic()
    lines = case.make(sample, tmp_path)
    assert time.monotonic() - began < SLOWEST_S
    assert lines, "was accepted"
    assert case.says in lines[0]
    assert case.held == ("held for review" in lines[0])
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert len(line) <= 200
        assert "Traceback" not in line


ELSEWHERE = {
    "O01", "O03", "O04", "O06", "O07", "O08", "O11", "R19",
    "X01", "X02", "X04", "X05", "X06", "X09",
}  # fmt: skip
"""Cases with a test of their own, here or with the workflows."""


@pytest.mark.skipif(not CORPUS.is_file(), reason="the corpus is not on this machine")
def test_every_case_of_the_corpus_is_here() -> None:
    listed = {case["id"] for case in json.loads(CORPUS.read_text())}
    assert listed == CASES.keys() | ELSEWHERE


@pytest.mark.parametrize("field", FIELDS)
def test_no_hostile_string_passes_in_any_field_of_text(field: str) -> None:
    passed = []
    for name, text in STRINGS.items():
        fields = draft_manifest(**{field: text})
        manifest, problems = parse_manifest(to_yaml(fields), "submissions/a/submission.yaml")
        if manifest is not None:
            passed.append(name)
            continue
        place = field.replace("__0__", "[0].").replace("__", ".")
        assert str(problems[0]).startswith(f"submissions/a/submission.yaml: {place}: ")
    assert passed == []


def owned(slug: str, owner: int, *, version: int = 1, day: str = "2099-12-20") -> Entry:
    return Entry(
        number=0, event=ACCEPTED, slug=slug, version=version, name=slug, owners=(owner,),
        tier="audited", benchmark="", content_sha256="", files=(), pull_request=1, head=HEAD,
        time_utc=f"{day}T00:00:00+00:00",
    )  # fmt: skip


def say(*changes: Change, entries: tuple[Entry, ...], author: int = 2002) -> list[str]:
    return [str(one) for one in check_changes(changes, entries, author, NOW)[1]]


def test_o01_o04_an_edit_of_a_rivals_entry_is_refused_whatever_the_login() -> None:
    change = Change("submissions/sam-base/submission.yaml", "100644")
    lines = say(change, entries=(owned("sam-base", 1001),))
    assert lines == ["submissions/sam-base: owner is user id 1001, PR author is 2002"]


def test_o03_a_rivals_folder_cannot_be_renamed(tmp_path: Path) -> None:
    base = make_repository(tmp_path / "repo")
    folder = tmp_path / "repo" / "submissions" / "sam-base"
    folder.mkdir()
    (folder / "submission.yaml").write_text("a: 1\n" * 40)
    base = commit_all(tmp_path / "repo")
    git(tmp_path / "repo", "mv", "submissions/sam-base", "submissions/evil-sam")
    head = commit_all(tmp_path / "repo")
    changes = list_changes(tmp_path / "repo", base, head)
    lines = say(*changes, entries=(owned("sam-base", 1001),))
    assert "submissions/sam-base: renamed to evil-sam; owner is user id 1001" in lines


def test_o08_the_sixth_new_entry_in_30_days_is_refused() -> None:
    entries = tuple(owned(f"variant-{n}", 2002) for n in range(5))
    change = Change("submissions/variant-5/submission.yaml", "100644")
    assert say(change, entries=entries) == ["PR: owner 2002 has 5 entries in 30 days, limit 5"]
    older = tuple(owned(f"variant-{n}", 2002, day="2099-11-01") for n in range(5))
    assert say(change, entries=older) == []


def test_o11_a_head_that_moved_is_refused() -> None:
    (problem,) = check_head("1" * 40, "2" * 40)
    assert str(problem) == "PR: head moved from 1111111 to 2222222 after validation"


def fingerprint(table: pa.Table, *, changed: int = 0) -> Fingerprint:
    found = Fingerprint()
    for number, row in enumerate(table.to_pylist()):
        counts = b"other" if number < changed else row["rle"]
        mask = mask_key(row["height"], row["width"], counts)
        found.add(row["reference_id"], row["prompt"], row["candidate"], 0.0, mask)
    return found


def test_o06_o07_copies_are_refused_and_near_copies_held(sample: Sample, tmp_path: Path) -> None:
    rows = sample.table
    many = Fingerprint(rows={bytes([n % 256, n // 256]) for n in range(2000)})
    near = Fingerprint(rows=many.rows - {b"\0\0"} | {b"zz"})
    assert 0.999 <= near.share_equal(many) < 1

    rival = Accepted("sam-base", "Other", frozenset({1001}), fingerprint(rows))
    folder = sample.write(tmp_path)
    context = replace(sample.context, accepted=(rival,))
    (problem,) = check_submission(folder, context)
    assert str(problem) == (
        "submissions/evil-sam/predictions.parquet: rows: same content as submissions/sam-base "
        "(sha256 of sorted rows)"
    )
    distant = Accepted("sam-base", "Other", frozenset({1001}), fingerprint(rows, changed=5))
    assert check_submission(folder, replace(sample.context, accepted=(distant,))) == []


def test_a_mask_that_nobody_chooses_does_not_hide_a_copy(sample: Sample) -> None:
    rival, copy = fingerprint(sample.table), fingerprint(sample.table)
    for row in sample.table.to_pylist():
        junk = mask_key(row["height"], row["width"], b"junk")
        copy.add(row["reference_id"], row["prompt"], 1 + row["candidate"], -1.0, junk)

    assert copy.share_equal(rival) < 1
    assert copy.share_answered_alike(rival) == 1


def test_a_file_of_ours_cannot_be_renamed_into_a_submission() -> None:
    change = Change("submissions/evil-sam/submission.yaml", "100644", old_path=".ci/gate")

    assert ".ci/gate: path outside submissions/<slug>/" in say(change, entries=())


def test_r19_copied_references_are_held_and_never_more_than_audited(
    sample: Sample, tmp_path: Path
) -> None:
    lines = CASES["R18"].make(sample, tmp_path)
    assert "held for review" in lines[0]
    folder = sample.write(tmp_path / "honest", slug="careful-boxes", tier="re-run")
    scored = score_submission(folder, [open_pack(sample.pack)], tmp_path / "honest run")
    assert json.loads((scored.run / "run.json").read_text())["tier"] == "audited"


@pytest.mark.parametrize(
    ("name", "shape", "says"),
    [
        ("X04", "two", "report artifact: want exactly one regular file report.json"),
        ("X04 link", "link", "report artifact: want exactly one regular file report.json"),
        ("X05", "huge", "report artifact: 524288000 bytes, limit 1048576"),
        ("X05 text", "text", "report artifact: is no report"),
        ("X06", "other", "report artifact: head sha does not match the workflow run"),
    ],
)
def test_hostile_artifact(name: str, shape: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / REPORT
    write_report(path, Report(schema_version=1, head="2" * 40))
    if shape == "two":
        (tmp_path / "evil.py").write_text("boom")
    elif shape == "link":
        path.unlink()
        path.symlink_to("/etc/passwd")
    elif shape == "huge":
        with path.open("r+b") as file:
            file.truncate(500 << 20)
    elif shape == "text":
        path.write_text('{"schema_version": 1, "head": [[[')
    found = read_report(tmp_path, HEAD)
    assert isinstance(found, Problem), name
    assert str(found) == says
    assert "evil" not in make_comment(found)


def test_words_of_a_report_stay_inside_its_fence() -> None:
    report = Report(
        schema_version=1, head=HEAD, refused=["a ``` b", "```` @everyone", "<script>", "\u202ex"]
    )
    lines = make_comment(report).splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("`````")]
    assert len(fences) == 2
    inside = lines[fences[0] + 1 : fences[1]]
    assert inside == ["a ``` b", "```` @everyone", "<script>", "\\u202ex"]


def test_git_sees_links_modules_and_modes(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    base = make_repository(repo)
    folder = repo / "submissions" / "evil-sam"
    folder.mkdir()
    (folder / "predictions.parquet").symlink_to("/proc/self/environ")
    (folder / "submission.yaml").write_text("a: 1")
    (folder / "submission.yaml").chmod(0o755)
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{base},submissions/evil-sam/submod")
    git(repo, "add", "submissions/evil-sam/submission.yaml")
    git(repo, "add", "submissions/evil-sam/predictions.parquet")
    git(repo, "commit", "-q", "-m", "evil")
    changes = list_changes(repo, base, git(repo, "rev-parse", "HEAD"))
    assert say(*changes, entries=()) == [
        "submissions/evil-sam/predictions.parquet: symlink not allowed",
        "submissions/evil-sam/submission.yaml: executable bit not allowed",
        "submissions/evil-sam/submod: submodule not allowed",
    ]
