from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.stats import binomtest

from cosmos_board.board.advice.advice import Advice, advise, advise_everywhere
from cosmos_board.board.cube import Cube
from cosmos_board.board.studies.jitter import study_jitter
from cosmos_board.cli.boards.advise import describe_advice
from cosmos_board.core.errors import InputError, UnknownNameError
from cosmos_board.site.language.messages import say
from cosmos_board.store.board import open_board
from tests.one_more import bound_pair
from tests.study_boards import StudyBoard


def notes_of(advice: Advice) -> tuple[str, ...]:
    """Return what must be said beside advice, in English."""
    return tuple(say(note) for note in advice.notes)


def ask(
    board: StudyBoard, folder: Path, object_: str = "liver", size_px: int | None = None
) -> Advice:
    path = folder / "b.duckdb"
    if not path.exists():
        board.write(path)
    with open_board(path) as connection:
        return advise(Cube(connection, ["dice"]), "ct", object_, size_px)


def planted() -> StudyBoard:
    board = StudyBoard(seed=12).add_target("ct.liver", clusters=20).add_target("ct.spleen")
    board.add_target("ultrasound.liver", dataset="south")
    board.add_model("sam").add_model("tiny", family="tiny")
    board.add_scores("sam", "box", lambda r: 0.9 + 0.02 * np.tanh(r["effect"]), gap=0.02)
    board.add_scores("sam", "point", lambda r: np.where(r["effect"] < -0.5, 0.3, 0.9))
    board.add_scores("tiny", "box", 0.7)
    for level, drop in ((0, 0.002), (10, 0.005), (20, 0.2)):
        dice = 0.9 + 0.02 * np.tanh(board.references["effect"].to_numpy()) - drop
        board.add_scores("sam", "box", dice, gap=0.02, study="jitter", level=level, mode="first")
    return board


def test_the_best_segmenter_and_prompt_are_named_with_what_to_expect(tmp_path: Path) -> None:
    advice = ask(planted(), tmp_path)

    assert advice.verdict == "advised"
    assert advice.best is not None
    assert (advice.best.option.model, advice.best.option.prompt) == ("sam", "box")
    assert advice.best.expected == pytest.approx(0.88, abs=0.02)
    assert advice.best.low < advice.best.expected < advice.best.high
    assert advice.best.failure.value == advice.best.failure.low == 0.0
    assert advice.best.failure.high >= 0.168
    assert sorted(option.model for option in advice.options[1:]) == ["sam", "tiny"]
    less = advice.best.list_less_work()
    assert [(one.option.prompt, one.verdict) for one in less] == [("point", "cannot tell")]
    assert less[0].needed_clusters is not None
    assert less[0].needed_clusters > 20
    assert less[0].detectable > abs(less[0].difference)
    asdict(advice)


def test_risk_is_the_share_of_failures(tmp_path: Path) -> None:
    board = planted()
    liver = board.references[
        (board.references["object"] == "liver") & (board.references["modality"] == "ct")
    ]
    failing = (liver.groupby("cluster_id")["effect"].first() < -0.5).mean()

    advice = ask(board, tmp_path)
    point = next(option for option in advice.options if option.prompt == "point")
    assert point.failure is not None
    assert point.failure.value == pytest.approx(failing)
    exact = binomtest(round(failing * 20), 20).proportion_ci(method="exact")
    assert (point.failure.low, point.failure.high) == pytest.approx((exact.low, exact.high))
    assert advice.best is not None
    other = next(one for one in advice.best.alternatives if one.option.prompt == "point")
    assert other.difference == pytest.approx(point.mean - advice.options[0].mean)
    assert other.low < other.difference < 0


def test_the_box_may_be_off_as_far_as_little_is_lost(tmp_path: Path) -> None:
    advice = ask(planted(), tmp_path)

    assert [care.level for care in advice.care] == [0, 10, 20]
    assert [round(care.drop.value, 4) for care in advice.care] == [0.002, 0.005, 0.2]
    assert advice.careful_px == 20


