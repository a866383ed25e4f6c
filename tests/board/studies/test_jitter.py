from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.jitter import JitterRow, study_jitter
from cosmos_board.store.board import open_board
from tests.one_more import bound_pair
from tests.study_boards import StudyBoard

DROPS = {0: 0.02, 10: 0.1, 20: 0.25}


def study(board: StudyBoard, folder: Path, *, shuffle: int | None = None) -> tuple[JitterRow, ...]:
    path = board.write(folder / f"{shuffle}.duckdb", shuffle=shuffle)
    with open_board(path) as connection:
        return study_jitter(Cube(connection, ["dice"]))


def planted() -> StudyBoard:
    board = StudyBoard(seed=1).add_targets(2).add_model("sam")
    board.add_scores("sam", "box", lambda r: 0.8 + 0.05 * r["effect"], gap=0.1)
    for level, drop in DROPS.items():
        for trial, shift in enumerate((-0.03, 0.0, 0.03)):
            dice = 0.8 + 0.05 * board.references["effect"].to_numpy() - drop + shift
            board.add_scores(
                "sam", "box", dice, gap=0.1, study="jitter", level=level, mode="first", trial=trial
            )
    return board


def test_planted_drops_and_spread_between_trials_are_found(tmp_path: Path) -> None:
    rows = study(planted(), tmp_path)

    overall = [row for row in rows if row.target == "" and row.selection == "oracle"]
    assert {row.level: round(row.drop.value, 4) for row in overall} == DROPS
    assert {row.mode for row in rows} == {"first"}
    for row in overall:
        assert row.seed_sd == pytest.approx(0.03, abs=1e-4)
        assert row.trials == 3
        assert row.drop.error == pytest.approx(0.0, abs=1e-6)


def test_a_drop_allows_for_one_more_failure_with_and_without_jitter(tmp_path: Path) -> None:
    """Nothing varies, so that the interval is what a 13th cluster of 0 would move in one target."""
    board = StudyBoard().add_target("ct.liver").add_target("ct.spleen").add_model("sam")
    level = {"ct.liver": 0.9, "ct.spleen": 0.6}
    dice = board.references["target"].map(level).to_numpy(float)
    board.add_scores("sam", "box", dice)
    board.add_scores("sam", "box", dice - 0.2, study="jitter", level=20, mode="first")

    row = next(row for row in study(board, tmp_path) if not row.target)
    # In liver, where it costs most; spleen stays, and the mean over both moves by half of it.
    low, high = bound_pair(np.full(12, 0.9), np.full(12, 0.7))
    assert row.drop.low == pytest.approx((low + 0.2) / 2, abs=1e-5)
    assert row.drop.high == pytest.approx((high + 0.2) / 2, abs=1e-5)
    assert row.drop.detectable == pytest.approx(0.9 / 13 / 2, abs=1e-5)


def test_drops_and_their_intervals_are_those_of_a_paired_t_test(tmp_path: Path) -> None:
    board = StudyBoard(seed=4).add_target("ct.liver", clusters=25, per_cluster=1).add_model("sam")
    lost = board.rng.uniform(-0.2, 0.6, 25)
    board.add_scores("sam", "box", 0.8)
    board.add_scores("sam", "box", 0.8 - lost, study="jitter", level=10, mode="first")

    row = next(row for row in study(board, tmp_path) if not row.target)
    plain = stats.ttest_1samp(lost, 0).confidence_interval(0.95)
    with_failure = bound_pair(np.full(25, 0.8), 0.8 - lost)
    low, high = min(plain.low, with_failure[0]), max(plain.high, with_failure[1])
    assert row.drop.value == pytest.approx(lost.mean(), abs=1e-5)
    assert (row.drop.low, row.drop.high) == pytest.approx((low, high), abs=1e-5)
    assert row.undisturbed == pytest.approx(0.8)


def test_under_ten_clusters_neither_drop_nor_trials_say_how_sure_they_are(tmp_path: Path) -> None:
    board = StudyBoard(seed=1).add_target("ct.liver", clusters=9).add_model("sam")
    board.add_scores("sam", "box", 0.8)
    for trial in range(3):
        board.add_scores("sam", "box", 0.8, study="jitter", level=0, mode="first", trial=trial)

    for row in study(board, tmp_path):
        assert (row.drop.low, row.drop.detectable, row.seed_sd, row.seed_share) == (None,) * 4
        assert not row.drop.is_shown


def test_seed_share_is_its_part_of_the_variance_inside_a_target(tmp_path: Path) -> None:
    board = planted()
    inside = [
        (board.references.loc[board.references["target"] == name, "effect"] * 0.05).var(ddof=0)
        for name in ("ct.organ-0", "ct.organ-1")
    ]

    rows = study(board, tmp_path)
    share = next(row.seed_share for row in rows if row.target == "" and row.level == 0)
    seed = 0.03**2
    between = np.mean([value for value in inside])
    assert share == pytest.approx(seed / (seed + between), rel=0.3)


def test_only_references_that_were_disturbed_are_compared(tmp_path: Path) -> None:
    """The others are easy; counting them would turn a gain into a drop."""
    board = StudyBoard().add_target("ct.liver", clusters=12, per_cluster=4).add_model("sam")
    first = board.references["image_id"].str.len() > 0
    first &= np.arange(len(first)) % 4 == 0
    board.add_scores("sam", "point", np.where(first, 0.5, 0.95))
    board.add_scores(
        "sam", "point", 0.4, study="jitter", level=20, mode="all", rows=lambda r: first
    )

    rows = study(board, tmp_path)
    assert rows[0].drop.value == pytest.approx(0.1, abs=1e-6)
    assert rows[0].seed_sd is None


def test_rows_are_plain_and_any_order_gives_the_same(tmp_path: Path) -> None:
    board = planted()

    rows = study(board, tmp_path)
    assert study(board, tmp_path, shuffle=3) == rows
    assert asdict(rows[0])["drop"]["targets"] == 2
