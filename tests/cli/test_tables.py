"""Tables in a pipe show everything; in a narrow terminal the names stay whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_board.cli import data_list, tables
from cosmos_board.cli.boards.analyse import STUDIES
from cosmos_board.cli.main import group
from cosmos_board.data.catalog.load import load_catalog
from tests.site_board import MODELS, Dataset, Model, make_board

LONG = "a-model-of-somebody-with-a-name-of-just-about-sixty-letters-x"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = Model(LONG, "Long", "long", "promptable", 0.8)
    sets = (Dataset("chest", "Chest", (("ct", "lung"), ("ct", "heart"), ("ct", "liver")), 11, 3),)
    return make_board(
        tmp_path_factory.mktemp("tables") / "board.duckdb", (*MODELS, long), sets, studies=True
    )


def say(*arguments: object) -> str:
    result = CliRunner().invoke(group, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "terminal_width", lambda: 80)
    monkeypatch.setattr(data_list, "terminal_width", lambda: 80)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_in_a_pipe_names_models_and_shows_no_repr(study: str, db: Path) -> None:
    said = say("analyse", study, "--db", db)

    for sign in ("Effect(", "ClicksToGoal(", "…\n", "None"):
        assert sign not in said
    if study in ("jitter", "clicks", "factors"):
        assert LONG in said
        assert "predicted" in said
    json.loads(say("analyse", study, "--db", db, "--json"))


@pytest.mark.parametrize("command", ["analyse clicks", "analyse jitter", "rank", "runs list"])
def test_a_narrow_terminal_keeps_what_is_copied_and_says_what_it_left_out(
    command: str, db: Path, narrow: None
) -> None:
    said = say(*command.split(), "--db", db)

    assert (f"{LONG}.chest" if command == "runs list" else LONG) in said
    assert "not shown for want of width" in said
    named = said.partition("want of width: ")[2].partition("; ")[2].partition(" has all")[0]
    option = named.split()[-1 if command != "rank" else -2]
    assert option in say(command.split()[0], *command.split()[1:2], "--help")
    rows = [line.rstrip() for line in said.splitlines() if "sam-vit-b" in line]
    assert max(map(len, rows)) <= 110  # the kept columns alone may be wider than the terminal


def test_lists_keep_every_name_whole_at_eighty_columns(narrow: None) -> None:
    listed, models = say("data", "list"), say("models", "list")

    assert all(f"{dataset.name} " in listed for dataset in load_catalog().datasets.values())
    assert "hf:facebook/sam2.1-hiera-base-plus" in models
    assert max(len(line.rstrip()) for line in listed.splitlines()) <= 80
    assert max(len(line.rstrip()) for line in models.splitlines() if " hf:" in line) <= 80


def test_a_pipe_gets_every_column(db: Path) -> None:
    said = say("rank", "--db", db)

    assert "references" in said
    assert "not shown" not in said


def test_clicks_are_shown_without_signs_and_with_their_clusters(db: Path) -> None:
    said = say("analyse", "clicks", "--db", db).splitlines()
    rows = [line for line in said if LONG in line]

    assert [line.split()[-1] for line in said if "selection" in line] == ["clusters"]
    assert {row.split()[-1] for row in rows} == {"11"}
    assert not any("+" in row for row in rows)
