"""`rank` prints boards as tables, JSON and CSV, whose columns scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.boards.rank import COLUMNS
from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return planted_board(
        tmp_path / "board.duckdb",
        [
            PlantedModel(name="a", gap=0.02),
            PlantedModel(name="b", dice=0.78, failed=1, training_data=None),
            PlantedModel(name="=c", dice=0.6, missing=1),
        ],
        [
            PlantedTarget(name="ct.liver", dataset="one", clusters=15, references=3),
            PlantedTarget(name="ct.spleen", dataset="one", clusters=15, references=3),
        ],
    )


def rank(db: Path, *arguments: str) -> str:
    call = ["rank", "--db", str(db), *arguments]
    result = CliRunner().invoke(group, call, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_keeps_its_contract(db: Path) -> None:
    document = json.loads(rank(db, "--format", "json"))

    assert set(document) == {"caption", "rows"}
    assert [set(row) for row in document["rows"]] == [set(COLUMNS)] * 3
    assert document["rows"][0]["slice"] == "overall"
    assert {row["status"] for row in document["rows"]} == {
        "ranked", "incomplete", "incomplete: 1 of 90 answers failed"
    }  # fmt: skip


def test_a_board_is_made_for_each_target_that_is_asked_for(db: Path) -> None:
    call = ("--by", "target", "--selection", "oracle", "--format", "json")
    rows = json.loads(rank(db, *call))["rows"]

    assert [row["slice"] for row in rows] == ["target:ct.liver"] * 3 + ["target:ct.spleen"] * 3
    assert {row["selection"] for row in rows} == {"oracle"}


def test_a_model_name_cannot_become_a_formula(db: Path) -> None:
    lines = rank(db, "--format", "csv").splitlines()

    assert lines[0] == ",".join(COLUMNS)
    assert any(line.startswith("'=c,overall,box,") for line in lines)


def test_a_prompt_without_scores_is_refused_in_one_line(db: Path) -> None:
    with pytest.raises(InputError, match="has no scores"):
        rank(db, "--prompt", "point")
