from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from cosmos_board.store.records import dump_record
from cosmos_board.submissions.history.decisions import parse_decisions
from tests.packs import phantom_pack as phantom_pack
from tests.submissions.conftest import sample as sample
from tests.submissions.repositories import make_repository
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
    assert {(row["rank"], row["status"]) for row in rows} == {(None, "too-few-clusters")}
    caption, *lines = call("score", drafted, *pack)[1].splitlines()
    assert "mean over the targets with 10 clusters" in caption
    assert len(lines) == len(rows)
    code, text = call("reproduce", drafted, *pack, "--model", "box-prior")
    assert code == 0
    assert "re-run: the scores are the model's (72 of 72 rows equal" in text


def test_a_refused_submission_leaves_with_1_and_one_line_a_problem(
    sample: Sample, drafted: Path
) -> None:
    (drafted / "README.md").write_text("<script>")
    (drafted / "submission.toml").write_text("a = *b")
    code, text = call("check", drafted, "--pack", sample.pack)
    assert code == 1
    assert text.splitlines() == [
        "submissions/careful-boxes/README.md: file name not in the allowed set",
        "submissions/careful-boxes/submission.toml: no TOML: invalid value (at line 1, column 5)",
    ]


def test_another_model_does_not_reproduce_it(sample: Sample, drafted: Path) -> None:
    code, text = call("reproduce", drafted, "--pack", sample.pack, "--model", "grabcut", "--json")
    assert code == 1
    assert json.loads(text)["agrees"] is False


def test_a_maintainer_adds_a_decision_on_what_landed(drafted: Path) -> None:
    root = drafted.parent
    words = ("--word", "withdrawn", "--who", 1001, "--why", 'a slip, "honest"', "--root", root)
    make_repository(root.parent)
    code, text = call("decide", "careful-boxes", *words)
    assert (code, text) == (
        0,
        f"{root}/decisions.toml: careful-boxes version 1 withdrawn; propose it to main\n",
    )
    (decision,) = parse_decisions((root / "decisions.toml").read_bytes()).decisions
    assert (decision.slug, decision.version, decision.why) == (
        "careful-boxes", 1, 'a slip, "honest"',
    )  # fmt: skip
    assert call("decide", "nobody", *words)[0] == 2


def test_a_decision_that_cannot_be_leaves_the_file_as_it_is(drafted: Path) -> None:
    root = drafted.parent
    make_repository(root.parent)
    words = ["submit", "decide", "careful-boxes", "--word", "withdrawn", "--who", "1"]
    result = CliRunner().invoke(group, [*words, "--why", "<script>", "--root", str(root)])
    assert isinstance(result.exception, InputError)
    assert "character '<' not allowed" in str(result.exception)
    assert not (root / "decisions.toml").exists()


