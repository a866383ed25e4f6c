from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import Effect
from cosmos_board.board.studies.trust import TrustRow, study_trust
from cosmos_board.cli.main import group
from cosmos_board.core.arrays import Floats
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard

CLUSTERS, EACH = 40, 6


def planted() -> tuple[StudyBoard, Floats]:
    """Two datasets of one target; the Dice of every mask, 15 % of them under 0.5."""
    board = StudyBoard(seed=3)
    for dataset in ("north", "south"):
        board.add_target("ct.liver", clusters=CLUSTERS, per_cluster=EACH, dataset=dataset)
    count = len(board.references)
    failing = board.rng.random(count) < 0.15
    dice = np.where(failing, board.rng.uniform(0.1, 0.4, count), board.rng.uniform(0.7, 1, count))
    return board, dice


def known(effect: Effect | None) -> Effect:
    assert effect is not None
    return effect


def bounds(effect: Effect) -> tuple[float, float]:
    assert effect.low is not None
    assert effect.high is not None
    return effect.low, effect.high


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TrustRow]:
    board, dice = planted()
    iou = dice / (2 - dice)
    scores = {
        "calibrated": iou,
        "overconfident": iou + (1 - iou) / 2,
        "constant": np.full(len(iou), 0.8),
        "inverted": 1 - iou,
        "silent": np.full(len(iou), np.nan),
        "always-1": np.ones(len(iou)),
    }
    for name, score in scores.items():
        board.add_model(name).add_scores(name, "box", dice, estimate=score)
    path = board.write(tmp_path_factory.mktemp("trust") / "b.duckdb")
    with open_board(path) as connection:
        return {row.model: row for row in study_trust(Cube(connection, ["dice"]))}


def test_a_calibrated_model_is_found_to_know_what_it_drew(rows: dict[str, TrustRow]) -> None:
    row = rows["calibrated"]
    failed = row.failed
    assert failed is not None
    assert failed.low < failed.value < failed.high
    share = failed.value

    assert known(row.bias).value == pytest.approx(0, abs=1e-4)
    assert known(row.calibration).value == pytest.approx(0, abs=1e-3)
    assert known(row.auroc).value == pytest.approx(1)
    assert known(row.review).value == pytest.approx(0.95 * share, abs=1e-3)
    assert known(row.risk_area).value < known(row.risk).value / 2
    for part in row.curve:
        assert part.iou.value == pytest.approx(part.score, abs=1e-3)


def test_an_overconfident_model_errs_by_half_of_what_its_masks_lack(
    rows: dict[str, TrustRow],
) -> None:
    _, dice = planted()
    lacking = float((1 - dice / (2 - dice)).mean()) / 2
    row = rows["overconfident"]

    assert known(row.bias).value == pytest.approx(lacking, abs=1e-3)
    assert known(row.calibration).value == pytest.approx(lacking, abs=1e-3)
    assert known(row.auroc).value == pytest.approx(1), "its order is right"
    assert bounds(known(row.bias))[0] > 0


def test_a_constant_score_finds_nothing(rows: dict[str, TrustRow]) -> None:
    row = rows["constant"]

    assert known(row.auroc).value == pytest.approx(0.5)
    assert bounds(known(row.auroc))[0] < 0.5
    assert known(row.review).value == pytest.approx(0.95)
    assert known(row.risk_area).value == pytest.approx(known(row.risk).value)


def test_an_inverted_score_ranks_failures_last(rows: dict[str, TrustRow]) -> None:
    row = rows["inverted"]

    assert known(row.auroc).value == pytest.approx(0, abs=1e-6)
    assert known(row.risk_area).value > known(row.risk).value
    assert bounds(known(row.review))[0] > 0.9


@pytest.mark.parametrize("name", ["silent", "always-1"])
def test_a_model_without_a_score_gives_none(name: str, rows: dict[str, TrustRow]) -> None:
    assert rows[name] == TrustRow(model=name, prompt="box", gives=False)


def test_calibration_carries_over_where_the_same_error_is_made_everywhere(
    rows: dict[str, TrustRow],
) -> None:
    over, good = known(rows["overconfident"].transfer), known(rows["calibrated"].transfer)

    assert bounds(over)[0] > 0
    assert good.value == pytest.approx(0, abs=2e-3)


def test_calibration_does_harm_where_another_dataset_has_the_opposite_error(
    tmp_path: Path,
) -> None:
    board, dice = planted()
    iou = dice / (2 - dice)
    away = np.where(board.references["dataset"] == "north", 0.1, -0.1)
    board.add_model("torn").add_scores("torn", "box", dice, estimate=iou + away)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        row = study_trust(Cube(connection, ["dice"]))[0]

    assert bounds(known(row.transfer))[1] < 0


def test_targets_and_clusters_of_unequal_size_weigh_the_same(tmp_path: Path) -> None:
    """Against scikit-learn with a weight for each mask."""
    board = StudyBoard(seed=5).add_target("ct.liver", clusters=12, per_cluster=9)
    board.add_target("ct.spleen", clusters=30, per_cluster=2)
    count = len(board.references)
    dice = board.rng.uniform(0.2, 1, count)
    noisy = np.clip(dice + board.rng.normal(0, 0.2, count), 0, 1).round(3)
    board.add_model("sam").add_scores("sam", "box", dice, estimate=noisy)
    with open_board(board.write(tmp_path / "b.duckdb", shuffle=1)) as connection:
        row = study_trust(Cube(connection, ["dice"]))[0]

    weight = np.where(board.references["target"] == "ct.liver", 1 / 12 / 9, 1 / 30 / 2) / 2
    expected = roc_auc_score(np.rint(dice * 1e6) < 5e5, -noisy, sample_weight=weight)
    assert known(row.auroc).value == pytest.approx(expected)
    assert known(row.bias).value == pytest.approx(
        np.average(noisy - dice / (2 - dice), weights=weight)
    )
    assert known(row.auroc).targets == 2
    assert known(row.auroc).clusters == 30


def test_under_ten_clusters_there_is_no_interval(tmp_path: Path) -> None:
    board = StudyBoard(seed=5).add_target("ct.liver", clusters=9)
    board.add_model("sam").add_scores("sam", "box", 0.8, estimate=0.9)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        row = study_trust(Cube(connection, ["dice"]))[0]

    assert known(row.bias).low is None
    assert known(row.calibration).low is None
    assert row.auroc is None, "nothing failed"


def test_the_terminal_says_who_gives_no_score_and_json_has_every_number(tmp_path: Path) -> None:
    board, dice = planted()
    board.add_model("sam").add_scores("sam", "box", dice, estimate=dice.round(2))
    board.add_model("cut").add_scores("cut", "box", dice, estimate=1.0)
    path = board.write(tmp_path / "b.duckdb")

    text = CliRunner().invoke(group, ["analyse", "trust", "--db", str(path)])
    found = CliRunner().invoke(group, ["analyse", "trust", "--db", str(path), "--json"])

    assert text.exit_code == 0
    assert "gives none" in text.stdout
    cut, sam = json.loads(found.stdout)
    assert cut["gives"] is False
    assert sam["auroc"]["low"] <= sam["auroc"]["value"] <= sam["auroc"]["high"]
    assert len(sam["curve"]) == 10
