"""How many clusters a comparison needs."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from cosmos_board.board.compare import compare
from cosmos_board.board.cube import Cube
from cosmos_board.board.sample_size import SampleSize, plan_comparison
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board

A = PlantedModel(name="a", dice=0.40)
B = PlantedModel(name="b", dice=0.40)
C = PlantedModel(name="c", dice=0.3)


def plan(path: Path, difference: float, clusters: int = 40, **settings: object) -> SampleSize:
    """Return the plan of the overall board."""
    targets = [PlantedTarget(name="ct.liver", dataset="one", clusters=clusters, references=1)]
    planted_board(path / "b.duckdb", [A, B, C], targets, noise_sd=0.1)
    with duckdb.connect(str(path / "b.duckdb"), read_only=True) as connection:
        sizes, _ = plan_comparison(Cube(connection, ["dice"]), difference, **settings)  # type: ignore[arg-type]
        return sizes[0]


def test_the_spread_is_that_of_paired_differences_between_clusters(tmp_path: Path) -> None:
    found = plan(tmp_path, 0.05, clusters=400)

    assert found.spread == pytest.approx(0.1 * np.sqrt(2), rel=0.1)
    assert (found.clusters, found.models, found.pairs) == (400, 3, 3)
    assert found.needed < found.needed_on_board


def test_two_models_can_be_named(tmp_path: Path) -> None:
    assert plan(tmp_path, 0.05, models=("a", "c")).pairs == 1


def test_a_larger_difference_needs_fewer(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.mkdir()
    assert plan(tmp_path, 0.03).needed > plan(path, 0.06).needed


def test_a_difference_within_the_margin_is_refused(tmp_path: Path) -> None:
    """So is one that is hardly beyond it, which would take millions of clusters."""
    targets = [PlantedTarget(name="ct.liver", dataset="one", references=1)]
    path = planted_board(tmp_path / "b.duckdb", [A, B], targets)
    with duckdb.connect(str(path), read_only=True) as connection:
        cube = Cube(connection, ["dice"])
        for difference in (0.01, 0.0100001, 0.0, -0.1, 1.5, float("nan")):
            with pytest.raises(InputError, match=r"--difference: .* want 0\.011 to 1"):
                plan_comparison(cube, difference)


def test_boards_that_rank_nobody_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no spread to go by: no target has 10 clusters$"):
        plan(tmp_path, 0.05, clusters=9)


def test_models_that_never_differ_have_no_spread_to_go_by(tmp_path: Path) -> None:
    targets = [PlantedTarget(name="ct.liver", dataset="one", references=1)]
    path = planted_board(tmp_path / "b.duckdb", [A, B], targets, noise_sd=0.0)
    with (
        duckdb.connect(str(path), read_only=True) as connection,
        pytest.raises(InputError, match=r"no spread to go by: .* the same in every cluster$"),
    ):
        plan_comparison(Cube(connection, ["dice"]), 0.05)


def test_a_slice_that_cannot_be_planned_says_why(tmp_path: Path) -> None:
    elsewhere = PlantedModel(name="elsewhere", datasets=["one"])
    targets = [
        PlantedTarget(name="ct.liver", dataset="one", references=1),
        PlantedTarget(name="ct.spleen", dataset="one", references=1, clusters=9),
        PlantedTarget(name="mr.brain", dataset="two", references=1),
    ]
    path = planted_board(tmp_path / "b.duckdb", [A, elsewhere], targets)
    with duckdb.connect(str(path), read_only=True) as connection:
        sizes, unplanned = plan_comparison(
            Cube(connection, ["dice"]), 0.05, models=("a", "elsewhere")
        )

    assert [size.slice.name for size in sizes] == ["ct.liver"]
    assert {one.slice.name: one.reason for one in unplanned} == {
        "": "elsewhere not ranked there",
        "ct.spleen": "no target has 10 clusters",
        "mr.brain": "elsewhere not ranked there",
    }


@pytest.mark.parametrize(
    ("boards", "least", "most"), [(20, 13, 19), pytest.param(60, 38, 58, marks=pytest.mark.slow)]
)
def test_the_planned_comparison_is_decided_in_four_of_five(
    boards: int, least: int, most: int, tmp_path: Path
) -> None:
    needed = plan(tmp_path, 0.1, clusters=200, models=("a", "b")).needed
    shown = 0
    for seed in range(boards):
        targets = [PlantedTarget(name="ct.liver", dataset="one", clusters=needed, references=1)]
        path = tmp_path / f"{seed}.duckdb"
        better = PlantedModel(name="better", dice=0.5)
        planted_board(path, [A, better], targets, noise_sd=0.1, seed=seed)
        with duckdb.connect(str(path), read_only=True) as connection:
            found = compare(Cube(connection, ["dice"]), "better", "a")
        shown += found.targets[0].verdict == "better"
    assert least <= shown <= most