def test_a_cheaper_prompt_is_offered_where_nothing_is_lost(tmp_path: Path) -> None:
    board = StudyBoard(seed=13).add_target("ct.liver", clusters=20).add_model("sam")
    board.add_scores("sam", "points-5", lambda r: 0.85 + 0.05 * np.tanh(r["effect"]))
    board.add_scores("sam", "point", lambda r: 0.847 + 0.05 * np.tanh(r["effect"]))
    board.add_scores("sam", "everything", 0.99)

    advice = ask(board, tmp_path)
    assert advice.best is not None
    assert advice.best.option.prompt == "points-5"
    simpler = advice.best.find_simpler()
    assert simpler is not None
    assert simpler.option.prompt == "point"
    assert abs(simpler.difference) < 0.01
    # The interval tells besides what one more failure of either would do.
    tanh = 0.05 * np.tanh(board.references["effect"].to_numpy()).reshape(20, -1).mean(axis=1)
    low, high = bound_pair(0.847 + tanh, 0.85 + tanh)
    assert (simpler.low, simpler.high) == pytest.approx((low, high), abs=1e-4)
    assert simpler.needed_clusters is None
    assert "everything" not in {option.prompt for option in advice.options}
    assert advice.careful_px is None


def test_an_unknown_target_is_unknown_and_its_neighbours_are_shown(tmp_path: Path) -> None:
    advice = ask(planted(), tmp_path, "livr")

    assert advice.verdict == "no data"
    assert advice.best is None
    assert notes_of(advice) == ("The board has no data on ct.livr. Near in name: liver.",)
    assert [near.target for near in advice.near] == ["ct.liver", "ct.spleen"]


def test_the_same_object_elsewhere_comes_before_the_same_modality(tmp_path: Path) -> None:
    board = planted()
    board.references = board.references[
        ~((board.references["object"] == "liver") & (board.references["modality"] == "ct"))
    ]
    board.scores = [
        table[table["reference_id"].isin(board.references["reference_id"])]
        for table in board.scores
    ]

    advice = ask(board, tmp_path)
    assert [near.target for near in advice.near] == ["ultrasound.liver", "ct.spleen"]


