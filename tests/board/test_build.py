"""Boards from planted databases: who is ranked, on what, with which numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from cosmos_board.board.build import Boards, build_boards
from cosmos_board.board.cube import Cube
from cosmos_board.board.leaderboard import rank_boards
from cosmos_board.board.ranking.pairs import pair_row
from cosmos_board.board.types import Board, BoardKey, FailedAnswers, Slice
from cosmos_board.core.errors import InputError
from tests.boards import PlantedModel, PlantedTarget, planted_board

OVERALL = Slice("overall")


def build(path: Path, metrics: Sequence[str] = ("dice",), **settings: object) -> Boards:
    """Return the boards of a planted database."""
    planted_board(path / "board.duckdb", **settings)  # type: ignore[arg-type]
    with duckdb.connect(str(path / "board.duckdb"), read_only=True) as connection:
        return build_boards(connection, metrics)


def box(boards: Boards, part: Slice = OVERALL, metric: str = "dice", **key: str) -> Board:
    """Return the board of the box prompt under the predicted selection."""
    return boards[BoardKey(part, "box", "predicted", metric, **key)]


LIVER = PlantedTarget(name="ct.liver", dataset="one")
SPLEEN = PlantedTarget(name="ct.spleen", dataset="one")
POLYP = PlantedTarget(name="colonoscopy.polyp", dataset="two")


def test_score_is_the_mean_over_clusters_of_the_mean_over_references(tmp_path: Path) -> None:
    boards = build(
        tmp_path, models=[PlantedModel(name="a"), PlantedModel(name="b")], targets=[LIVER, POLYP]
    )

    with duckdb.connect(str(tmp_path / "board.duckdb")) as connection:
        rows = connection.execute(
            """SELECT model, avg(score) FROM (
                 SELECT model, modality, object, avg(score) AS score FROM (
                   SELECT s.model, i.modality, r.object, i.dataset, i.cluster_id,
                          avg(2 * tp / (2 * tp + fp + fn)) AS score
                   FROM scores s JOIN reference_masks r USING (reference_id)
                        JOIN images i USING (image_id)
                   WHERE prompt = 'box' AND selection = 'predicted' GROUP BY ALL)
                 GROUP BY ALL)
               GROUP BY model"""
        ).fetchall()
    found = {row.model: row.score for row in box(boards).rows}
    assert found == pytest.approx(dict(rows), abs=1e-9)


def test_large_targets_do_not_decide_the_macro_mean(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="broad", dice={"ct.liver": 0.7, "colonoscopy.polyp": 0.8}),
            PlantedModel(name="narrow", dice={"ct.liver": 0.75, "colonoscopy.polyp": 0.3}),
        ],
        targets=[PlantedTarget(name="ct.liver", dataset="one", clusters=200), POLYP],
    )

    first, second = box(boards).rows
    assert (first.model, first.rank, first.micro_rank) == ("broad", 1, 2)
    assert (second.model, second.rank, second.micro_rank) == ("narrow", 2, 1)
    assert second.micro > first.micro


def test_a_target_pools_the_clusters_of_its_datasets_and_a_dataset_does_not(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="a")],
        targets=[
            PlantedTarget(name="ct.liver", dataset="large", clusters=30),
            PlantedTarget(name="ct.liver", dataset="small", clusters=10, difficulty=0.4),
        ],
    )

    pooled = box(boards, Slice("target", "ct.liver")).rows[0]
    large = box(boards, Slice("dataset", "large")).rows[0]
    small = box(boards, Slice("dataset", "small")).rows[0]
    assert pooled.clusters == 40
    assert pooled.score == pytest.approx((30 * large.score + 10 * small.score) / 40)
    assert pooled.dataset_balanced == pytest.approx((large.score + small.score) / 2)


def test_failed_predictions_count_as_empty_ones_and_can_never_help(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="sound"), PlantedModel(name="failing", failed=12)],
        targets=[LIVER],
    )

    board = box(boards)
    assert [row.model for row in board.rows] == ["sound", "failing"]
    failing = board.rows[1]
    assert (failing.failed, failing.coverage, failing.rank) == (0.5, 1.0, None)
    assert (failing.status, failing.failing) == ("incomplete", FailedAnswers(12, 24))
    assert failing.score == pytest.approx(board.rows[0].score / 2, abs=0.05)


@pytest.mark.parametrize(("failed", "rank"), [(1, 1), (2, None)])
def test_a_model_of_which_more_than_one_answer_in_a_hundred_failed_is_not_ranked(
    tmp_path: Path, failed: int, rank: int | None
) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="failing", dice=0.9, failed=failed),
            PlantedModel(name="sound", dice=0.5),
        ],
        targets=[replace(LIVER, clusters=50)],
    )

    for board in (board for board in boards.values() if board.key.prompt == "box"):
        rows = {row.model: row for row in board.rows}
        assert rows["failing"].references == 100
        assert rows["failing"].rank == rank
        assert rows["sound"].rank == (2 if rank else 1)
        assert rows["failing"].failing == (None if rank else FailedAnswers(failed, 100))


def test_empty_masks_are_answers_and_keep_their_rank(tmp_path: Path) -> None:
    path = tmp_path / "board.duckdb"
    planted_board(path, models=[PlantedModel(name="empty", failed=12)], targets=[LIVER])
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE scores SET status = 'penalised' WHERE starts_with(status, 'failed')"
        )
        boards = build_boards(connection, ("dice",))

    [row] = box(boards).rows
    assert row.empty is not None
    assert (row.status, row.empty.value, row.failed) == ("ranked", 0.5, 0.0)


def test_a_model_with_a_missing_reference_is_listed_with_its_coverage(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="whole", dice=0.5), PlantedModel(name="partial", missing=6)],
        targets=[LIVER],
    )

    whole, partial = box(boards).rows
    assert (whole.model, whole.rank) == ("whole", 1)
    assert (partial.status, partial.rank, partial.rank_low) == ("incomplete", None, None)
    assert partial.letters == ""
    assert (partial.coverage, partial.references, partial.clusters) == (0.75, 18, 9)


def test_an_unsupported_prompt_is_no_row(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="boxes"), PlantedModel(name="clicks", prompts=("point",))],
        targets=[LIVER],
        prompts=("box", "point"),
    )

    board = box(boards)
    assert [row.model for row in board.rows] == ["boxes"]
    assert [(absent.model, absent.reason) for absent in board.absent] == [("clicks", "unsupported")]


def test_observers_are_listed_and_never_ranked(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="a"),
            PlantedModel(name="observer:b", kind="observer", dice=0.95),
        ],
        targets=[LIVER],
    )

    rows = box(boards).rows
    assert [(row.model, row.status, row.rank) for row in rows] == [
        ("a", "ranked", 1),
        ("observer:b", "observer", None),
    ]


def test_a_model_trained_on_the_data_stands_below_with_its_clean_targets(tmp_path: Path) -> None:
    targets = [LIVER, POLYP, PlantedTarget(name="mr.brain", dataset="three")]
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="clean", dice=0.7),
            PlantedModel(
                name="seen-one",
                dice={"ct.liver": 0.99, "colonoscopy.polyp": 0.6, "mr.brain": 0.6},
                training_data=["one"],
            ),
            PlantedModel(name="seen-all", dice=0.9, training_data=["one", "two", "three"]),
            PlantedModel(name="silent", dice=0.5, training_data=None),
        ],
        targets=targets,
    )

    board = box(boards)
    assert board.facts.targets == ("colonoscopy.polyp", "ct.liver", "mr.brain")
    assert [row.model for row in board.ranked] == ["clean", "silent"]
    everywhere, somewhere = board.rows[2:]
    assert (everywhere.model, everywhere.status, everywhere.trained_on) == (
        "seen-all",
        "trained-on",
        1.0,
    )
    assert (everywhere.clean_targets, everywhere.behind) == (0, None)
    assert (somewhere.model, somewhere.status, somewhere.clean_targets) == (
        "seen-one",
        "trained-on",
        2,
    )
    assert somewhere.trained_on == pytest.approx(1 / 3)
    assert somewhere.score == pytest.approx(0.6, abs=0.03)
    assert somewhere.behind is not None
    assert somewhere.behind.difference == pytest.approx(-0.1, abs=0.03)
    assert somewhere.behind.low < somewhere.behind.difference < somewhere.behind.high
    assert [row.exposure for row in board.rows] == ["clean", "unknown", *["trained-on"] * 2]


def test_a_fine_tuned_model_has_seen_what_its_base_saw(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="base", training_data=["one"]),
            PlantedModel(name="tuned", training_data=["two"], base_model="base"),
        ],
        targets=[LIVER, POLYP],
    )

    one, two = (
        {row.model: row.exposure for row in box(boards, Slice("dataset", name)).rows}
        for name in ("one", "two")
    )
    assert one["tuned"] == two["tuned"] == "trained-on"
    assert two["base"] == "clean"


def test_datasets_of_one_address_are_one_source(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="a", training_data=["one"])],
        targets=[LIVER, POLYP],
        sources={"one": "https://example.org/x", "two": "https://example.org/x"},
    )

    assert [row.exposure for row in box(boards, Slice("dataset", "two")).rows] == ["same-source"]


def test_a_model_has_seen_the_cases_that_a_dataset_shares_with_its_training_data(
    tmp_path: Path,
) -> None:
    """The training part of EndoTect 2020 is Kvasir-SEG, from another address."""
    boards = build(
        tmp_path,
        models=[PlantedModel(name="a", training_data=["kvasir-seg"])],
        targets=[replace(POLYP, dataset="endotect-2020")],
    )

    rows = box(boards, Slice("dataset", "endotect-2020")).rows
    assert [row.exposure for row in rows] == ["same-source"]


def test_synthetic_data_has_its_own_slices_and_no_part_in_others(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="a")],
        targets=[LIVER, PlantedTarget(name="ct.disc", dataset="fake")],
        synthetic=["fake"],
    )

    assert box(boards).facts.targets == ("ct.liver",)
    assert box(boards, Slice("modality", "ct")).facts.datasets == ("one",)
    assert not box(boards).facts.synthetic
    for part in (Slice("dataset", "fake"), Slice("target", "ct.disc"), Slice("object", "disc")):
        assert box(boards, part).facts.synthetic


def test_synthetic_data_alone_makes_no_overall_board(tmp_path: Path) -> None:
    boards = build(tmp_path, models=[PlantedModel(name="a")], targets=[LIVER], synthetic=["one"])

    slices = {key.slice for key in boards}
    assert Slice("overall") not in slices
    assert Slice("modality", "ct") in slices


def test_under_ten_clusters_there_is_a_score_and_neither_interval_nor_rank(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="a"), PlantedModel(name="b", dice=0.6)],
        targets=[PlantedTarget(name="ct.liver", dataset="one", clusters=9)],
    )

    board = box(boards)
    assert not board.facts.ranks
    assert boards.pairs[board.key].family is None
    for row in board.rows:
        assert (row.status, row.rank, row.micro_rank) == ("too-few-clusters", None, None)
        assert row.score > 0.5
        assert (row.low, row.high, row.rank_low, row.rank_high) == (None,) * 4
        assert (row.lead_share, row.letters, row.failure, row.empty) == (None, "", None, None)


def test_score_interval_and_rank_rest_on_one_set_and_thin_targets_stand_apart(
    tmp_path: Path,
) -> None:
    models = [PlantedModel(name="a"), PlantedModel(name="b", dice={"ct.liver": 0.6, "mr.brain": 1})]
    thin = PlantedTarget(name="mr.brain", dataset="three", clusters=4)
    boards = build(tmp_path, models=models, targets=[LIVER, thin])

    board, liver = box(boards), box(boards, Slice("target", "ct.liver"))
    assert board.facts.targets == ("ct.liver",)
    assert [(left.target, left.clusters) for left in board.facts.thin] == [("mr.brain", 4)]
    assert dict(board.facts.thin[0].scores)["b"] > 0.9
    for here, there in zip(board.rows, liver.rows, strict=True):
        assert here == there


def test_oracle_gap_and_gain_over_the_ellipse_are_improvements(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="a", dice=0.8, gap=0.05),
            PlantedModel(name="box-prior", dice=0.66, kind="baseline"),
        ],
        targets=[LIVER],
        noise_sd=0.001,
    )

    row = box(boards).rows[0]
    assert row.model == "a"
    assert row.oracle_gap == pytest.approx(0.05, abs=1e-3)
    assert row.gain_over_box_prior == pytest.approx(0.09, abs=2e-3)


def test_core_and_full_tracks_never_share_a_ranking(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[
            PlantedModel(name="full"),
            PlantedModel(name="sample", track="core", missing=2, tier="self-reported"),
        ],
        targets=[LIVER],
    )

    full, core = box(boards), box(boards, track="core")
    assert [row.model for row in full.rows] == ["full"]
    assert [(row.model, row.rank, row.tier) for row in core.rows] == [
        ("sample", 1, "self-reported")
    ]
    assert (full.facts.references, core.facts.references) == (24, 22)


def test_a_second_run_replaces_nothing_unless_it_has_more_rows(tmp_path: Path) -> None:
    path = planted_board(tmp_path / "b.duckdb", [PlantedModel(name="a")], [LIVER])
    with duckdb.connect(str(path)) as connection:
        before = box(build_boards(connection, ["dice"]))
        connection.execute(
            """INSERT INTO runs SELECT 'again', * EXCLUDE (run_id, started_utc, provenance),
               '2027-01-01', '{}' FROM runs"""
        )
        connection.execute(
            """INSERT INTO scores SELECT 'again', * EXCLUDE (run_id) REPLACE (0 AS tp)
               FROM scores LIMIT 10"""
        )
        assert box(build_boards(connection, ["dice"])) == before


def test_an_empty_database_has_no_boards(tmp_path: Path) -> None:
    boards = build(
        tmp_path, models=[PlantedModel(name="a", prompts=())], targets=[LIVER], prompts=()
    )

    assert len(boards) == 0


def test_all_pairs_come_with_the_board(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name=name, dice=dice) for name, dice in (("a", 0.6), ("b", 0.8))],
        targets=[LIVER, SPLEEN],
    )

    table = boards.pairs[box(boards).key]
    row = pair_row(table, "b", "a")
    assert table.models == ("a", "b")
    assert row.difference == pytest.approx(0.2, abs=0.03)
    assert (row.verdict, pair_row(table, "a", "b").verdict) == ("better", "worse")


def test_new_datasets_are_less_certain_than_new_clusters(tmp_path: Path) -> None:
    targets = [
        PlantedTarget(name="ct.liver", dataset=f"d{index}", clusters=30, difficulty=index / 20)
        for index in range(6)
    ]
    boards = build(tmp_path, models=[PlantedModel(name="a")], targets=targets)

    row = box(boards).rows[0]
    each = [box(boards, Slice("dataset", f"d{index}")).rows[0].score for index in range(6)]
    error = np.std(each, ddof=1) / np.sqrt(6)
    assert row.low is not None
    assert row.low_elsewhere is not None
    assert row.low_elsewhere < row.low
    assert row.score - row.low_elsewhere == pytest.approx(2.5706 * error, rel=1e-3)
    assert box(boards, Slice("dataset", "d0")).rows[0].low_elsewhere is None


def test_the_failure_rate_stands_on_every_board_with_its_exact_interval(tmp_path: Path) -> None:
    boards = build(
        tmp_path,
        models=[PlantedModel(name="good", dice=0.9), PlantedModel(name="bad", dice=0.1)],
        targets=[LIVER],
    )

    good, bad = box(boards).rows
    zero = stats.binomtest(0, 12).proportion_ci(0.95, "exact")
    every = stats.binomtest(12, 12).proportion_ci(0.95, "exact")
    assert good.failure is not None
    assert bad.failure is not None
    assert (good.failure.value, bad.failure.value) == (0.0, 1.0)
    assert (good.failure.low, good.failure.high) == pytest.approx((zero.low, zero.high))
    assert (bad.failure.low, bad.failure.high) == pytest.approx((every.low, every.high))


def test_letters_ranks_and_pairs_show_one_verdict(tmp_path: Path) -> None:
    spread = {"a": 0.9, "b": 0.895, "c": 0.7, "d": 0.69, "e": 0.4}
    boards = build(
        tmp_path,
        models=[PlantedModel(name=name, dice=dice) for name, dice in spread.items()],
        targets=[replace(LIVER, clusters=60), replace(SPLEEN, clusters=60)],
    )

    board = box(boards)
    table = boards.pairs[board.key]
    rows = {row.model: row for row in board.rows}
    for a, b in combinations(spread, 2):
        apart = pair_row(table, a, b).verdict in ("better", "worse")
        assert apart == (not set(rows[a].letters) & set(rows[b].letters))
    assert rows["e"].letters not in rows["a"].letters
    assert (rows["e"].rank_low, rows["e"].rank_high) == (5, 5)
    assert {rows[name].rank_low for name in "ab"} == {1}
    assert {rows[name].rank_high for name in "ab"} == {2}


def test_median_distances_of_drawn_masks_stand_on_boards_of_one_target(tmp_path: Path) -> None:
    path = tmp_path / "board.duckdb"
    planted_board(
        path, models=[PlantedModel(name="a"), PlantedModel(name="b")], targets=[LIVER, POLYP]
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """UPDATE scores SET status = 'penalised', hd95_px = 500 WHERE model = 'a'
               AND reference_id IN (SELECT reference_id FROM reference_masks ORDER BY 1 LIMIT 9)"""
        )
        boards = build_boards(connection, ("dice", "hd95_px"))
        expected = connection.execute(
            """SELECT median(hd95_px) FROM scores JOIN reference_masks USING (reference_id)
               WHERE model = 'a' AND object = 'liver' AND selection = 'predicted'
               AND status = 'ok'"""
        ).fetchone()
        [liver, polyp] = rank_boards(Cube(connection), by="target", metric="assd_px")[::-1]
        with pytest.raises(InputError, match="--by target"):
            rank_boards(Cube(connection), metric="hd95_px")

    assert {key.metric for key in boards} == {"dice"}
    row = next(r for r in box(boards, Slice("target", "ct.liver")).rows if r.model == "a")
    assert (row.hd95_px,) == expected
    assert row.rank is not None
    assert all(r.hd95_px is None for r in box(boards).rows)
    assert (str(liver.key.slice), str(polyp.key.slice)) == (
        "target:ct.liver",
        "target:colonoscopy.polyp",
    )
    assert [(r.status, r.rank, r.letters) for r in liver.rows] == [("distance", None, "")] * 2
    assert liver.rows[0].score <= liver.rows[1].score
