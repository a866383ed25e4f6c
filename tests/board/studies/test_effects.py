from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.effects import (
    Effect,
    Sample,
    TargetMeans,
    average_targets,
    measure_effects,
    take_sample,
)
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def measure_first(means: TargetMeans, *, general: bool = False) -> Effect | None:
    """Return the effect of the first column, None where there is no target."""
    return next(iter(measure_effects(means, general=general)), None)


def sample_of(board: StudyBoard, folder: Path) -> Sample:
    with open_board(board.write(folder / "b.duckdb")) as connection:
        return take_sample(Cube(connection, ["dice"]))


def planted(board: StudyBoard) -> StudyBoard:
    return board.add_model("a").add_scores("a", "box", 0.8)


def test_macro_weighs_wide_targets_alike_and_thin_ones_have_no_part(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver", clusters=40).add_target("ct.spleen", clusters=10)
    sample = sample_of(planted(board.add_target("ct.kidney", clusters=9)), tmp_path)
    level = {"ct.liver": 0.8, "ct.spleen": 0.4, "ct.kidney": 0.1}
    values = np.array([level[target.name] for target in sample.units.targets])
    values = values[sample.units.target][None, :]

    effect = measure_first(average_targets(sample, values))
    assert effect is not None
    assert effect.value == pytest.approx(0.6)
    assert (effect.low, effect.high) == (effect.value, effect.value)
    assert (effect.targets, effect.left_out, effect.clusters) == (2, 1, 40)


def test_where_no_target_has_ten_clusters_there_is_a_value_and_no_interval(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_targets(2, clusters=9)), tmp_path)

    effect = measure_first(average_targets(sample, np.full((1, len(sample.units)), 0.7)))
    assert effect is not None
    assert (round(effect.value, 6), effect.targets) == (0.7, 2)
    assert (effect.low, effect.high, effect.error, effect.detectable) == (None,) * 4
    assert not effect.is_shown


def test_interval_is_the_t_interval_of_cluster_means(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_target("ct.liver", clusters=30)), tmp_path)
    values = np.random.default_rng(1).normal(0.1, 0.05, (1, 30))

    effect = measure_first(average_targets(sample, values))
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values[0]))
    assert effect is not None
    assert (effect.low, effect.high) == pytest.approx(expected, abs=1e-6)
    assert effect.is_shown


def test_the_detectable_effect_is_shown_in_four_of_five_samples() -> None:
    """Against the power of the t test as scipy's noncentral t gives it."""
    effect = effect_of(error=0.02, degrees=19)

    assert effect.detectable is not None
    power = stats.nct.sf(stats.t.ppf(0.975, 19), 19, effect.detectable / 0.02)
    assert power == pytest.approx(0.8, abs=0.01)
    failing = effect_of(error=0.02, degrees=19, loss=0.3, margin=0.01).detectable
    assert failing == pytest.approx(0.01 + 0.3 + stats.norm.ppf(0.8) * 0.02)


def test_an_effect_is_shown_beyond_its_margin_alone() -> None:
    assert effect_of(low=0.011, high=0.2, margin=0.01).is_shown
    assert effect_of(low=-0.2, high=-0.011, margin=0.01).is_shown
    assert not effect_of(low=0.009, high=0.2, margin=0.01).is_shown


def effect_of(**facts: float) -> Effect:
    known: dict[str, Any] = {"value": 0.1, "low": 0.0, "high": 0.2, "error": 0.05, **facts}
    return Effect(**{"degrees": 9.0, **known}, targets=1, clusters=10, references=10, left_out=0)


@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["targets alike", "targets vary"])
def test_an_effect_in_general_is_as_unsure_as_targets_and_datasets_are(
    tmp_path: Path, spread: float
) -> None:
    board = StudyBoard()
    for number in range(4):
        board.add_target(f"ct.organ-{number}", clusters=12, dataset=f"site-{number}")
    sample = sample_of(planted(board), tmp_path)
    rng = np.random.default_rng(3)
    values = rng.normal(0.1, 0.05, (1, 48)) + spread * rng.normal(size=4)[sample.units.target]
    of_targets = [values[0, sample.units.target == t] for t in range(4)]
    means = [own.mean() for own in of_targets]
    halves = [
        stats.t.ppf(0.975, 3) * stats.sem(means),
        stats.t.ppf(0.975, 44) * np.sqrt(sum(stats.sem(own) ** 2 for own in of_targets)) / 4,
    ]

    effect = measure_first(average_targets(sample, values), general=True)
    assert effect is not None
    assert effect.high is not None
    assert effect.high - effect.value == pytest.approx(max(halves), rel=0.02)


def test_units_without_a_value_in_every_column_do_not_count(tmp_path: Path) -> None:
    sample = sample_of(planted(StudyBoard().add_target("ct.liver", clusters=12)), tmp_path)
    values = np.vstack([np.full(12, 0.5), np.full(12, 0.7)])
    values[1, :4] = np.nan

    means = average_targets(sample, values)
    assert means.references == (16,)
    assert not means.wide
    assert average_targets(sample, values * np.nan).targets == ()
    assert measure_first(average_targets(sample, values * np.nan)) is None


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


def test_a_claim_about_targets_adds_what_their_shared_clusters_have_in_common(
    tmp_path: Path,
) -> None:
    """A table of 6 targets × 20 clusters: the errors of its two margins, less the noise once."""
    board = StudyBoard()
    for number in range(6):
        board.add_target(f"ct.organ-{number}", clusters=20)
    sample = sample_of(planted(board), tmp_path)
    rng = np.random.default_rng(5)
    table = (
        0.1 * rng.normal(size=(6, 1)) + 0.2 * rng.normal(size=20) + 0.02 * rng.normal(size=(6, 20))
    )
    values = table[sample.units.target, sample.units.cluster][None, :]

    effect = measure_first(average_targets(sample, values), general=True)
    of_targets, of_clusters = (stats.sem(table.mean(axis=axis)) for axis in (1, 0))
    own = np.mean(stats.sem(table, axis=1) ** 2) / 6
    assert effect is not None
    assert effect.error == pytest.approx(np.sqrt(of_targets**2 + of_clusters**2 - own), rel=1e-3)
    assert 5 < effect.degrees < 19
