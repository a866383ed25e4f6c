"""`analyse` prints studies as tables and JSON that say what the data could have shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cosmos_board.cli.main import group
from tests.study_boards import StudyBoard


def board(clusters: int) -> StudyBoard:
    """A model that loses 0.3 on average to jitter, or nothing at level 0, and two readers."""
    made = StudyBoard(seed=1).add_targets(2, clusters=clusters)
    made.add_model("sam").add_model("grabcut", kind="classical")
    for name, slope in (("sam", 0.01), ("grabcut", 0.04)):
        made.add_scores(name, "point", 0.7)
        for click in range(1, 11):
            level = 0.5 + slope * click
            made.add_scores(name, "point", level, study="clicks", click=click)
    for level, lost in ((0, 0.0), (20, 0.3)):
        dice = 0.7 - lost + 0.1 * made.rng.uniform(-1, 1, len(made.references))
        made.add_scores("sam", "point", dice, study="jitter", level=level, mode="first")
    everyone = made.references["reference_id"].tolist()
    for reader in ("anna", "bo"):
        for arm, seconds in (("unaided", 30.0), ("assisted", 20.0)):
            made.add_reading(reader, arm, 0.9, seconds, references=everyone)
    return made


def analyse(study: str, db: Path, *options: str) -> str:
    call = ["analyse", study, "--db", str(db), *options]
    result = CliRunner().invoke(group, call, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def read(study: str, db: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(analyse(study, db, "--json"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return board(20).write(tmp_path_factory.mktemp("wide") / "b.duckdb")


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return board(6).write(tmp_path_factory.mktemp("thin") / "b.duckdb")


def test_every_effect_names_the_least_that_could_have_been_shown(wide: Path) -> None:
    for row in read("jitter", wide):
        assert row["drop"]["detectable"] > 0
    for row in read("annotation", wide)["rows"]:
        assert row["gain"]["detectable"] >= 0
        assert row["other_readers"] is False
    assert read("clicks", wide)["crossings"][0]["first"]["detectable"] > 0


def test_a_table_names_it_only_where_nothing_is_shown(wide: Path) -> None:
    rows = [line.split() for line in analyse("jitter", wide).splitlines() if " sam " in line]

    last = {(row[1], row[2], row[3], row[4]): row[-1] for row in rows}
    assert any(value == "–" for value in last.values())
    assert any(re.fullmatch(r"0\.\d{3}", value) for value in last.values())


@pytest.mark.parametrize("study", ["jitter", "clicks", "annotation"])
def test_under_ten_clusters_no_study_says_who_is_ahead_or_that_nothing_fails(
    study: str, thin: Path
) -> None:
    said = analyse(study, thin)

    assert not re.search(r"\b(leads?|best|tied|won|lost|better|ahead|0 ?%)", said), said
    document = read(study, thin)
    assert '"detectable": null' in json.dumps(document)
    assert '"ahead_at_first": true' not in json.dumps(document)
