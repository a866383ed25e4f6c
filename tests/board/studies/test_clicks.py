from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.clicks import (
    ClicksStudy,
    crossing_clicks,
    limited_medians,
    study_clicks,
)
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def study(board: StudyBoard, folder: Path) -> ClicksStudy:
    with open_board(board.write(folder / "b.duckdb")) as connection:
        return study_clicks(Cube(connection, ["dice"]))


def add_curve(
    board: StudyBoard, model: str, curve: Callable[[int], float], noise: np.ndarray | float = 0.0
) -> None:
    for click in range(1, 11):
        board.add_scores(model, "point", curve(click) + noise, study="clicks", click=click)


def planted() -> StudyBoard:
    board = StudyBoard(seed=2).add_targets(2).add_model("sam").add_model("grabcut")
    board.models[1].update(kind="classical", family="classical")
    for name in ("sam", "grabcut"):
        board.add_scores(name, "point", 0.6)
    add_curve(board, "sam", lambda click: 0.7 + 0.01 * click)
    add_curve(board, "grabcut", lambda click: 0.5 + 0.05 * click)
    return board


def test_curves_and_area_are_those_planted(tmp_path: Path) -> None:
    rows = {(row.model, row.selection): row for row in study(planted(), tmp_path).rows}

    sam = rows["sam", "oracle"]
    assert [effect.value for effect in sam.dice] == pytest.approx(
        [0.7 + 0.01 * click for click in range(1, 11)]
    )
    expected = np.trapezoid([effect.value for effect in sam.dice]) / 9
    assert sam.area.value == pytest.approx(expected)
    assert len(sam.nsd) == 10
    assert sam.nsd[0].value == pytest.approx(0.71, abs=1e-6)
    assert sam.dice[0].low is not None
    assert sam.dice[0].low < 0.71 - 0.71 / 13 / 2, "one more failure in one of two targets"


def test_an_interactive_method_catches_up_where_planted(tmp_path: Path) -> None:
    """0.7 + 0.01 k falls to 0.5 + 0.05 k at k = 5."""
    crossing = study(planted(), tmp_path).crossings[0]

    assert (crossing.model, crossing.method) == ("sam", "grabcut")
    assert crossing.ahead_at_first
    assert crossing.click in (5, 6)
    assert crossing.first.value == pytest.approx(0.16)
    assert crossing.last.value == pytest.approx(-0.2)


def test_the_interval_of_the_area_is_that_of_each_clusters_own_area(tmp_path: Path) -> None:
    board = StudyBoard(seed=8).add_target("ct.liver", clusters=40, per_cluster=1).add_model("sam")
    board.add_scores("sam", "point", 0.4)
    slopes = board.rng.uniform(0.0, 0.04, 40)
    curves = 0.4 + np.outer(np.arange(10), slopes)
    for click in range(10):
        board.add_scores("sam", "point", curves[click], study="clicks", click=click + 1)

    area = study(board, tmp_path).rows[0].area
    own = np.asarray(np.trapezoid(curves, axis=0)) / 9
    error = own.std(ddof=1) / np.sqrt(40)
    assert (area.value, area.error) == pytest.approx((own.mean(), error), abs=1e-5)
    more = np.append(own, 1.0)
    with_success = more.mean() + stats.t.ppf(0.95, 40) * stats.sem(more)
    plain = own.mean() + stats.t.ppf(0.975, 39) * error
    assert area.high == pytest.approx(max(plain, with_success), abs=1e-4)


def test_neither_is_ahead_where_the_first_click_shows_no_difference(tmp_path: Path) -> None:
    board = StudyBoard(seed=2).add_targets(2).add_model("sam").add_model("grabcut")
    board.models[1].update(kind="classical", family="classical")
    for name in ("sam", "grabcut"):
        board.add_scores(name, "point", 0.6)
    noise = board.rng.normal(0, 0.1, len(board.references))
    add_curve(board, "sam", lambda click: 0.6, noise)
    add_curve(board, "grabcut", lambda click: 0.59)

    crossing = study(board, tmp_path).crossings[0]
    assert crossing.ahead_at_first is None
    assert crossing.first.low is not None
    assert crossing.first.low < 0
    assert crossing.first.detectable is not None
    assert crossing.first.detectable > abs(crossing.first.value)


