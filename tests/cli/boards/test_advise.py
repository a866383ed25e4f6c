"""`cosmos-board advise`, as scripts and people read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.boards.advise import command
from tests.study_boards import StudyBoard

PROMISED = (
    *("model", "prompt", "expected", "low", "high", "failure", "failure_low", "failure_high"),
    *("alternatives", "verdict"),
)


def ask(board: StudyBoard, folder: Path, *options: str) -> str:
    path = folder / "b.duckdb"
    if not path.exists():
        board.write(path)
    asked = ["--db", str(path), "--modality", "ct", "--object", "liver", *options]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def plant(clusters: int, *, box: float = 0.9) -> StudyBoard:
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=clusters)
    board.add_model("sam").add_model("box-prior", kind="baseline").add_model("grabcut")
    board.add_scores("sam", "box", lambda r: box + 0.02 * r["effect"].clip(-2, 2))
    board.add_scores("sam", "point", lambda r: 0.6 + 0.02 * r["effect"].clip(-2, 2))
    board.add_scores("box-prior", "box", 0.55).add_scores("grabcut", "box", 0.7)
    return board


def test_the_document_holds_what_scripts_rely_on(tmp_path: Path) -> None:
    document = json.loads(ask(plant(20), tmp_path, "--json"))

    assert set(PROMISED) <= set(document)
    assert (document["model"], document["prompt"]) == ("sam", "box")
    assert document["verdict"] == "advised"
    assert document["low"] < document["expected"] < document["high"]
    assert (document["failure"], document["failure_low"]) == (0, 0)
    assert document["failure_high"] == pytest.approx(0.168, abs=0.001)
    (point,) = document["alternatives"]
    assert (point["model"], point["prompt"], point["verdict"]) == ("sam", "point", "worse")
    assert point["low"] <= point["difference"] <= point["high"] < 0
    assert point["mean"] == pytest.approx(document["options"][0]["mean"] + point["difference"])


def test_less_work_is_told_with_its_cost_and_no_share_stands_without_an_interval(
    tmp_path: Path,
) -> None:
    lines = ask(plant(20), tmp_path).splitlines()

    assert lines[0] == "liver in ct (20 clusters): advised"
    assert "use sam with box" in lines
    assert any(line.startswith("less work: sam with point: −0.300") and "worse" in line
               for line in lines)  # fmt: skip
    assert sum("the verdict rests on the interval without that" in line for line in lines) == 1
    for line in lines:
        assert "%" not in line or "95 % interval" in line


@pytest.mark.parametrize(
    ("clusters", "box", "verdict"),
    [
        (9, 0.9, "too few clusters to recommend a model"),
        (20, 0.71, "no tested model is adequate for this target"),
        (20, 0.45, "no tested model is adequate for this target"),
    ],
    ids=["nine clusters", "as good as a frozen baseline", "below one half"],
)
def test_where_nothing_is_recommended_nothing_is_named(
    clusters: int, box: float, verdict: str, tmp_path: Path
) -> None:
    board = plant(clusters, box=box)
    document = json.loads(ask(board, tmp_path, "--json"))
    said = ask(board, tmp_path)

    assert document["verdict"] == verdict
    assert {document[name] for name in PROMISED[:8]} == {None}
    assert document["alternatives"] == []
    assert verdict in said
    assert "use " not in said
    assert "best" not in said
    assert "grabcut" not in said


def test_a_model_alone_has_no_choice_and_less_work_was_not_scored(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=12).add_model("sam")
    board.add_scores("sam", "point", lambda r: 0.8 + 0.02 * r["effect"])

    said = ask(board, tmp_path)
    assert "allows for the choice" not in said
    assert "less work: no prompt of fewer clicks was scored" in said