def test_few_clusters_give_scores_and_no_answer(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver", clusters=6).add_model("sam")
    board.add_scores("sam", "box", 0.8)

    advice = ask(board, tmp_path)
    assert advice.verdict == "too few clusters to recommend a model"
    assert (advice.best, advice.choices) == (None, ())
    assert advice.options[0].mean == pytest.approx(0.8, abs=0.01)
    assert (advice.options[0].low, advice.options[0].failure) == (None, None)
    assert notes_of(advice)[0].startswith("6 clusters: too few to recommend a model")
    said = " ".join(describe_advice(advice, list(notes_of(advice))))
    assert "use " not in said
    assert "%" not in said


def test_size_narrows_the_references_or_says_that_it_cannot(tmp_path: Path) -> None:
    board = StudyBoard(seed=14).add_target("ct.liver", clusters=20, per_cluster=4)
    board.references["size_px"] = np.where(board.references.index % 2 == 0, 100, 10_000)
    board.add_model("small-is-well").add_model("large-is-well")
    for model, small, large in (("small-is-well", 0.9, 0.3), ("large-is-well", 0.6, 0.95)):
        dice = np.where(board.references["size_px"] == 100, small, large)
        board.add_scores(model, "box", dice)

    chosen = {}
    for size_px in (None, 120, 9_000, 1_000):
        advice = ask(board, tmp_path, size_px=size_px)
        assert advice.best is not None
        assert advice.references == (80 if size_px in (None, 1_000) else 40)
        chosen[size_px] = (advice.best.option.model, round(advice.best.expected, 3))
    assert chosen == {
        None: ("large-is-well", 0.775),
        120: ("small-is-well", 0.9),
        9_000: ("large-is-well", 0.95),
        1_000: ("large-is-well", 0.775),
    }
    assert "all sizes" in notes_of(advice)[0]


def test_a_model_trained_on_the_data_is_not_advised(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam")
    board.add_model("cheat", training_data=["north"]).add_model("observer:bo", kind="observer")
    board.add_scores("sam", "box", 0.8)
    board.add_scores("cheat", "box", 0.99).add_scores("observer:bo", "box", 0.95)

    assert [option.model for option in ask(board, tmp_path).options] == ["sam"]


def test_a_model_that_skipped_references_is_not_advised(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam")
    answered = np.arange(24) > 0
    board.add_scores("sam", "box", 0.8, rows=lambda r: answered)

    advice = ask(board, tmp_path)
    assert advice.verdict == "no data"
    assert "answered every reference" in notes_of(advice)[0]


def test_a_model_whose_answers_failed_is_neither_advised_nor_taken_for_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "b.duckdb"
    planted().write(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE scores SET status = 'failed: ValueError: bad' WHERE model = 'sam' AND trial = 0"
            " AND prompt = 'box' AND reference_id IN (SELECT reference_id FROM reference_masks"
            " ORDER BY reference_id LIMIT 20)"
        )
    advice = ask(planted(), tmp_path)

    assert ("sam", "box") not in {(one.model, one.prompt) for one in advice.options}
    assert ("sam", "point") in {(one.model, one.prompt) for one in advice.options}
    with open_board(path) as connection:
        cube = Cube(connection, ["dice"])
        assert "sam" not in cube.whole_dice("full", "box", "predicted")
        assert "sam" in cube.whole_dice("full", "point", "predicted")


@pytest.mark.parametrize(
    ("sam", "prior", "adequate"), [(0.6, 0.66, False), (0.8, 0.66, True), (0.4, 0.2, False),
                                   (0.7, 0.66, False)],
    ids=["behind the baseline", "ahead of it", "ahead and failing", "ahead but for one failure"],
)  # fmt: skip
def test_neither_a_baseline_nor_what_is_behind_it_nor_what_fails_is_recommended(
    sam: float, prior: float, adequate: bool, tmp_path: Path
) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam")
    board.add_model("box-prior", kind="baseline", family="baseline")
    board.add_scores("sam", "box", sam).add_scores("box-prior", "box", prior)

    advice = ask(board, tmp_path)
    said = " ".join(describe_advice(advice, list(notes_of(advice))))
    assert {option.model for option in advice.options} == {"sam"}
    assert (advice.best is not None) == adequate
    assert (advice.verdict == "advised") == adequate
    assert ("no tested model is adequate for this target" in said) == (not adequate)
    assert ("use sam with box" in said) == adequate


def test_a_segmenter_that_fails_technically_is_no_option(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam").add_model("broken")
    board.add_scores("sam", "box", 0.8).add_scores("broken", "box", 0.95)
    path = board.write(tmp_path / "b.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE scores SET status = 'failed: out of memory', tp = 0 WHERE model = 'broken' AND"
            " reference_id = (SELECT min(reference_id) FROM scores)"
        )

    assert {option.model for option in ask(board, tmp_path).options} == {"sam"}


def test_synthetic_data_answers_for_itself_and_says_so(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver")
    board.add_target("synthetic.organ", dataset="drawn", clusters=1)
    board.add_model("sam").add_scores("sam", "box", 0.8)
    path = board.write(tmp_path / "b.duckdb")
    connection = duckdb.connect(str(path))
    connection.execute("UPDATE datasets SET synthetic = true WHERE dataset = 'drawn'")
    connection.close()

    with open_board(path) as opened:
        advice = advise(Cube(opened, ["dice"]), "synthetic", "organ")
    assert advice.verdict == "too few clusters to recommend a model"
    assert "The data is synthetic." in notes_of(advice)
    assert notes_of(advice)[0].startswith("1 cluster: too few")


def test_wrong_questions_are_refused(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam").add_scores("sam", "box", 0.8)
    with open_board(board.write(tmp_path / "b.duckdb")) as connection:
        cube = Cube(connection, ["dice"])
        with pytest.raises(UnknownNameError):
            advise(cube, "cat", "liver")
        with pytest.raises(InputError):
            advise(cube, "ct", "The Liver")
        with pytest.raises(InputError, match="area"):
            advise(cube, "ct", "liver", 0)


def test_advice_for_every_target_is_what_each_would_be_told(tmp_path: Path) -> None:
    board = planted()
    alone = ask(board, tmp_path)
    with open_board(tmp_path / "b.duckdb") as connection:
        cube = Cube(connection, ["dice"])
        jitter = study_jitter(cube)
        everything = advise_everywhere(cube, jitter, per_prompt=9)
        shortest = advise_everywhere(cube, jitter)
        nobody = advise_everywhere(cube, jitter, track="core")

    liver = next(one for one in everything if (one.modality, one.object) == ("ct", "liver"))
    assert replace(liver, notes=alone.notes) == alone
    assert {one.options for one in shortest} != {one.options for one in everything}
    best = next(one for one in shortest if (one.modality, one.object) == ("ct", "liver"))
    assert [(o.model, o.prompt) for o in best.options] == [("sam", "box"), ("sam", "point")]
    assert nobody == ()
