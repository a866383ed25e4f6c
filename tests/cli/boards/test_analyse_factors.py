"""`analyse factors` as scripts and people read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from tests.study_boards import StudyBoard


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    board = StudyBoard(seed=8).add_target("ct.liver", clusters=20, per_cluster=5)
    board.add_target("ct.spleen", clusters=6, per_cluster=5, dataset="south").add_model("sam")
    board.add_scores("sam", "box", lambda r: 0.9 - 0.02 * r["boundary_complexity"])
    board.add_model("few").add_scores(
        "few", "box", lambda r: 0.8 - 1e-5 * r["size_px"], rows=lambda r: r["dataset"] == "south"
    )
    return board.write(tmp_path_factory.mktemp("analyse") / "board.duckdb")


def say(*arguments: object) -> str:
    result = CliRunner().invoke(group, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_json_has_one_level_with_the_interval_and_what_could_have_been_shown(db: Path) -> None:
    rows = json.loads(say("analyse", "factors", "--db", db, "--json"))

    wanted = [row for row in rows if row["model"] == "sam" and "efd_order" not in row["given"]]
    by_name = {row["factor"]: row for row in wanted if row["selection"] == "predicted"}
    boundary, position = by_name["boundary_complexity"], by_name["position"]
    assert boundary["rho"] == pytest.approx(-1.0)
    assert boundary["prompt"] == "box"
    assert boundary["p"] == 0.0
    assert "size_px" not in by_name  # nothing is left of Dice, the boundary held fixed
    assert position["low"] < position["rho"] < position["high"]
    assert (position["targets"], position["clusters"], position["references"]) == (2, 26, 130)
    assert 0.05 < position["detectable"] < 0.6


def test_few_clusters_are_null_in_json_and_a_dash_in_the_table(db: Path) -> None:
    rows = json.loads(say("analyse", "factors", "--db", db, "--json"))

    few = [row for row in rows if row["model"] == "few"]
    assert few
    for row in few:
        assert [row[name] for name in ("low", "high", "p", "detectable")] == [None] * 4
    said = say("analyse", "factors", "--db", db)
    assert "detectable" in said
    assert "–" in said
