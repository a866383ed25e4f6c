"""Two models side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.ranking.compare import compare
from cosmos_board.board.types import FailedAnswers
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board

TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=40),
    PlantedTarget(name="ct.spleen", dataset="one", clusters=40),
    PlantedTarget(name="colonoscopy.polyp", dataset="two", clusters=5),
    PlantedTarget(name="mr.brain", dataset="three", clusters=30),
]


@contextmanager
def open_cube(path: Path, *models: PlantedModel, **settings: float) -> Iterator[Cube]:
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
    assert (found.wins, found.ties, found.losses, found.untested) == (1, 1, 1, 1)
    thin = next(row for row in found.targets if row.slice.name == "colonoscopy.polyp")
    assert (thin.low, thin.high, thin.clusters) == (None, None, 5)
    assert found.overall is not None
    mean = np.mean([row.difference for row in found.targets])
    assert found.overall.difference == pytest.approx(mean)


def test_swapping_the_models_swaps_the_signs(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube:
        forth, back = compare(cube, "strong", "plain"), compare(cube, "plain", "strong")

    assert (forth.wins, forth.losses) == (back.losses, back.wins)
    for one, other in zip(forth.targets, back.targets, strict=True):
        assert one.difference == -other.difference
        assert one.p == other.p
        assert one.low is None or other.high is None or one.low == pytest.approx(-other.high)


def test_paired_numbers_are_the_textbooks(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN) as cube:
        found = compare(cube, "strong", "plain")
        means = cube.load("full", "box", "predicted").means("dice")

    liver = next(row for row in found.targets if row.slice.name == "ct.liver")
    units = [t.name for t in cube.units("full").targets].index("ct.liver")
    rows = means[cube.units("full").target == units]
    apart = rows[:, 1] - rows[:, 0]  # models are sorted by name
    assert liver.difference == pytest.approx(apart.mean(), abs=1e-9)
    assert liver.p == pytest.approx(stats.wilcoxon(apart).pvalue, rel=1e-9)
    low, high = stats.t.interval(0.95, len(apart) - 1, apart.mean(), stats.sem(apart))
    assert liver.low == pytest.approx(low, abs=2e-3)
    assert liver.high == pytest.approx(high, abs=2e-3)
    assert liver.p_holm is not None
    assert liver.p is not None
    assert liver.p <= liver.p_holm <= 4 * liver.p


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


def test_a_distance_has_no_verdict_and_still_a_winner(tmp_path: Path) -> None:
    with open_cube(tmp_path, STRONG, PLAIN, noise_sd=0.01) as cube:
        found = compare(cube, "strong", "plain", metric="hd95_px")

    assert {row.verdict for row in found.targets} == {None}
    liver = next(row for row in found.targets if row.slice.name == "ct.liver")
    assert liver.difference < 0
    assert found.wins >= 1


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