def test_what_no_option_gave_is_asked_in_turn(sample: Sample, tmp_path: Path) -> None:
    """The card knows its licence and training data, so neither is asked."""
    answers = "Ann Lee:2002\nhttps://example.org/code\ny\n"
    out = tmp_path / "submissions" / "asked-boxes"
    words = ["submit", "new", str(sample.run), "--out", str(out), "--name", "Asked boxes"]
    result = CliRunner().invoke(group, words, input=answers, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert call("check", out, "--pack", sample.pack)[0] == 0


def ask(sample: Sample, out: Path, answers: str, *words: str) -> Result:
    options = ["--name", "Asked boxes", "--trained-on", "none", *words]
    given = ["submit", "new", str(sample.run), "--out", str(out), *options]
    return CliRunner().invoke(group, given, input=answers)


def test_a_wrong_answer_is_asked_again_with_the_reason(sample: Sample, tmp_path: Path) -> None:
    answers = [
        "Ann Lee", "Ann Lee:2002",
        "example.org", "https://example.org/code",
        "y",
    ]  # fmt: skip
    result = ask(sample, tmp_path / "submissions" / "asked-boxes", "\n".join(answers))
    assert result.exit_code == 0, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert errors == [
        "Error: 'Ann Lee': want NAME:GITHUB-ID; the number is at"
        " https://api.github.com/users/LOGIN",
        "Error: no scheme, want https",
    ]
    assert result.stderr.count("Author (NAME:GITHUB-ID)") == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--author", "Ann Lee"), "--author: 'Ann Lee': want NAME:GITHUB-ID"),
        (("--licence", "mine"), "--licence: 'mine' is not an SPDX identifier"),
        (("--contact", "ann"), "--contact: want an e-mail address or an https address"),
        (("--code-url", "http://a.org"), "--code-url: scheme 'http' not allowed, want https"),
        (("--weights", "pth"), "--weights: 'pth' unknown"),
        (("--trained-on", "camus"), "--trained-on: 'none' stands alone"),
        ((), "--author: was not given, and nobody is there to ask"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_asked(
    words: tuple[str, ...], says: str, sample: Sample, tmp_path: Path
) -> None:
    result = ask(sample, tmp_path / "submissions" / "asked-boxes", "", *words)
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 1
    assert str(result.exception).startswith(says)
    assert not (tmp_path / "submissions").exists()


def test_who_does_not_accept_the_terms_writes_nothing(sample: Sample, tmp_path: Path) -> None:
    out = tmp_path / "submissions" / "asked-boxes"
    words = ("--author", "Ann Lee:2002", "--code-url", "https://example.org", "--licence", "MIT")
    result = ask(sample, out, "n\n", *words)
    assert str(result.exception).startswith("--accept-terms: was answered with no")
    assert not out.exists()


def test_a_draft_is_not_overwritten_unasked(sample: Sample, drafted: Path) -> None:
    before = (drafted / "submission.toml").read_bytes()
    words = ("--author", "Bob:3003", "--code-url", "https://example.org", "--accept-terms")
    result = ask(sample, drafted, "", *words)
    want = f"{drafted}: holds a submission already (want --replace, or another folder)"
    assert str(result.exception) == want
    assert (drafted / "submission.toml").read_bytes() == before

    assert ask(sample, drafted, "", *words, "--replace").exit_code == 0
    assert b"Bob" in (drafted / "submission.toml").read_bytes()


def test_training_data_that_is_matched_with_nothing_is_said_by_new_and_by_check(
    sample: Sample, tmp_path: Path
) -> None:
    out = tmp_path / "submissions" / "asked-boxes"
    words = ["submit", "new", str(sample.run), "--out", str(out), "--name", "Asked boxes"]
    words += ["--author", "Ann Lee:2002", "--code-url", "https://example.org", "--accept-terms"]
    result = CliRunner().invoke(group, [*words, "--trained-on", "camuss"], catch_exceptions=False)
    why = "'camuss' is not in the catalog, so matched with no dataset (nearest: camus)"
    assert result.stderr == f"--trained-on: {why}; allowed, as other training data\n"

    words = ["submit", "check", str(out), "--pack", str(sample.pack)]
    result = CliRunner().invoke(group, words, catch_exceptions=False)
    place = "submissions/asked-boxes/submission.toml: other_training_data"
    assert (result.exit_code, result.stdout) == (0, f"note: {place}: {why}\n")
    assert result.stderr == f"{out}: right\n"


def test_of_a_run_that_cannot_be_submitted_nothing_is_asked(sample: Sample, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(sample.run, run)
    record = json.loads((run / "run.json").read_text())
    record["settings"]["save_masks"] = False
    (run / "run.json").write_bytes(dump_record(record))
    words = ["submit", "new", str(run), "--out", str(tmp_path / "asked-boxes")]
    result = CliRunner().invoke(group, words)
    assert str(result.exception) == (
        f"{run}: predictions: were not kept; evaluate with --save-masks"
    )
    assert result.stderr == ""


def test_a_full_draft_names_the_check_that_reads_its_files(sample: Sample, tmp_path: Path) -> None:
    out, upload = tmp_path / "submissions" / "asked-boxes", tmp_path / "upload"
    words = ["--author", "Ann Lee:2002", "--code-url", "https://example.org", "--accept-terms"]
    words += ["--track", "counts", "--files", str(upload)]
    url = "https://zenodo.org/records/1/files"
    result = ask(sample, out, "", *words, "--files-url", url)
    assert result.exit_code == 0, result.output
    *_, command = result.stdout.strip().partition("cosmos-board submit ")
    assert command == f"check {out} --external {upload}"
    assert call(*command.split(), "--pack", sample.pack) == (0, f"{out}: right\n")
