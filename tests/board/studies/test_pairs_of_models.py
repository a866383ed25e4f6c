"""Model size, everything mode and fine-tuning: the studies that take one Dice off another."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.cohort import find_exposures
from cosmos_board.board.ranking.compare import compare
from cosmos_board.board.studies.everything import study_everything
from cosmos_board.board.studies.finetuning import study_finetuning
from cosmos_board.board.studies.model_size import study_model_size
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.cards import ALL_CLUSTERS
from tests.study_boards import SIX, StudyBoard


def open_cube(board: StudyBoard, folder: Path) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return open_board(board.write(folder / "b.duckdb"))


def two_sizes() -> StudyBoard:
    board = StudyBoard(seed=4).add_targets(3)
    board.add_model("sam-vit-b", parameters=91_000_000)
    board.add_model("sam-vit-h", parameters=636_000_000)
    board.add_model("other", parameters=5, family="other")
    for prompt in SIX:
        board.add_scores("sam-vit-b", prompt, lambda r: 0.7 + 0.05 * r["effect"])
        board.add_scores("sam-vit-h", prompt, lambda r: 0.75 + 0.05 * r["effect"], gap=0.05)
    return board


def test_the_larger_model_comes_first_and_gains_what_was_planted(tmp_path: Path) -> None:
    with open_cube(two_sizes(), tmp_path) as connection:
        rows = study_model_size(Cube(connection, ["dice"]))

    assert {(row.model, row.against) for row in rows} == {("sam-vit-h", "sam-vit-b")}
    overall = {(row.prompt, row.selection): row for row in rows if row.target == ""}
    assert overall["mean", "oracle"].difference.value == pytest.approx(0.05, abs=1e-5)
    assert overall["mean", "oracle"].verdict == "better"
    assert overall["box", "predicted"].difference.value == pytest.approx(0, abs=1e-5)
    assert overall["box", "predicted"].verdict == "equivalent"
    assert ("everything", "predicted") not in overall
    assert len([row for row in rows if row.prompt == "box"]) == 2 * (1 + 3)


def test_a_study_and_a_comparison_give_one_difference_one_interval(tmp_path: Path) -> None:
    """Targets of other datasets have clusters of their own: each is drawn out by its own number."""
    board = StudyBoard(seed=9)
    for number in range(3):
        board.add_target(f"ct.organ-{number}", clusters=10, dataset=f"site-{number}")
    board.add_model("sam-vit-b", parameters=91_000_000)
    board.add_model("sam-vit-h", parameters=636_000_000)
    for name, gain in (("sam-vit-b", 0.0), ("sam-vit-h", 0.02)):
        extra = gain + np.random.default_rng(int(100 * gain)).normal(size=60) / 50
        board.add_scores(name, "box", 0.7 + extra + 0.05 * board.references["effect"])

    with open_cube(board, tmp_path) as connection:
        cube = Cube(connection, ["dice"])
        (row,) = (
            one
            for one in study_model_size(cube)
            if (one.target, one.prompt, one.selection) == ("", "box", "predicted")
        )
        overall = compare(cube, "sam-vit-h", "sam-vit-b", prompt="box").overall

    assert overall is not None
    assert row.difference.value == pytest.approx(overall.difference, abs=1e-9)
    assert row.difference.low == pytest.approx(overall.low, rel=1e-3)
    assert row.difference.high == pytest.approx(overall.high, rel=1e-3)


def test_models_are_compared_only_where_both_answered_everything(tmp_path: Path) -> None:
    board = StudyBoard(seed=5).add_target("ct.liver", clusters=20)
    board.add_model("small", parameters=1).add_model("large", parameters=2)
    board.add_scores("small", "box", 0.5)
    missing = np.arange(40) >= 3
    board.add_scores("large", "box", 0.9, rows=lambda r: missing)

    with open_cube(board, tmp_path) as connection:
        row = study_model_size(Cube(connection, ["dice"]))[0]
    assert row.difference.clusters == 18


def test_prompts_gain_over_everything_mode(tmp_path: Path) -> None:
    board = StudyBoard(seed=6).add_targets(2).add_model("sam")
    for prompt in SIX:
        board.add_scores("sam", prompt, 0.4 if prompt == "everything" else 0.7, gap=0.1)

    with open_cube(board, tmp_path) as connection:
        rows = study_everything(Cube(connection, ["dice"]))
    found = {(row.prompt, row.selection): row for row in rows if row.target == ""}
    assert found["box", "oracle"].gain.value == pytest.approx(0.3)
    assert found["box", "predicted"].gain.value == pytest.approx(0.2)
    assert found["point", "oracle"].everything == pytest.approx(0.4)
    assert found["point", "oracle"].prompted == pytest.approx(0.7)


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


def test_a_dataset_trained_on_without_a_record_of_clusters_is_left_out(tmp_path: Path) -> None:
    with open_cube(finetuned(0, ["north"]), tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))

    assert study.rows == ()
    assert study.unusable == ("sam-tuned: no record of which clusters of north it was trained on",)


def test_a_model_that_does_not_say_what_it_saw_is_not_measured(tmp_path: Path) -> None:
    with open_cube(finetuned(0, None), tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))

    assert study.rows == ()
    assert study.unusable == ("sam-tuned: no record of the datasets it was trained on",)


def test_what_came_on_top_of_an_unknown_base_is_on_record(tmp_path: Path) -> None:
    with open_cube(finetuned(12, None), tmp_path) as connection:
        cube = Cube(connection, ["dice"])
        study = study_finetuning(cube)

    row = next(row for row in study.rows if row.target == "" and row.selection == "oracle")
    assert row.difference.clusters == 18
    assert find_exposures(cube)["sam-tuned", "north"].exposure == "trained-on"


def test_clusters_numbered_otherwise_all_count_as_seen(tmp_path: Path) -> None:
    board = finetuned(0, ["north"])
    board.seen = [("sam-tuned", "north", ALL_CLUSTERS)]

    with open_cube(board, tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))
    assert study.rows == ()
    assert study.unusable == ("sam-tuned: no record of which clusters of north it was trained on",)


def test_a_base_without_scores_is_named(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("tuned", base_model="gone")
    board.add_scores("tuned", "box", 0.9)

    with open_cube(board, tmp_path) as connection:
        study = study_finetuning(Cube(connection, ["dice"]))
    assert study.unusable == ("tuned: its base gone has no scores",)
