"""The submissions that come with the repository are right, and new versions say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.submissions.checks.check import check_submission
from cosmos_board.submissions.format.manifest import MANIFEST, parse_manifest
from cosmos_board.submissions.history.decisions import parse_decisions

ROOT = Path(__file__).parents[2] / "submissions"
OURS = ("cosmos-tiny", "grabcut", "random-walker")
"""Others are strangers' files, which are read by jobs that install from the lock alone."""


@pytest.mark.parametrize("slug", OURS)
def test_nothing_refuses_one_of_our_own(slug: str) -> None:
    assert {problem.disposition for problem in check_submission(ROOT / slug)} <= {"held"}
    manifest, _ = parse_manifest((ROOT / slug / MANIFEST).read_bytes(), slug)
    assert manifest is not None
    assert {author.github_id for author in manifest.authors} == {0}


def test_the_decisions_can_be_read() -> None:
    assert parse_decisions((ROOT / "decisions.toml").read_bytes()).decisions == []
