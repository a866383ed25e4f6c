from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Sample,
    average_targets,
    measure_effect,
    measure_targets,
    take_sample,
)
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def sample_of(board: StudyBoard, folder: Path) -> Sample:
    with open_board(board.write(folder / "b.duckdb")) as connection:
        return take_sample(Cube(connection, ["dice"]))


def planted(board: StudyBoard) -> StudyBoard:
    return board.add_model("a").add_scores("a", "box", 0.8)


def test_macro_weighs_targets_alike_and_leaves_thin_ones_out_of_the_interval(
    tmp_path: Path,
) -> None:
    board = StudyBoard().add_target("ct.liver", clusters=40).add_target("ct.spleen", clusters=3)
    sample = sample_of(planted(board), tmp_path)
    values = np.where(sample.units.target == 0, 0.8, 0.4)[None, :]

    effect = measure_effect(average_targets(sample, values))
    assert effect is not None
    assert effect.value == pytest.approx(0.6)
    assert (effect.low, effect.high) == (effect.value, effect.value)
    assert (effect.targets, effect.left_out, effect.clusters, effect.degrees) == (2, 1, 40, 39)
    only_wide = measure_effect(average_targets(sample, values, wide_only=True))
    assert only_wide is not None
    assert only_wide.value == pytest.approx(0.8)


def test_interval_is_near_the_t_interval_of_cluster_means(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_target("ct.liver", clusters=30)), tmp_path)
    values = np.random.default_rng(1).normal(0.1, 0.05, (1, 30))

    effect = measure_effect(average_targets(sample, values))
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values[0]))
    assert effect is not None
    assert (effect.low, effect.high) == pytest.approx(expected, abs=0.002)


def test_one_target_by_itself_is_its_own_macro(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_targets(3)), tmp_path)
    values = np.random.default_rng(2).uniform(0.2, 0.9, (1, len(sample.units)))

    each = measure_targets(average_targets(sample, values))
    alone = np.where(sample.units.target == 1, values, np.nan)
    assert each["ct.organ-1"] == measure_effect(average_targets(sample, alone))
    assert each[""] == measure_effect(average_targets(sample, values))


def test_units_without_a_value_in_every_column_do_not_count(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_target("ct.liver", clusters=12)), tmp_path)
    values = np.vstack([np.full(12, 0.5), np.full(12, 0.7)])
    values[1, :4] = np.nan

    means = average_targets(sample, values)
    assert means.references == (16,)
    assert means.wide.tolist() == [False]
    assert average_targets(sample, values * np.nan).targets == ()
    assert measure_effect(average_targets(sample, values * np.nan)) is None


def test_synthetic_data_counts_only_where_there_is_no_real_data(tmp_path: Path) -> None:
    board = planted(StudyBoard().add_target("ct.liver").add_target("ct.liver", dataset="south"))
    path = board.write(tmp_path / "b.duckdb", synthetic=True)
    with open_board(path) as connection:
        assert take_sample(Cube(connection, ["dice"])).counted.all()

    connection = duckdb.connect(str(path))
    connection.execute("UPDATE datasets SET synthetic = false WHERE dataset = 'south'")
    connection.close()
    with open_board(path) as connection:
        sample = take_sample(Cube(connection, ["dice"]))
    assert sample.counted.sum() == 12
