"""`runs` lists what is in a database, and removes exactly what is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from cosmos_board.store.removal import list_runs
from tests.boards import PlantedModel, PlantedTarget, planted_board


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a"), PlantedModel(name="b", track="core", tier="audited")],
        [
            PlantedTarget(name="ct.liver", dataset="one"),
            PlantedTarget(name="ct.lung", dataset="two"),
        ],
    )


def call(*arguments: object) -> str:
    result = CliRunner().invoke(group, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_list_says_what_each_run_is(db: Path) -> None:
    found = json.loads(call("runs", "list", "--db", db, "--json"))

    assert [(run["run_id"], run["track"], run["tier"], run["rows"]) for run in found] == [
        ("a/one", "full", "re-run", 48), ("a/two", "full", "re-run", 48),
        ("b/one", "core", "audited", 48), ("b/two", "core", "audited", 48),
    ]  # fmt: skip
    assert "a/one" in call("runs", "list", "--db", db)


def test_a_run_is_removed_by_its_exact_id(db: Path) -> None:
    said = call("runs", "remove", "a/one", "b/one", "--db", db)

    assert "removed 96 rows of 2 runs, 0 models and 1 datasets" in said
    assert [run.run_id for run in list_runs(db)] == ["a/two", "b/two"]


@pytest.mark.parametrize("wrong", ["a", "a/%", "A/one", ""])
def test_one_wrong_id_removes_nothing(db: Path, wrong: str) -> None:
    with pytest.raises(InputError, match="unknown name"):
        CliRunner().invoke(
            group, ["runs", "remove", "a/one", wrong, "--db", str(db)], catch_exceptions=False
        )
    assert len(list_runs(db)) == 4


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.duckdb"

    with pytest.raises(InputError, match="does not exist"):
        CliRunner().invoke(
            group, ["runs", "remove", "x", "--db", str(path)], catch_exceptions=False
        )
    assert not path.exists()
