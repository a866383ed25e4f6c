"""The submissions that come with the repository are as they were accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.submissions.check import check_submission
from cosmos_board.submissions.ledger import find_current, read_ledger, verify_ledger

ROOT = Path(__file__).parents[2] / "submissions"
ENTRIES = find_current(read_ledger(ROOT)[0])


def test_every_folder_is_in_the_ledger_and_unaltered() -> None:
    assert verify_ledger(ROOT) == []
    assert {entry.slug for entry in ENTRIES} == {
        path.name for path in ROOT.iterdir() if path.is_dir()
    }


@pytest.mark.parametrize("slug", [entry.slug for entry in ENTRIES])
def test_nothing_refuses_one_of_our_own(slug: str) -> None:
    assert {problem.disposition for problem in check_submission(ROOT / slug)} <= {"held"}
