from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.claims import CLAIMS
from cosmos_board.board.findings.evidence import Evidence
from cosmos_board.board.findings.findings import Finding, decide, find_findings, find_verdict
from cosmos_board.board.messages import Message
from cosmos_board.board.studies.effects import Effect
from cosmos_board.cli.boards.analyse import describe_finding
from cosmos_board.site.language.messages import CLAIM_TEXTS, say
from cosmos_board.store.board import open_board
from cosmos_board.store.queries.findings import FINDING_QUERIES
from tests.finding_worlds import WORLDS, plant
from tests.study_boards import SIX, StudyBoard

IDS = tuple(f"F{number}" for number in range(1, 9))


def effect_of(finding: Finding) -> Effect:
    """Return the effect of a finding that has one."""
    assert finding.oracle.effect is not None
    return finding.oracle.effect


def missing_of(finding: Finding) -> tuple[str, ...]:
    """Return what a finding lacks, in English."""
    return tuple(say(message) for message in finding.oracle.missing)


def findings(board: StudyBoard, folder: Path, *, shuffle: int | None = None) -> dict[str, Finding]:
    path = board.write(folder / f"{shuffle}.duckdb", shuffle=shuffle)
    with open_board(path) as connection:
        return {finding.id: finding for finding in find_findings(Cube(connection, ["dice"]))}


@pytest.mark.parametrize("verdict", list(WORLDS))
def test_every_finding_gets_the_verdict_that_was_planted(tmp_path: Path, verdict: str) -> None:
    found = findings(plant(WORLDS[verdict]), tmp_path)

    verdicts = {name: finding.verdict for name, finding in found.items()}
    assert verdicts == dict.fromkeys(IDS, verdict)


def test_planted_effects_come_back_with_what_they_rest_on(tmp_path: Path) -> None:
    found = findings(plant(WORLDS["holds"]), tmp_path)

    expected = {"F1": 1 / 12, "F2": 0.05, "F3": 0.1, "F5": 0.2, "F6": 0.1, "F8": 0.1}
    effects = {name: effect_of(found[name]).value for name in expected}
    # Dice ends at 0 and 1, which takes a little off some of what was planted.
    assert effects == pytest.approx(expected, abs=0.005)
    assert found["F3"].oracle.evidence.models == ("sam-vit-b", "sam-vit-h")
    assert effect_of(found["F3"]).targets == effect_of(found["F3"]).clusters == 12
    assert found["F3"].family == "sam"
    assert found["F3"].families == ()
    assert effect_of(found["F7"]).references == 288
    assert [part.name for part in found["F3"].oracle.evidence.parts] == ["point-gain", "box-gain"]
    assert found["F4"].predicted is None


def test_any_order_of_rows_gives_the_same_bytes(tmp_path: Path) -> None:
    board = plant(WORLDS["weakened"])

    once, again = findings(board, tmp_path), findings(board, tmp_path, shuffle=5)
    assert json.dumps(
        [describe_finding(finding) for finding in once.values()], allow_nan=False
    ) == (json.dumps([describe_finding(finding) for finding in again.values()], allow_nan=False))


def test_an_empty_board_names_everything_that_is_missing(tmp_path: Path) -> None:
    found = findings(StudyBoard().add_target("ct.liver"), tmp_path)

    assert {finding.verdict for finding in found.values()} == {"not enough data"}
    missing = {name: missing_of(finding) for name, finding in found.items()}
    assert missing == {
        "F1": ("scores of a promptable model",),
        "F2": ("model sam-vit-b", "model sam-vit-h"),
        "F3": (f"a promptable model with {', '.join(SIX)}",),
        "F4": ("an annotation log with both arms of the same references",),
        "F5": (
            "jitter study of box (first) at 20–30 px",
            "jitter study of point (first) at 20–30 px",
        ),
        "F6": (
            "clicks study of a promptable model",
            "clicks study of an interactive method (a classical model)",
        ),
        "F7": ("a promptable model with box",),
        "F8": ("a fine-tuned model",),
    }


