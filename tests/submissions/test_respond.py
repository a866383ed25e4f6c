from __future__ import annotations

import json
from pathlib import Path

import pytest

from cosmos_board.submissions.report import Report, write_report
from cosmos_board.submissions.respond import check_files, main, respond

HEAD = "1" * 40
PULL = {"number": 7, "state": "open", "head": {"sha": HEAD}, "changed_files": 1}
FILE = {"filename": "submissions/careful-boxes/submission.yaml"}


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    folder.mkdir()
    write_report(folder / "report.json", Report(schema_version=1, head=HEAD, standing=["rank 1"]))
    return folder


def test_a_right_submission_is_answered_with_success_and_its_rank(artifact: Path) -> None:
    answer = respond(artifact, HEAD, [PULL], [FILE])
    assert answer is not None
    assert (answer.number, answer.state) == (7, "success")
    assert "rank 1" in answer.comment


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([{"filename": ".github/workflows/x.yml"}], "path outside submissions/<slug>/"),
        ([{"filename": "submissions/ledger.jsonl"}], "path outside submissions/<slug>/"),
        ([{"filename": "submissions/_audits/allowed_signers"}], "path outside submissions/<slug>/"),
        ([{"filename": "submissions/_packs/x/pack.json"}], "path outside submissions/<slug>/"),
        ([{**FILE, "previous_filename": "cosmos_board/core/runs.py"}], "path outside"),
        ([], "1 changed files, 0 listed"),
    ],
)
def test_a_good_report_cannot_cover_a_change_elsewhere(
    files: list[dict[str, str]], says: str, artifact: Path
) -> None:
    answer = respond(artifact, HEAD, [PULL], files)
    assert answer is not None
    assert answer.state == "failure"
    assert says in answer.comment


def test_limits_of_the_list_of_files() -> None:
    assert "3001 changed files" in str(check_files({"changed_files": 3001}, [])[0])
    two = [{"filename": f"submissions/{slug}/submission.yaml"} for slug in ("aaa", "bbb")]
    assert "2 slugs changed, want 1" in str(check_files({}, two)[0])


def test_a_head_that_moved_or_closed_is_not_answered_with_success(artifact: Path) -> None:
    moved = {**PULL, "head": {"sha": "2" * 40}}
    answer = respond(artifact, HEAD, [moved], [FILE])
    assert answer is not None
    assert answer.state == "failure"
    assert respond(artifact, HEAD, [{**PULL, "state": "closed"}], [FILE]) is None


def test_the_script_writes_what_the_job_sends(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "pulls.json").write_text(json.dumps([PULL]))
    (tmp_path / "files.json").write_text(json.dumps([FILE]))
    words = ["--artifact", artifact, "--head", HEAD, "--pulls", tmp_path / "pulls.json",
             "--files", tmp_path / "files.json", "--out", tmp_path / "out"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    assert (tmp_path / "out" / "state").read_text() == "success"
