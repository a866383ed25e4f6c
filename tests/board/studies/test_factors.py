from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.factors import (
    PAPER_FACTORS,
    FactorRow,
    correlate_claimed,
    factor_curves,
    study_factors,
)
from cosmos_board.board.studies.reference_sample import correlate, rank_outcome, take_references
from cosmos_board.store.board import open_board
from tests.study_boards import StudyBoard


def hard_boundaries(references: pd.DataFrame) -> pd.Series[float]:
    return (
        0.9
        - 0.01 * references["boundary_complexity"]
        + 0.001 * references["intensity_difference"]
        + 0.03 * references["effect"]
    )


def planted(targets: int = 2) -> StudyBoard:
    board = StudyBoard(seed=8).add_targets(targets, clusters=20, per_cluster=5).add_model("sam")
    return board.add_scores("sam", "box", hard_boundaries, gap=0.05)


def rank_by_target(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return ranks within each target, as pandas takes them, about 0 and over the size."""
    grouped = table.groupby("target")[list(names)]
    ranks: pd.DataFrame = (grouped.rank() - 0.5) / grouped.transform("count") - 0.5
    return ranks


def select(rows: tuple[FactorRow, ...], given: bool = True) -> dict[str, FactorRow]:
    return {
        row.factor: row
        for row in rows
        if row.selection == "oracle" and bool(row.given) is given and "efd_order" not in row.given
    }


def test_planted_factors_are_found_and_equal_pingouin_on_ranks_within_targets(
    tmp_path: Path,
) -> None:
    board = planted()
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        rows = study_factors(Cube(connection, ["dice"]))

    found = select(rows)
    table = board.references.assign(dice=hard_boundaries(board.references))
    ranks = rank_by_target(table, "dice", *PAPER_FACTORS)
    for name in PAPER_FACTORS:
        others = [other for other in PAPER_FACTORS if other != name]
        expected = pingouin.partial_corr(ranks, x=name, y="dice", covar=others)
        assert found[name].rho.value == pytest.approx(expected["r"].iloc[0], abs=1e-6)
    complexity = found["boundary_complexity"]
    assert complexity.rho.high is not None
    assert complexity.rho.high < -0.7
    assert complexity.p_holm is not None
    assert complexity.p_holm < 0.001
    assert found["intensity_difference"].rho.value > 0.3
    size = found["size_px"]
    assert size.rho.low is not None
    assert size.rho.high is not None
    assert size.rho.low < 0 < size.rho.high
    assert size.detectable is not None
    assert 0.1 < size.detectable < 0.5


def test_second_run_has_the_order_and_marginal_factors_are_given_nothing(tmp_path: Path) -> None:
    board = planted()
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        rows = study_factors(Cube(connection, ["dice"]), prompts=["box"])

    assert sum(row.factor == "efd_order" for row in rows) == 2
    marginal = select(rows, given=False)
    table = board.references.assign(dice=hard_boundaries(board.references))
    ranks = rank_by_target(table, "components", "dice")
    expected = stats.pearsonr(ranks["components"], ranks["dice"]).statistic
    assert marginal["components"].rho.value == pytest.approx(expected, abs=1e-6)
    assert study_factors_of_nothing(tmp_path) == ()


def study_factors_of_nothing(folder: Path) -> tuple[FactorRow, ...]:
    with open_board(folder / "b.duckdb") as connection:
        return study_factors(Cube(connection, ["dice"]), models=["nobody"])


def test_curves_hold_a_tenth_of_the_references_each(tmp_path: Path) -> None:
    with open_board(planted().write(tmp_path / "b.duckdb")) as connection:
        curves = factor_curves(Cube(connection, ["dice"]), "sam", "box", "oracle")

    by_name = {curve.factor: curve for curve in curves}
    bins = by_name["boundary_complexity"].bins
    assert [one.dice.references for one in bins] == [20] * 10
    assert bins[0].dice.value > bins[-1].dice.value + 0.2
    assert all(one.high < other.low for one, other in pairwise(bins))
    assert len(by_name["components"].bins) == 3
    assert "area_share" in by_name


def test_an_outcome_that_does_not_vary_has_no_correlation(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam").add_scores("sam", "box", 0.5)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        assert study_factors(Cube(connection, ["dice"])) == ()


def test_a_target_in_which_a_factor_does_not_vary_has_no_part(tmp_path: Path) -> None:
    board = planted(targets=3)
    still = board.references["target"] == "ct.organ-1"
    board.references.loc[still, "aspect_ratio"] = 0.5
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        rows = study_factors(cube)

    found = select(rows)
    table = board.references.assign(dice=hard_boundaries(board.references))[~still]
    ranks = rank_by_target(table, "dice", *PAPER_FACTORS)
    others = [other for other in PAPER_FACTORS if other != "size_px"]
    expected = pingouin.partial_corr(ranks, x="size_px", y="dice", covar=others)
    assert found["size_px"].rho.value == pytest.approx(expected["r"].iloc[0], abs=1e-6)
    assert {row.rho.targets for row in found.values()} == {2}
    assert select(rows, given=False)["components"].rho.targets == 3


def test_a_factor_that_varies_nowhere_has_no_row_and_is_not_held_fixed(tmp_path: Path) -> None:
    board = planted()
    board.references["aspect_ratio"] = 0.5
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        found = select(study_factors(Cube(connection, ["dice"])))

    table = board.references.assign(dice=hard_boundaries(board.references))
    ranks = rank_by_target(table, "dice", *PAPER_FACTORS)
    others = ["intensity_difference", "boundary_complexity"]
    expected = pingouin.partial_corr(ranks, x="size_px", y="dice", covar=others)
    assert "aspect_ratio" not in found
    assert found["size_px"].rho.value == pytest.approx(expected["r"].iloc[0], abs=1e-6)


def test_few_clusters_give_a_correlation_without_interval(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=9, per_cluster=6).add_model("sam")
    board.add_scores("sam", "box", hard_boundaries)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        row = select(study_factors(Cube(connection, ["dice"])))["size_px"]

    assert (row.rho.low, row.rho.high, row.p, row.p_holm, row.detectable) == (None,) * 5


def test_an_interval_for_other_targets_is_the_wider_where_targets_differ(tmp_path: Path) -> None:
    board = StudyBoard(seed=5).add_targets(6, clusters=20, per_cluster=5).add_model("sam")
    turned = np.where(board.references["target"].str[-1].astype(int) % 2, -1.0, 1.0)
    board.add_scores("sam", "box", lambda r: 0.5 + turned * r["size_px"] * 2e-5)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        sample = take_references(Cube(connection, ["dice"]))
    size = sample.factors["size_px"]
    outcome = rank_outcome(sample, np.where(sample.target % 2, -size, size))

    narrow, wide = (correlate(sample, outcome, ["size_px"], general=g)[0] for g in (False, True))
    assert narrow is not None
    assert wide is not None
    assert narrow.value == wide.value
    assert narrow.error is not None
    assert wide.error is not None
    assert wide.degrees == 5
    assert wide.error == pytest.approx(1 / 5**0.5, rel=0.1)
    assert wide.error > 3 * narrow.error


def test_what_the_paper_claims_is_turned_so_that_the_claim_is_positive(tmp_path: Path) -> None:
    board = planted(targets=3)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        sample = take_references(Cube(connection, ["dice"]))
    factors = sample.factors
    dice = 0.5 - factors["boundary_complexity"] * 0.01 - factors["intensity_difference"] * 0.001

    boundary, contrast = correlate_claimed(sample, rank_outcome(sample, dice))
    assert boundary is not None
    assert contrast is not None
    assert boundary.low is not None
    assert boundary.high is not None
    assert 0.9 < boundary.low < boundary.value < boundary.high
    assert contrast.value < -0.9
    assert boundary.degrees == 2  # three targets are the fewest of the three kinds of groups


def test_tenths_have_the_error_of_a_ratio_of_two_sums_over_clusters(tmp_path: Path) -> None:
    """Clusters have unequal parts of a tenth; the error is Cochran's, written out."""
    board = StudyBoard(seed=6).add_target("ct.liver", clusters=60, per_cluster=9).add_model("sam")
    board.add_scores("sam", "box", lambda r: 0.7 + 0.05 * r["effect"])
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        curves = factor_curves(Cube(connection, ["dice"]), "sam", "box", "oracle")

    first = next(curve for curve in curves if curve.factor == "position").bins[0]
    table = board.references.assign(dice=0.7 + 0.05 * board.references["effect"])
    inside = table[table["position"].between(first.low, first.high)]
    sums = inside.groupby("cluster_id")["dice"].agg(["sum", "count"])
    ratio = inside["dice"].mean()
    residuals = sums["sum"] - ratio * sums["count"]
    clusters = len(sums)
    error = np.sqrt((residuals**2).sum() * clusters / (clusters - 1)) / len(inside)
    assert first.dice.value == pytest.approx(ratio, abs=1e-6)
    assert first.dice.error == pytest.approx(error, rel=1e-4)
    assert first.dice.degrees == clusters - 1
    half = stats.t.isf(0.025, clusters - 1) * error
    assert first.dice.low is not None
    assert first.dice.high is not None
    with_failure = ratio * clusters / (clusters + 1)
    assert first.dice.low < min(ratio - half, with_failure)
    assert first.dice.high > ratio + half - 1e-6


def test_any_order_of_rows_and_any_threads_give_the_same(tmp_path: Path) -> None:
    board = planted()
    found = []
    for seed, threads in ((1, 1), (2, 2)):
        path = board.write(tmp_path / f"{seed}.duckdb", shuffle=seed)
        with open_board(path) as connection:
            connection.execute(f"SET threads = {threads}")
            cube = Cube(connection, ["dice"])
            found.append((study_factors(cube), factor_curves(cube, "sam", "box", "predicted")))

    assert found[0] == found[1]


def test_studies_after_one_another_see_the_same_as_each_alone(tmp_path: Path) -> None:
    """They share numbered references and placed scores, of one prompt or of all."""
    board = planted().add_scores("sam", "point", lambda r: 0.7 + 0.04 * r["effect"])
    path = board.write(tmp_path / "b.duckdb")
    with open_board(path) as connection:
        alone = study_factors(Cube(connection, ["dice"]))
    with open_board(path) as connection:
        cube = Cube(connection, ["dice"])
        curves = factor_curves(cube, "sam", "point", "oracle")
        box = study_factors(cube, prompts=["box"])
        together = study_factors(cube)
        again = factor_curves(cube, "sam", "point", "oracle")

    assert together == alone
    assert box == tuple(row for row in alone if row.prompt == "box")
    assert curves == again


def test_a_restricted_target_has_part_in_a_curve_only_where_no_tenth_holds_few_of_it(
    tmp_path: Path,
) -> None:
    board = StudyBoard(seed=4).add_target("ct.open", clusters=60, dataset="west")
    board.add_target("ct.wide", clusters=300, dataset="north")
    board.add_target("ct.thin", clusters=40, dataset="north")
    board.add_model("sam").add_scores("sam", "box", 0.8)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        every, cut = (
            factor_curves(cube, "sam", "box", "predicted", closed=closed)
            for closed in ((), {"north"})
        )

    for curve, fewer in zip(every, cut, strict=True):
        references = sum(part.dice.references for part in curve.bins)
        kept = sum(part.dice.references for part in fewer.bins)
        assert references == 800
        assert kept == (720 if curve.factor != "components" else 800), curve.factor
