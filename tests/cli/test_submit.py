from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from tests.packs import phantom_pack as phantom_pack
from tests.submissions.conftest import sample as sample
from tests.submissions.samples import Sample


def call(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(group, ["submit", *map(str, words)], catch_exceptions=False)
    return result.exit_code, result.output


def test_help_of_check_imports_neither_torch_nor_pyarrow() -> None:
    code = (
        "import sys, click\nfrom cosmos_board.cli.main import group\n"
        "try: group(['submit', 'check', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('torch', 'pyarrow', 'duckdb', 'pydantic')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def drafted(sample: Sample, tmp_path: Path) -> Path:
    out = tmp_path / "submissions" / "careful-boxes"
    code, text = call(
        *("new", sample.run, "--out", out, "--name", "Careful boxes", "--author", "Ann Lee:2002"),
        *("--contact", "a@example.org", "--code-url", "https://example.org", "--licence", "MIT"),
        *("--trained-on", "none", "--accept-terms"),
    )
    assert (code, text) == (0, f"{out}: written; next: cosmos-board submit check {out}\n")
    return out


def test_from_a_run_to_a_green_check_a_rank_and_a_reproduction(
    sample: Sample, drafted: Path
) -> None:
    pack = ("--pack", sample.pack)
    assert call("check", drafted, *pack) == (0, f"{drafted}: right\n")
    code, text = call("score", drafted, *pack, "--json")
    assert code == 0
    rows = json.loads(text)
    assert {(row["prompt"], row["slice"]) for row in rows} == {
        ("point", "dataset:phantoms"),
        ("box", "dataset:phantoms"),
    }
    assert all(row["rank"] == 1 for row in rows)
    code, text = call("reproduce", drafted, *pack, "--model", "box-prior")
    assert code == 0
    assert "re-run: the scores are the model's (72 of 72 rows equal" in text


def test_a_refused_submission_leaves_with_1_and_one_line_a_problem(
    sample: Sample, drafted: Path
) -> None:
    (drafted / "README.md").write_text("<script>")
    (drafted / "submission.yaml").write_text("a: &b 1")
    code, text = call("check", drafted, "--pack", sample.pack)
    assert code == 1
    assert text.splitlines() == [
        "submissions/careful-boxes/README.md: file name not in the allowed set",
        "submissions/careful-boxes/submission.yaml: line 1: anchors are not allowed",
    ]


def test_another_model_does_not_reproduce_it(sample: Sample, drafted: Path) -> None:
    code, text = call("reproduce", drafted, "--pack", sample.pack, "--model", "grabcut", "--json")
    assert code == 1
    assert json.loads(text)["agrees"] is False


def test_a_maintainer_accepts_promotes_and_withdraws(sample: Sample, drafted: Path) -> None:
    facts = ("--submitter", 2002, "--pull-request", 7, "--head", "a" * 40)
    code, text = call("accept", drafted, "--pack", sample.pack, *facts)
    assert (code, text) == (0, f"{drafted}: version 1 accepted as audited, line 1\n")
    again = ("--pack", sample.pack, "--model", "box-prior", "--promote")
    assert call("reproduce", drafted, *again)[0] == 0
    assert call("withdraw", drafted, "--reason", "a slip")[0] == 0
    ledger = (drafted.parent / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["tier"] for line in ledger] == ["audited", "re-run", "re-run"]
    assert [json.loads(line)["event"] for line in ledger] == ["accepted", "re-run", "withdrawn"]


def test_what_no_option_gave_is_asked_in_turn(sample: Sample, tmp_path: Path) -> None:
    """The card knows its licence and training data, so neither is asked."""
    answers = "Ann Lee:2002\nhttps://example.org/code\ny\n"
    out = tmp_path / "submissions" / "asked-boxes"
    words = ["submit", "new", str(sample.run), "--out", str(out), "--name", "Asked boxes"]
    result = CliRunner().invoke(group, words, input=answers, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert call("check", out, "--pack", sample.pack)[0] == 0
