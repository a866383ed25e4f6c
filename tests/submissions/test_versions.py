"""What leaves the ranking stays listed, with the reason, and can come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cosmos_board.core.errors import InputError
from cosmos_board.data.pack import open_pack
from cosmos_board.store.board import open_board
from cosmos_board.store.ledger_rows import LedgerTable, read_ledger_table
from cosmos_board.submissions import sample as sample_module
from cosmos_board.submissions.accepted import accept_submission
from cosmos_board.submissions.events import (
    quarantine_submission,
    renew_submission,
    restore_submission,
    withdraw_submission,
)
from cosmos_board.submissions.ledger import verify_ledger
from cosmos_board.submissions.rebuild import rebuild_board
from tests.submissions.samples import NOW, Sample

ANN = 2002


@pytest.fixture
def root(sample: Sample, tmp_path: Path) -> Path:
    """A submissions folder with one accepted entry."""
    sample.write(tmp_path, slug="careful-boxes")
    accept_submission(
        tmp_path / "submissions", "careful-boxes", sample.context,
        submitter=ANN, pull_request=1, head="a" * 40,
    )  # fmt: skip
    return tmp_path / "submissions"


def publish(root: Path, sample: Sample, out: Path) -> LedgerTable:
    rebuilt = rebuild_board(root, [open_pack(sample.pack)], out)
    with open_board(rebuilt.db) as connection:
        scores = connection.execute("SELECT count(*) FROM scores").fetchone()
        table = read_ledger_table(connection)
    assert scores is not None
    assert bool(scores[0]) == (table.rows[0].state == "shown")
    return table


def test_a_quarantined_entry_is_listed_with_the_reason_and_can_come_back(
    sample: Sample, root: Path, tmp_path: Path
) -> None:
    assert publish(root, sample, tmp_path / "a").rows[0].state == "shown"
    quarantine_submission(root, "careful-boxes", "the same masks as another model", NOW)
    (row,) = publish(root, sample, tmp_path / "b").rows
    assert (row.state, row.reason) == ("quarantined", "the same masks as another model")
    with pytest.raises(InputError, match="is not on the board"):
        quarantine_submission(root, "careful-boxes", "again", NOW)
    assert verify_ledger(root) == []
    restore_submission(root, "careful-boxes", NOW)
    (row,) = publish(root, sample, tmp_path / "c").rows
    assert (row.state, row.reason) == ("shown", "")
    with pytest.raises(InputError, match="is not quarantined"):
        restore_submission(root, "careful-boxes", NOW)


def test_a_withdrawn_entry_stays_listed(sample: Sample, root: Path, tmp_path: Path) -> None:
    withdraw_submission(root, "careful-boxes", "weights were wrong", NOW)
    (row,) = publish(root, sample, tmp_path / "a").rows
    assert (row.state, row.reason, row.track) == ("withdrawn", "weights were wrong", "core")


def test_rows_of_another_metric_leave_and_are_renewed_by_a_check(
    sample: Sample, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish(root, sample, tmp_path / "a")
    monkeypatch.setattr(sample_module, "METRICS_VERSION", 2)
    after = publish(root, sample, tmp_path / "b")
    assert before.benchmark != after.benchmark
    assert after.rows[0].state == "left-out"
    want = f"(got {before.benchmark}, want {after.benchmark})"
    assert after.rows[0].reason == f"benchmark: version: is another {want}"
    renew_submission(root, "careful-boxes", replace(sample.context))
    assert publish(root, sample, tmp_path / "c").rows[0].state == "shown"
