"""`compare` says why a printed interval reaches further than the verdict beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.boards.compare import command
from tests.study_boards import StudyBoard

REASON = "the interval also allows for one more failed patient"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a board on which one model is ahead by 0.03, on 50 clusters that hardly vary."""
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=50)
    for name, dice in (("ahead", 0.73), ("behind", 0.70), ("far", 0.2)):
        board.add_model(name)
        board.add_scores(name, "box", dice + 0.001 * board.references["effect"].to_numpy())
    path = tmp_path_factory.mktemp("compare") / "b.duckdb"
    board.write(path)
    return path


def ask(database: Path, *options: str) -> str:
    result = CliRunner().invoke(command, [*options, "--db", str(database)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_verdict_that_the_interval_reaches_past_has_its_reason(database: Path) -> None:
    document = json.loads(ask(database, "ahead", "behind", "--json"))

    for row in (document, *document["targets"]):
        assert row["verdict"] == "better"
        assert row["low"] < 0 < row["difference"]
        assert row["note"].startswith(REASON)
    lines = ask(database, "ahead", "behind").splitlines()
    assert sum("better *" in line for line in lines) == 2
    assert sum(line.startswith(f"* {REASON}") for line in lines) == 1


def test_a_verdict_that_its_interval_shows_needs_none(database: Path) -> None:
    document = json.loads(ask(database, "ahead", "far", "--json"))

    assert document["verdict"] == "better"
    assert document["low"] > 0.01
    assert document["note"] is None
    assert REASON not in ask(database, "ahead", "far")