def test_under_ten_clusters_nothing_is_ahead_and_no_share_is_told(tmp_path: Path) -> None:
    board = StudyBoard(seed=2).add_target("ct.liver", clusters=9)
    board.add_model("sam").add_model("grabcut")
    board.models[1].update(kind="classical", family="classical")
    for name in ("sam", "grabcut"):
        board.add_scores(name, "point", 0.6)
    add_curve(board, "sam", lambda click: 0.7 + 0.01 * click)
    add_curve(board, "grabcut", lambda click: 0.5 + 0.05 * click)

    found = study(board, tmp_path)
    (crossing, _) = found.crossings
    assert (crossing.click, crossing.ahead_at_first, crossing.first.low) == (None,) * 3
    assert {goal.never for row in found.rows for goal in row.goals} == {None}
    assert {row.area.low for row in found.rows} == {None}


def test_clicks_to_a_goal_equal_lifelines(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=30, per_cluster=1).add_model("sam")
    board.add_scores("sam", "point", 0.6)
    needed = board.rng.integers(1, 16, 30)
    for click in range(1, 11):
        board.add_scores(
            "sam", "point", np.where(needed <= click, 0.87, 0.3), study="clicks", click=click
        )
    fitter = KaplanMeierFitter().fit(np.minimum(needed, 10), needed <= 10)

    goals = {goal.goal: goal for goal in study(board, tmp_path).rows[0].goals}
    assert goals[0.85].median == fitter.median_survival_time_
    never = goals[0.85].never
    exact = stats.binomtest(int((needed > 10).sum()), 30).proportion_ci(0.95)
    assert never is not None
    assert never.value == pytest.approx((needed > 10).mean())
    assert (never.low, never.high) == pytest.approx((exact.low, exact.high))
    low, high = goals[0.85].low, goals[0.85].high
    assert low is not None
    assert low <= (goals[0.85].median or 0)
    assert high is None or high >= (goals[0.85].median or 0)
    assert (goals[0.90].median, goals[0.90].low) == (None, None)
    assert goals[0.90].never is not None
    assert (goals[0.90].never.value, goals[0.90].never.high) == (1.0, 1.0)


def test_a_broken_trajectory_does_not_count(tmp_path: Path) -> None:
    board = planted()
    board.add_model("short").add_scores("short", "point", 0.5)
    board.add_scores("short", "point", 0.5, study="clicks", click=1)

    assert {row.model for row in study(board, tmp_path).rows} == {"sam", "grabcut"}


def test_a_lead_that_never_was_is_never_lost() -> None:
    lead = np.array([[-0.1, 0.1, 0.1], [-0.1, -0.1, 0.1], [-0.1, 0.1, 0.1]])

    assert crossing_clicks(lead).tolist() == [np.inf, 2.0, np.inf]


def test_medians_are_those_of_lifelines_where_the_limit_censors() -> None:
    rng = np.random.default_rng(5)
    clicks = rng.integers(1, 16, 30)
    observed, times = clicks <= 10, np.minimum(clicks, 10)
    events = np.zeros((30, 10))
    events[np.flatnonzero(observed), times[observed] - 1] = 1
    weights = rng.multinomial(30, np.full(30, 1 / 30), 20)

    expected = [
        KaplanMeierFitter()
        .fit(times[row > 0], observed[row > 0], weights=row[row > 0])
        .median_survival_time_
        for row in weights
    ]
    assert limited_medians(weights @ events / 30).tolist() == expected


def test_a_median_counts_exactly_half_as_reached() -> None:
    shares = np.array([[0.0, 0.0, 0.25, 0.0, 0.25], [0.3, 0.0, 0.0, 0.0, 0.1]])

    assert limited_medians(shares).tolist() == [5.0, float("inf")]
