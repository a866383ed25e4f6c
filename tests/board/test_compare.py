"""Two models side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.build import build_boards
from cosmos_board.board.compare import compare
from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import BoardKey, FailedAnswers
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board
from tests.one_more import bound_pair

TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=40),
    PlantedTarget(name="ct.spleen", dataset="one", clusters=40),
    PlantedTarget(name="colonoscopy.polyp", dataset="two", clusters=5),
    PlantedTarget(name="mr.brain", dataset="three", clusters=30),
]


@contextmanager
def open_cube(path: Path, *models: PlantedModel, **settings: float) -> Iterator[Cube]:
    path.mkdir(exist_ok=True)
    planted_board(path / "b.duckdb", models, TARGETS, **settings)  # type: ignore[arg-type]
    with duckdb.connect(str(path / "b.duckdb"), read_only=True) as connection:
        yield Cube(connection)


STRONG = PlantedModel(
    name="strong",
    dice={"ct.liver": 0.8, "ct.spleen": 0.7, "colonoscopy.polyp": 0.7, "mr.brain": 0.5},
)
PLAIN = PlantedModel(name="plain", dice=0.7)


def test_each_target_gets_a_verdict_and_the_outcomes_add_up(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN, noise_sd=0.01) as cube:
        found = compare(cube, "strong", "plain")

    verdicts = {row.slice.name: row.verdict for row in found.targets}
    assert verdicts == {
        "ct.liver": "better",
        "ct.spleen": "equivalent",
        "colonoscopy.polyp": "not tested",
        "mr.brain": "worse",
    }
    assert (found.better, found.worse, found.equivalent) == (1, 1, 1)
    assert (found.not_separated, found.not_tested) == (0, 1)
    thin = next(row for row in found.targets if row.slice.name == "colonoscopy.polyp")
    assert (thin.low, thin.high, thin.clusters) == (None, None, 5)
    assert found.overall is not None
    mean = np.mean([row.difference for row in found.targets if row is not thin])
    assert found.overall.difference == pytest.approx(mean)


def test_swapping_the_models_swaps_the_signs(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube:
        forth, back = compare(cube, "strong", "plain"), compare(cube, "plain", "strong")

    assert (forth.better, forth.worse) == (back.worse, back.better)
    for one, other in zip(forth.targets, back.targets, strict=True):
        assert one.difference == -other.difference
        assert one.held_back == other.held_back
        assert one.low is None or other.high is None or one.low == pytest.approx(-other.high)


def test_paired_numbers_are_the_textbooks(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube:
        found = compare(cube, "strong", "plain")
        means = cube.load("full", "box", "predicted").means("dice")

    brain = next(row for row in found.targets if row.slice.name == "mr.brain")
    units = [t.name for t in cube.units("full").targets].index("mr.brain")
    rows = means[cube.units("full").target == units]
    apart = rows[:, 1] - rows[:, 0]  # models are sorted by name
    assert brain.difference == pytest.approx(apart.mean(), abs=1e-9)
    half = stats.sem(apart) * stats.t.isf(0.025, len(apart) - 1)
    # One more failure of the weaker model moves the upper end, of the stronger the lower.
    low, high = bound_pair(rows[:, 1], rows[:, 0])
    assert brain.low == pytest.approx(min(apart.mean() - half, low), abs=1e-5)
    assert brain.high == pytest.approx(max(apart.mean() + half, high), abs=1e-5)


def test_the_verdict_is_that_of_the_board_that_ranks_both(tmp_path: Path) -> None:
    crowd = [PlantedModel(name=f"m{index}", dice=0.7) for index in range(12)]
    with open_cube(tmp_path, STRONG, PLAIN, *crowd) as cube:
        boards = build_boards(cube.connection, ["dice"], prompts=["box"], cube=cube)
        found = compare(cube, "strong", "plain")

    for row in found.targets:
        table = boards.pairs[BoardKey(row.slice, "box", "predicted", "dice")]
        if row.verdict == "not tested":
            assert table.family is None
        else:
            assert row == pair_row(table, "strong", "plain")


def test_a_rare_failure_holds_a_verdict_back(tmp_path: Path) -> None:
    ahead = PlantedModel(name="ahead", dice=0.80)
    behind = PlantedModel(name="behind", dice=0.76)
    with open_cube(tmp_path, ahead, behind, noise_sd=0.005, cluster_sd=0.001) as cube:
        found = compare(cube, "ahead", "behind")

    # 40 clusters: one more, on which the leader scores 0, takes 0.8 / 41 = 0.02 off; of 30
    # clusters 0.026, which leaves 0.014 of the lead of 0.04.
    by_target = {row.slice.name: row for row in found.targets}
    assert by_target["ct.liver"].verdict == "better"
    with open_cube(tmp_path / "less", ahead, replace(behind, dice=0.775), noise_sd=0.005) as cube:
        close = compare(cube, "ahead", "behind")
    brain = next(row for row in close.targets if row.slice.name == "mr.brain")
    assert (brain.verdict, brain.held_back) == ("not separated", True)


def test_targets_that_one_was_trained_on_or_does_not_cover_are_left_out(tmp_path: Path) -> None:
    seen = PlantedModel(name="seen", training_data=["two"])
    partial = PlantedModel(name="partial", missing=3)
    with open_cube(tmp_path, seen, partial, PLAIN) as cube:
        assert compare(cube, "seen", "plain").left_out == ("colonoscopy.polyp",)
        # Three references of each dataset are missing: all on its first target.
        found = compare(cube, "partial", "plain")

    assert found.left_out == ("colonoscopy.polyp", "ct.liver", "mr.brain")
    assert [row.slice.name for row in found.targets] == ["ct.spleen"]


def test_a_model_that_failed_too_often_is_compared_with_a_word_on_it(tmp_path: Path) -> None:
    path = tmp_path / "board.duckdb"
    models = [PlantedModel(name="sound"), PlantedModel(name="failing", failed=3)]
    planted_board(path, models=models, targets=[PlantedTarget(name="ct.liver", dataset="one")])
    with duckdb.connect(str(path), read_only=True) as connection:
        found = compare(Cube(connection, ["dice"]), "failing", "sound")
        other = compare(Cube(connection, ["dice"]), "sound", "failing")

    assert found.failing == other.failing
    assert found.failing == {"failing": FailedAnswers(3, 24)}


def test_a_distance_is_not_compared(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube, pytest.raises(InputError, match="distance"):
        compare(cube, "strong", "plain", metric="hd95_px")


@pytest.mark.parametrize(
    ("a", "b", "prompt", "message"),
    [
        ("plain", "plain", "box", "are the same"),
        ("plain", "plian", "box", "want plain"),
        ("plain", "strong", "circle", "unknown name"),
        ("plain", "strong", "point", "no scores"),
    ],
)
def test_a_pair_that_cannot_be_compared_is_refused_in_one_line(
    tmp_path: Path, a: str, b: str, prompt: str, message: str
) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube, pytest.raises(InputError, match=message):
        compare(cube, a, b, prompt=prompt)
