"""The cube: sums of whole numbers per model, prompt, selection and unit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.slices import plan_slices
from cosmos_board.board.types import Slice
from cosmos_board.board.units import UnitScores
from cosmos_board.store.queries import connection
from tests.boards import PlantedModel, PlantedTarget, planted_board

MODELS = [PlantedModel(name="b", missing=2), PlantedModel(name="a", gap=0.1)]
TARGETS = [
    PlantedTarget(name="ct.spleen", dataset="one", clusters=3),
    PlantedTarget(name="ct.liver", dataset="two", clusters=2),
    PlantedTarget(name="ct.liver", dataset="one", clusters=3, references=1),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cube")
    return planted_board(folder / "b.duckdb", MODELS, TARGETS, prompts=("everything", "box"))


@pytest.fixture
def cube(path: Path) -> Cube:
    return Cube(duckdb.connect(str(path), read_only=True))


def test_units_are_sorted_by_target_dataset_and_cluster(cube: Cube) -> None:
    units = cube.units("full")

    assert [target.name for target in units.targets] == ["ct.liver", "ct.spleen"]
    assert units.target.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert units.dataset.tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert units.cluster.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert units.references.tolist() == [1, 1, 1, 2, 2, 2, 2, 2]


def test_targets_share_the_draws_of_their_clusters(cube: Cube) -> None:
    counts = cube.draws("full")

    assert counts.shape == (5, 1000)
    assert (counts[:3].sum(axis=0) == 3).all()
    assert (counts[3:].sum(axis=0) == 2).all()


def test_means_equal_a_plain_query(cube: Cube) -> None:
    scores = cube.load("full", "box", "predicted")
    rows = cube.connection.execute(
        """SELECT avg(2 * tp / (2 * tp + fp + fn)), avg(hd95_px), count(*)
           FROM scores s JOIN reference_masks r USING (reference_id) JOIN images i USING (image_id)
           WHERE prompt = 'box' AND selection = 'predicted' AND s.model = 'a'
           GROUP BY object, dataset, cluster_id ORDER BY object, dataset, cluster_id"""
    ).fetchall()

    assert scores.models == ("a", "b")
    np.testing.assert_allclose(scores.means("dice")[:, 0], [row[0] for row in rows], atol=1e-9)
    np.testing.assert_allclose(scores.means("hd95_px")[:, 0], [row[1] for row in rows], atol=1e-5)
    assert scores.rows[:, 0].tolist() == [row[2] for row in rows]


def test_sums_do_not_depend_on_how_many_rows_are_read_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(rows_at_once: int) -> UnitScores:
        monkeypatch.setattr(connection, "_ROWS_AT_ONCE", rows_at_once)
        with duckdb.connect(str(path), read_only=True) as opened:
            return Cube(opened).load("full", "box", "predicted", ["dice", "hd95_px"])

    few, many = load(2), load(1000)
    assert few.rows.tolist() == many.rows.tolist()
    assert few.low.tolist() == many.low.tolist()
    assert {name: sums.tolist() for name, sums in few.sums.items()} == {
        name: sums.tolist() for name, sums in many.sums.items()
    }


def test_a_unit_without_rows_is_unknown_and_not_zero(cube: Cube) -> None:
    scores = cube.load("full", "box", "oracle")

    missing = scores.rows[:, 1] == 0
    assert missing.any()
    assert np.array_equal(np.isnan(scores.means("dice")[:, 1]), missing)


def test_failures_by_score_are_counted_per_unit_and_a_failed_answer_is_one(tmp_path: Path) -> None:
    models = [
        PlantedModel(name="failing", dice=0.9, failed=2),
        PlantedModel(name="good", dice=0.9),
        PlantedModel(name="poor", dice=0.5),
    ]
    path = planted_board(tmp_path / "b.duckdb", models, TARGETS, cluster_sd=0.1)
    with duckdb.connect(str(path)) as connection:
        # whatever stands beside a failed answer is no mask
        connection.execute("UPDATE scores SET tp = 9000, fn = 1000 WHERE status LIKE 'failed%'")
        scores = Cube(connection).load("full", "box", "predicted")
        rows = connection.execute(
            """SELECT s.model, object, dataset, cluster_id, tp, fp, fn, status FROM scores s
            JOIN reference_masks USING (reference_id) JOIN images USING (image_id)
            WHERE selection = 'predicted'"""
        ).fetchall()

    units = sorted({row[1:4] for row in rows})
    low = np.zeros((len(units), len(models)), int)
    for model, *unit, tp, fp, fn, status in rows:
        failed = status.startswith("failed") or Fraction(2 * tp, 2 * tp + fp + fn) < Fraction(1, 2)
        low[units.index(tuple(unit)), scores.models.index(model)] += failed
    assert np.array_equal(scores.low, low)
    assert scores.low[:, 0].sum() == scores.failed[:, 0].sum() == 4
    assert 0 < scores.low[:, 2].sum() < scores.rows[:, 2].sum()
    assert np.array_equal(scores.of_models(["poor"]).low, low[:, [2]])


def test_everything_has_one_selection(cube: Cube) -> None:
    assert cube.prompts("full") == ("everything", "box")
    assert cube.selections("everything") == ("oracle",)
    assert cube.selections("box") == ("oracle", "predicted")


def test_other_studies_do_not_count(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(path.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        before = Cube(connection).load("full", "box", "oracle").sums["dice"]
        connection.execute(
            "INSERT INTO scores SELECT * REPLACE ('jitter' AS study, 0 AS tp) FROM scores"
        )
        assert np.array_equal(Cube(connection).load("full", "box", "oracle").sums["dice"], before)


def test_slices_pool_datasets_where_they_should(cube: Cube) -> None:
    plan = plan_slices(cube.units("full"), cube.datasets)
    cells = {
        str(part.slice): [
            (plan.pools[cell].target, plan.pools[cell].dataset_of_stratum) for cell in part.pools
        ]
        for part in plan.slices
    }

    pooled = ("ct.liver", ("one", "two"))
    assert cells["target:ct.liver"] == cells["object:liver"] == [pooled]
    assert cells["overall"] == cells["modality:ct"] == [pooled, ("ct.spleen", ("one",))]
    assert cells["dataset:one"] == [("ct.liver", ("one",)), ("ct.spleen", ("one",))]
    assert cells["dataset:two"] == [("ct.liver", ("two",))]
    overall = next(part for part in plan.slices if part.slice == Slice("overall"))
    assert np.concatenate([plan.units_of(cell) for cell in overall.pools]).tolist() == [*range(8)]