def test_missing_prompts_are_named_one_by_one(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam-vit-b").add_model("sam-vit-l")
    board.add_scores("sam-vit-b", "point", 0.6).add_scores("sam-vit-b", "everything", 0.6)

    found = findings(board, tmp_path)
    assert missing_of(found["F3"]) == (
        "prompt points-5",
        "prompt points-5-5",
        "prompt box",
        "prompt box-point",
    )
    assert missing_of(found["F7"]) == ("prompt box",)


def test_too_few_targets_and_clusters_are_counted(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver", clusters=12).add_target("ct.spleen", clusters=4)
    board.add_model("sam-vit-b").add_model("sam-vit-h")
    for prompt in SIX:
        board.add_scores("sam-vit-b", prompt, 0.6)
        if prompt != "point":
            board.add_scores("sam-vit-h", prompt, 0.7)
    everyone = board.references["reference_id"].tolist()
    for arm in ("unaided", "assisted"):
        board.add_reading("anna", arm, 0.8, 9.0, references=everyone[-4:])

    found = findings(board, tmp_path)
    few = "targets with at least 10 clusters each (1 of 2 have them; the most is 12)"
    missing = {name: missing_of(finding) for name, finding in found.items()}
    assert missing["F1"] == (f"10 {few}",)
    assert missing["F2"] == ("scores of sam-vit-h with point",)
    assert missing["F3"] == (f"3 {few}",)
    assert missing["F4"] == (
        "annotations of 10 clusters (there are 2)",
        "annotations of 3 targets (there are 1)",
    )
    assert missing["F7"] == (
        "200 references with factors and a box (there are 32)",
        "3 targets with factors and a box (there are 2)",
    )


def test_missing_halves_of_studies_are_named(tmp_path: Path) -> None:
    board = plant(WORLDS["holds"])
    kept = []
    for table in board.scores:
        row = table.iloc[0]
        jittered_point = row["study"] == "jitter" and row["prompt"] == "point"
        interactive = row["study"] == "clicks" and row["model"] == "grabcut"
        if not (jittered_point or interactive or row["model"] == "sam-tuned"):
            kept.append(table)
    board.scores = kept

    found = findings(board, tmp_path)
    assert missing_of(found["F5"]) == ("jitter study of point (first) at 20–30 px",)
    assert missing_of(found["F6"]) == ("clicks study of an interactive method (a classical model)",)
    assert missing_of(found["F8"]) == ("scores of sam-tuned and sam-vit-b with box",)


def test_seen_clusters_have_no_part_in_fine_tuning(tmp_path: Path) -> None:
    board = plant(WORLDS["holds"])
    next(model for model in board.models if model["model"] == "sam-tuned")["training_data"] = [
        "north"
    ]
    assert missing_of(findings(board, tmp_path, shuffle=1)["F8"]) == (
        "sam-tuned: no record of which clusters of north it was trained on",
    )
    board.seen = [("sam-tuned", "north", "c0000"), ("sam-tuned", "north", "c0001")]
    assert effect_of(findings(board, tmp_path, shuffle=2)["F8"]).clusters == 10


def test_a_model_has_no_part_where_it_was_trained(tmp_path: Path) -> None:
    board = plant(WORLDS["holds"])
    for model in board.models:
        if model["model"] == "sam-vit-h":
            model["training_data"] = ["north"]

    found = findings(board, tmp_path)
    assert found["F3"].oracle.evidence.models == ("sam-vit-b",)
    assert found["F2"].verdict == "not enough data"


def test_families_are_decided_by_themselves_and_the_headline_is_sams(tmp_path: Path) -> None:
    board = plant(WORLDS["holds"])
    board.add_model("tiny", family="tiny")
    for prompt in SIX:
        board.add_scores("tiny", prompt, 0.6 if prompt == "everything" else 0.5)

    finding = findings(board, tmp_path)["F3"]
    assert (finding.family, finding.verdict) == ("sam", "holds")
    assert {one.family: one.oracle.verdict for one in finding.families} == {
        "sam": "holds",
        "tiny": "overturned",
    }


def test_without_sam_the_headline_takes_all_families_together(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_targets(3)
    for name, gain in (("a", 0.3), ("b", 0.1)):
        board.add_model(name, family=name)
        for prompt in SIX:
            board.add_scores(name, prompt, {"everything": 0.4, "box": 0.6 + gain}.get(prompt, 0.6))

    finding = findings(board, tmp_path)["F3"]
    assert finding.family == ""
    assert finding.oracle.evidence.models == ("a", "b")
    assert effect_of(finding).value == pytest.approx(0.2)


def test_predicted_selection_stands_beside_the_oracle(tmp_path: Path) -> None:
    board = StudyBoard(seed=4).add_targets(3).add_model("sam-vit-b")
    for prompt in SIX:
        dice = {"everything": 0.55, "box": 0.8}.get(prompt, 0.6)
        board.add_scores("sam-vit-b", prompt, dice, gap=0.1)

    finding = findings(board, tmp_path)["F3"]
    assert finding.verdict == "holds"
    assert finding.predicted is not None
    assert finding.predicted.verdict == "overturned"
    assert finding.predicted.effect is not None
    assert finding.predicted.effect.value == pytest.approx(-0.05)


def test_annotators_must_be_both_better_and_faster(tmp_path: Path) -> None:
    """Dice gains hold, but assistance costs time: the weaker verdict decides."""
    found = findings(plant(replace(WORLDS["holds"], seconds_saved=-5.0)), tmp_path)

    assert found["F4"].verdict == "overturned"
    assert effect_of(found["F4"]).value == pytest.approx(-5.0 * 12)
    parts = found["F4"].oracle.evidence.parts
    assert [part.name for part in parts] == ["dice-gained", "seconds-saved"]


def test_data_version_changes_with_the_data_only(tmp_path: Path) -> None:
    board = StudyBoard().add_target("ct.liver").add_model("sam").add_scores("sam", "box", 0.5)

    first = findings(board, tmp_path, shuffle=1)["F1"].data_version
    assert findings(board, tmp_path, shuffle=2)["F1"].data_version == first
    board.add_scores("sam", "point", 0.5)
    assert findings(board, tmp_path, shuffle=3)["F1"].data_version != first


def test_queries_run_and_show_what_the_effect_is_made_of(tmp_path: Path) -> None:
    path = plant(WORLDS["holds"]).write(tmp_path / "b.duckdb")
    connection = duckdb.connect(str(path), read_only=True)
    tables = {claim.id: connection.execute(claim.query).fetchdf() for claim in CLAIMS}
    connection.close()
    with open_board(path) as opened:
        all_found = find_findings(Cube(opened, ["dice"]))
    found = all_found[1]

    assert all(len(table) for table in tables.values())
    sizes = tables["F2"].pivot_table(index=["target", "prompt"], columns="model", values="dice")
    gain = (sizes["sam-vit-h"] - sizes["sam-vit-b"]).groupby("target").mean().mean()
    assert gain == pytest.approx(effect_of(found).value, abs=1e-6)
    assert set(tables["F8"]["model"]) == {"sam-tuned"}
    gains = tables["F8"].groupby("target")["gain"].mean().mean()
    tuning = next(finding for finding in all_found if finding.id == "F8")
    assert gains == pytest.approx(effect_of(tuning).value, abs=1e-6)


def test_a_share_is_never_less_than_nothing(tmp_path: Path) -> None:
    board = StudyBoard(seed=3).add_targets(12)
    board.add_model("sam")
    weak = board.references["target"] == "ct.organ-0"
    good = 0.95 - 0.005 * np.abs(board.references["effect"])
    board.add_scores("sam", "box", np.where(weak, 0.5 + 0.05 * board.references["effect"], good))

    effect = effect_of(findings(board, tmp_path)["F1"])

    assert effect.low is not None
    assert effect.low >= 0


def test_what_an_interval_lacks_is_named(tmp_path: Path) -> None:
    """Ten clusters of ten datasets leave no degree of freedom."""
    board = StudyBoard(seed=3)
    for number in range(3):
        for site in range(10):
            board.add_target(f"ct.organ-{number}", clusters=1, dataset=f"site-{site}")
    board.add_model("sam")
    for prompt in SIX:
        board.add_scores("sam", prompt, 0.5)

    decided = findings(board, tmp_path)["F3"].oracle

    assert decided.verdict == "not enough data"
    assert decided.missing == (Message("interval-clusters"),)


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        pytest.param(0.2, 0.11, 0.3, "holds", id="wholly beyond"),
        pytest.param(0.2, 0.1, 0.3, "weakened", id="touching the threshold"),
        pytest.param(0.1, 0.0, 0.2, "undecided", id="estimate on the threshold"),
        pytest.param(0.05, 0.0, 0.1, "undecided", id="touching from below"),
        pytest.param(0.05, 0.0, 0.09, "overturned", id="wholly below"),
        pytest.param(0.5, None, None, "not enough data", id="no interval"),
    ],
)
def test_verdicts_are_read_off_the_interval(
    value: float, low: float | None, high: float | None, verdict: str
) -> None:
    effect = Effect(
        value=value, low=low, high=high, error=0.01, degrees=9, targets=3, clusters=10,
        references=10, left_out=0,
    )  # fmt: skip

    assert find_verdict(effect, 0.1) == verdict
    assert decide(Evidence(effects=(effect,)), 0.1).verdict == verdict


def test_every_claim_is_worded_and_numbers_carry_their_certainty() -> None:
    assert tuple(claim.id for claim in CLAIMS) == tuple(CLAIM_TEXTS) == IDS
    assert tuple(FINDING_QUERIES) == IDS
    for claim in CLAIMS:
        text = CLAIM_TEXTS[claim.id]
        assert text.statement
        assert text.effect
        assert text.needs
        assert (claim.certainty == "not found") == (text.source == "")
    assert [claim.threshold for claim in CLAIMS] == [0.05, 0.0, 0.0, 0.0, 0.05, 0.0, 0.1, 0.0]
