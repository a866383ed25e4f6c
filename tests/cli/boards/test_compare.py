"""`cosmos-board compare`, as scripts and people read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from tests.boards import PlantedModel, PlantedTarget, planted_board
from tests.study_boards import StudyBoard

PROMISED = (
    *("a", "b", "difference", "low", "high", "verdict", "detectable"),
    *("failures_a", "failures_b", "targets"),
)
REASON = "the interval also allows for one more failed patient"
TARGETS = [
    PlantedTarget(name="ct.liver", dataset="one", clusters=20, references=3),
    PlantedTarget(name="ct.spleen", dataset="two", clusters=12, references=3),
    PlantedTarget(name="mr.brain", dataset="three", clusters=6, references=20),
]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model fails on one answer of each dataset, which is too often on two of them."""
    return planted_board(
        tmp_path_factory.mktemp("compare") / "board.duckdb",
        [
            PlantedModel(name="strong", dice=0.9),
            PlantedModel(name="weak", dice=0.6),
            PlantedModel(name="failing", dice=0.9, failed=1),
        ],
        TARGETS,
    )


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a board on which one model is ahead by 0.03, on 50 clusters that hardly vary."""
    board = StudyBoard(seed=3).add_target("ct.liver", clusters=50)
    for name, dice in (("ahead", 0.73), ("behind", 0.70), ("far", 0.2)):
        board.add_model(name)
        board.add_scores(name, "box", dice + 0.001 * board.references["effect"].to_numpy())
    path = tmp_path_factory.mktemp("narrow") / "board.duckdb"
    board.write(path)
    return path


def compare(db: Path, *arguments: str) -> str:
    call = ["compare", *arguments, "--db", str(db)]
    result = CliRunner().invoke(group, call, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_document_holds_what_scripts_rely_on(db: Path) -> None:
    found = json.loads(compare(db, "strong", "weak", "--json"))
    turned = json.loads(compare(db, "weak", "strong", "--format", "json"))

    assert set(PROMISED) <= set(found)
    assert (found["a"], found["b"], found["verdict"], turned["verdict"]) == (
        "strong", "weak", "better", "worse",
    )  # fmt: skip
    assert found["difference"] == pytest.approx(0.3, abs=0.03)
    assert found["low"] < found["difference"] < found["high"]
    assert [turned[name] for name in ("difference", "low", "high")] == [
        -found[name] for name in ("difference", "high", "low")
    ]
    assert (turned["failures_a"], turned["failures_b"]) == (
        found["failures_b"], found["failures_a"],
    )  # fmt: skip
    verdicts = {row["target"]: row["verdict"] for row in found["targets"]}
    assert verdicts == {"ct.liver": "better", "ct.spleen": "better", "mr.brain": "not tested"}


def test_each_pair_that_is_not_tested_says_why(db: Path) -> None:
    text = compare(db, "failing", "strong")

    reasons = {
        line.split()[0]: line.rpartition("not tested: ")[2].strip()
        for line in text.splitlines()
        if "not tested: " in line
    }
    assert reasons == {
        "target:ct.liver": "too many answers of failing failed",
        "target:ct.spleen": "too many answers of failing failed",
        "target:mr.brain": "fewer than 10 clusters",
        "overall": "too many answers of failing failed",
    }
    assert "3 targets: not tested on 3" in text
    assert "failing: incomplete: 3 of 216 answers on these targets failed" in text


def test_a_verdict_that_the_interval_reaches_past_has_its_reason(narrow: Path) -> None:
    document = json.loads(compare(narrow, "ahead", "behind", "--json"))

    for row in (document, *document["targets"]):
        assert row["verdict"] == "better"
        assert row["low"] < 0 < row["difference"]
        assert row["note"].startswith(REASON)
    lines = compare(narrow, "ahead", "behind").splitlines()
    assert sum("better *" in line for line in lines) == 2
    assert sum(line.startswith(f"* {REASON}") for line in lines) == 1


def test_a_verdict_that_its_interval_shows_needs_none(narrow: Path) -> None:
    document = json.loads(compare(narrow, "ahead", "far", "--json"))

    assert document["verdict"] == "better"
    assert document["low"] > 0.01
    assert document["note"] is None
    assert REASON not in compare(narrow, "ahead", "far")
