"""Each hostile submission of the corpus gets its disposition: one line, quickly, no traceback."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cosmos_board.data.pack import open_pack
from cosmos_board.submissions.format.manifest import parse_manifest
from cosmos_board.submissions.problems import Problem
from cosmos_board.submissions.pull_request import Report
from cosmos_board.submissions.scoring.score import score_submission
from tests.shared import SHARED
from tests.submissions.drafts import draft_manifest, to_toml
from tests.submissions.hostile import CASES
from tests.submissions.hostile_folders import FOLDERS, MANIFESTS
from tests.submissions.hostile_parquet import PARQUET
from tests.submissions.hostile_strings import FIELDS, STRINGS
from tests.submissions.samples import Sample

SLOWEST_S = 10.0
CORPUS = SHARED / "research" / "hostile-cases.json"


ALL = {**CASES, **FOLDERS, **MANIFESTS, **PARQUET}


@pytest.mark.parametrize("name", sorted(ALL))
def test_hostile_case(name: str, sample: Sample, tmp_path: Path) -> None:
    case = ALL[name]
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
"""Cases with a test of their own, here, in `test_changes.py` or with the platform; O06 and O07 in
`test_copies.py`. X04, X05 and X06 were attacks on a report that a job left for another: there is
none now, so nothing to poison."""


@pytest.mark.skipif(not CORPUS.is_file(), reason="the corpus is not on this machine")
def test_every_case_of_the_corpus_is_here() -> None:
    listed = {case["id"] for case in json.loads(CORPUS.read_text())}
    assert listed == CASES.keys() | ELSEWHERE


@pytest.mark.parametrize("field", FIELDS)
def test_no_hostile_string_passes_in_any_field_of_text(field: str) -> None:
    passed = []
    for name, text in STRINGS.items():
        fields = draft_manifest(**{field: text})
        manifest, problems = parse_manifest(to_toml(fields), "submissions/a/submission.toml")
        if manifest is not None:
            passed.append(name)
            continue
        place = field.replace("__0__", "[0].").replace("__", ".")
        assert str(problems[0]).startswith(f"submissions/a/submission.toml: {place}: ")
    assert passed == []


def test_r19_copied_references_are_held_and_never_more_than_audited(
    sample: Sample, tmp_path: Path
) -> None:
    lines = CASES["R18"].make(sample, tmp_path)
    assert "held for review" in lines[0]
    folder = sample.write(tmp_path / "honest", slug="careful-boxes", tier="re-run")
    scored = score_submission(folder, [open_pack(sample.pack)], tmp_path / "honest run")
    assert json.loads((scored.run / "run.json").read_text())["tier"] == "audited"


def test_words_of_a_report_stay_inside_its_fence() -> None:
    lines = ("a ``` b", "```` @everyone", "<script>", "\u202ex")
    text = Report([Problem("", "", line) for line in lines]).write().splitlines()
    first, last = (number for number, line in enumerate(text) if line.startswith("```"))
    assert text[first + 1 : last] == ["a ''' b", "'''' @everyone", "<script>", "\\u202ex"]
