"""`rank` prints boards as tables, JSON and CSV, whose columns scripts rely on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cosmos_board.cli.boards.board_rows import COLUMNS
from cosmos_board.cli.main import group
from cosmos_board.core.errors import InputError
from cosmos_board.metrics.table import METRICS
from tests.boards import PlantedModel, PlantedTarget, planted_board


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return planted_board(
        tmp_path / "board.duckdb",
        [
            PlantedModel(name="a", gap=0.02),
            PlantedModel(name="a2", dice=0.7),
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

    assert rank(db, "--json") == rank(db, "--format", "json")
    assert set(document) == {"caption", "rows"}
    assert [set(row) for row in document["rows"]] == [set(COLUMNS)] * 4
    assert document["rows"][0]["slice"] == "overall"
    assert {row["status"] for row in document["rows"]} == {
        "ranked",
        "incomplete: 1 of the 90 references of this slice have no answer",
        "incomplete: 1 of 90 answers on this slice failed",
    }  # fmt: skip


def test_a_board_is_made_for_each_target_that_is_asked_for(db: Path) -> None:
    call = ("--by", "target", "--selection", "oracle", "--format", "json")
    rows = json.loads(rank(db, *call))["rows"]

    assert [row["slice"] for row in rows] == ["target:ct.liver"] * 4 + ["target:ct.spleen"] * 4
    assert {row["selection"] for row in rows} == {"oracle"}


def test_a_model_name_cannot_become_a_formula(db: Path) -> None:
    lines = rank(db, "--format", "csv").splitlines()

    assert lines[0] == ",".join(COLUMNS)
    assert any(line.startswith("'=c,overall,box,") for line in lines)


@pytest.mark.parametrize("command", ["rank", "compare", "plan"])
def test_help_offers_the_metrics_that_a_command_takes_and_no_others(command: str, db: Path) -> None:
    options = {
        "rank": ["--by", "target"],
        "compare": ["a", "a2"],
        "plan": ["--difference", "0.05"],
    }[command]
    help_text = CliRunner().invoke(group, [command, "--help"]).output
    for metric in METRICS.values():
        call = [command, *options, "--db", str(db), "--metric", metric.name]
        taken = metric.ranked or "--metric" not in str(CliRunner().invoke(group, call).exception)
        assert bool(re.search(rf"\b{metric.name}\b", help_text)) == taken, metric.name


def test_a_board_can_rest_on_some_datasets_alone(tmp_path: Path) -> None:
    targets = [
        PlantedTarget(name="ct.liver", dataset="one"), PlantedTarget(name="ct.liver", dataset="two")
    ]  # fmt: skip
    db = planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a", datasets=["one"]), PlantedModel(name="b")],
        targets,
    )

    assert "a: no rank on boards that rest on two, for want of answers there" in rank(db)
    rows = json.loads(rank(db, "--dataset", "one", "--format", "json"))["rows"]
    assert [(row["status"], row["references"]) for row in rows] == [("ranked", 24)] * 2
    with pytest.raises(InputError, match=r"--dataset: name: unknown name \(got 'three'"):
        rank(db, "--dataset", "three")


def test_a_model_that_was_trained_on_a_part_says_on_what_its_score_rests(tmp_path: Path) -> None:
    targets = [
        PlantedTarget(name=name, dataset=dataset, clusters=clusters)
        for name, dataset, clusters in (
            ("ct.liver", "seen", 12), ("ct.spleen", "seen", 5), ("mr.brain", "new", 12),
            ("mr.heart", "new", 5), ("mr.liver", "new", 6),
        )
    ]  # fmt: skip
    models = [PlantedModel(name="a"), PlantedModel(name="b", training_data=["seen"])]
    text = rank(planted_board(tmp_path / "board.duckdb", models, targets))

    assert "the ones with at least 10 clusters it was not trained on" in text
    (line,) = (line for line in text.splitlines() if line.split()[:1] == ["b"] and "of 5" in line)
    assert re.match(r" *b +40 % of 5 targets +1 +0\.\d{3}", line)


def test_a_prompt_without_scores_is_refused_in_one_line(db: Path) -> None:
    with pytest.raises(InputError, match="has no scores"):
        rank(db, "--prompt", "point")


def test_one_tier_is_ranked_as_if_the_others_were_not_there(tmp_path: Path) -> None:
    targets = [PlantedTarget(name="ct.liver", dataset="one", clusters=15)]
    again = [PlantedModel(name="a", dice=0.7), PlantedModel(name="zeta", dice=0.9)]
    told = [PlantedModel(name="c", dice=0.95, tier="self-reported")]
    both = planted_board(tmp_path / "both.duckdb", [*again, *told], targets)
    alone = planted_board(tmp_path / "alone.duckdb", again, targets)

    assert rank(both, "--tier", "re-run", "--format", "json") == rank(alone, "--format", "json")
    rows = json.loads(rank(both, "--tier", "self-reported", "--format", "json"))["rows"]
    assert [row["model"] for row in rows] == ["c"]
    assert "zeta" in rank(both)
    assert "zeta" not in rank(both, "--tier", "self-reported"), "it was run, under another tier"
    with pytest.raises(InputError, match=r"has no scores .*want re-run or self-reported"):
        rank(both, "--tier", "audited")


def test_of_a_model_that_was_run_twice_the_run_of_the_tier_counts(tmp_path: Path) -> None:
    db = planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a", dice=0.6, missing=1)],
        [PlantedTarget(name="ct.liver", dataset="one", clusters=15)],
    )
    with duckdb.connect(str(db)) as connection:
        connection.execute(
            "INSERT INTO runs"
            " SELECT * REPLACE ('told' AS run_id, 'self-reported' AS tier) FROM runs"
        )
        connection.execute(
            "INSERT INTO scores SELECT * REPLACE ('told' AS run_id, tp + fn AS tp, 0 AS fp,"
            " 0 AS fn) FROM scores"
        )

    found = {
        tier: json.loads(rank(db, "--tier", tier, "--format", "json"))["rows"][0]["score"]
        for tier in ("re-run", "self-reported")
    }
    assert found["self-reported"] == 1
    assert found["re-run"] == pytest.approx(0.6, abs=0.05)


def test_held_out_sets_have_boards_of_their_own(tmp_path: Path) -> None:
    db = planted_board(
        tmp_path / "board.duckdb",
        [PlantedModel(name="a")],
        [PlantedTarget(name="ct.liver", dataset=name) for name in ("han-seg", "somewhere-else")],
    )

    (row,) = json.loads(rank(db, "--by", "held-out", "--format", "json"))["rows"]

    assert (row["slice"], row["references"]) == ("held-out:volumes", 24)
