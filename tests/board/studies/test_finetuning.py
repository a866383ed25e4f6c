"""Fine-tuning: what it gains on clusters that training has not seen."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cosmos_board.board.compare import compare
from cosmos_board.board.cube import Cube
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.finetuning import study_finetuning
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.cards import ALL_CLUSTERS
from tests.study_boards import StudyBoard

NO_RECORD = Message.of("unknown-training-clusters", model="sam-tuned", dataset="north")


def open_cube(board: StudyBoard, folder: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return open_board(board.write(folder / "b.duckdb"))


def finetuned(seen: int, trained: list[str] | None) -> StudyBoard:
    """A model that learnt its `seen` clusters by heart and gained 0.05 elsewhere."""
    board = StudyBoard(seed=7).add_target("ct.liver", clusters=30, per_cluster=1)
    board.add_model("sam").add_model("sam-tuned", base_model="sam", training_data=trained)
    board.add_scores("sam", "box", lambda r: 0.8 + 0.02 * r["effect"])
    board.add_scores(
        "sam-tuned",
        "box",
        lambda r: np.where(np.arange(30) < seen, 1.0, 0.85 + 0.02 * r["effect"]),
    )
    board.seen = [("sam-tuned", "north", f"c{cluster:04}") for cluster in range(seen)]
    return board


def test_gain_counts_only_clusters_that_training_has_not_seen(tmp_path: Path) -> None:
    with open_cube(finetuned(12, ["north"]), tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))

    row = next(row for row in study.rows if row.target == "" and row.selection == "oracle")
    assert (row.model, row.against) == ("sam-tuned", "sam")
    assert row.difference.value == pytest.approx(0.05, abs=1e-5)
    assert row.difference.clusters == 18
    assert study.unusable == ()
    # One more failure among 19 clusters is worth 0.85 / 19, which leaves less than 0.01.
    assert (row.verdict, row.held_back) == ("not separated", True)
    assert row.difference.detectable == pytest.approx(0.01 + 0.85 / 19, abs=0.002)


def test_a_gain_that_one_more_failure_would_not_undo_is_better(tmp_path: Path) -> None:
    board = StudyBoard(seed=7).add_target("ct.liver", clusters=30).add_target("ct.kidney")
    board.add_target("ct.lesion", clusters=9)
    board.add_model("sam").add_model("sam-tuned", base_model="sam", training_data=[])
    board.add_scores("sam", "box", 0.7)
    gain = {"ct.liver": 0.15, "ct.kidney": 0.15, "ct.lesion": -0.5}
    board.add_scores("sam-tuned", "box", 0.7 + board.references["target"].map(gain).to_numpy(float))

    with open_cube(board, tmp_path) as connection:
        rows = study_finetuning(Cube(connection, ["dice"])).rows
    found = {row.target: row for row in rows if row.selection == "oracle"}
    assert {name: row.verdict for name, row in found.items()} == {
        "": "better", "ct.liver": "better", "ct.kidney": "better", "ct.lesion": "not tested"
    }  # fmt: skip
    assert found[""].difference.value == pytest.approx(0.15)
    assert (found[""].difference.targets, found[""].difference.left_out) == (2, 1)
    assert found["ct.lesion"].difference.value == pytest.approx(-0.5)
    assert found["ct.lesion"].difference.low is None


def test_a_dataset_trained_on_without_a_record_of_clusters_is_left_out(tmp_path: Path) -> None:
    with open_cube(finetuned(0, ["north"]), tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))

    assert study.rows == ()
    assert study.unusable == (NO_RECORD,)


def test_a_model_that_does_not_say_what_it_saw_is_not_measured(tmp_path: Path) -> None:
    with open_cube(finetuned(0, None), tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))

    assert study.rows == ()
    assert study.unusable == (Message.of("unknown-training-datasets", model="sam-tuned"),)


def test_what_came_on_top_of_an_unknown_base_is_on_record(tmp_path: Path) -> None:
    with open_cube(finetuned(12, None), tmp_path) as connection:
        cube = Cube(connection, ["dice"])
        study = study_finetuning(cube)

    row = next(row for row in study.rows if row.target == "" and row.selection == "oracle")
    assert row.difference.clusters == 18
    assert cube.exposures["sam-tuned", "north"] == "trained-on"


def test_clusters_numbered_otherwise_all_count_as_seen(tmp_path: Path) -> None:
    board = finetuned(0, ["north"])
    board.seen = [("sam-tuned", "north", ALL_CLUSTERS)]

    with open_cube(board, tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))
    assert study.rows == ()
    assert study.unusable == (NO_RECORD,)


def test_a_base_without_scores_is_named(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("tuned", base_model="gone")
    board.add_scores("tuned", "box", 0.9)

    with open_cube(board, tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))
    assert study.unusable == (Message.of("base-without-scores", model="tuned", base="gone"),)


def test_a_study_and_a_comparison_give_one_difference_one_interval(tmp_path: Path) -> None:
    """Targets of other datasets have clusters of their own: each is scaled by its own number."""
    board = StudyBoard(seed=9)
    for number in range(3):
        board.add_target(f"ct.organ-{number}", clusters=10, dataset=f"site-{number}")
    board.add_model("sam").add_model("sam-tuned", base_model="sam", training_data=[])
    for name, gain in (("sam", 0.0), ("sam-tuned", 0.02)):
        extra = gain + np.random.default_rng(int(100 * gain)).normal(size=60) / 50
        board.add_scores(name, "box", 0.7 + extra + 0.05 * board.references["effect"])

    with open_cube(board, tmp_path) as connection:
        cube = Cube(connection, ["dice"])
        (row,) = (
            row
            for row in study_finetuning(cube).rows
            if (row.target, row.prompt, row.selection) == ("", "box", "predicted")
        )
        overall = compare(cube, "sam-tuned", "sam", prompt="box").overall

    assert overall is not None
    assert row.difference.value == pytest.approx(overall.difference, abs=1e-9)
    assert row.difference.low == pytest.approx(overall.low, rel=1e-3)
    assert row.difference.high == pytest.approx(overall.high, rel=1e-3)


def test_models_are_compared_only_where_both_answered_everything(tmp_path: Path) -> None:
    board = StudyBoard(seed=5).add_target("ct.liver", clusters=20)
    board.add_model("sam").add_model("sam-tuned", base_model="sam", training_data=[])
    board.add_scores("sam", "box", 0.5)
    missing = np.arange(40) >= 3
    board.add_scores("sam-tuned", "box", 0.9, rows=lambda r: missing)

    with open_cube(board, tmp_path) as connection:
        row = study_finetuning(Cube(connection, ["dice"])).rows[0]
    assert row.difference.clusters == 18
