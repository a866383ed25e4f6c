"""What the command refuses before it begins, and how it goes on without a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cosmos_board.cli.cosmos.command import command
from cosmos_board.cli.data import command as data
from cosmos_board.core.errors import ExitCode, InputError, UnknownNameError, UsageError
from tests.data.raw_files import draw_noise, save_picture


def call(*words: str) -> Result:
    return CliRunner().invoke(command, words)


@pytest.mark.parametrize("words", [[], ["--starter", "kvasir-seg"]], ids=["nothing", "both"])
def test_either_names_or_the_starter_are_wanted(words: list[str], tmp_path: Path) -> None:
    result = call(*words, "--out", str(tmp_path / "out"))

    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    result = call("kvasir-seg", "kvasir-sag", "--out", str(tmp_path / "out"))

    assert isinstance(result.exception, UnknownNameError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pair", ["kits19 kits21", "endotect-2020 kvasir-seg", "msd abdomenct-1k"])
def test_two_datasets_with_the_same_patients_are_refused_before_anything_is_fetched(
    pair: str, tmp_path: Path
) -> None:
    result = call("stare", *pair.split(), "--out", str(tmp_path / "out"))

    assert isinstance(result.exception, UsageError)
    first, second = pair.split()
    assert f"{first}: has cases of {second}, which is named too" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    result = call("idrid-2018", "--out", str(tmp_path))

    assert isinstance(result.exception, InputError)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_dataset_that_a_person_must_fetch_is_named_with_where_and_what(tmp_path: Path) -> None:
    result = call("idrid-2018", "--out", str(tmp_path / "out"))

    assert result.exit_code == ExitCode.REFUSED
    (line,) = result.stderr.splitlines()
    assert line.startswith("idrid-2018: left out: ")
    assert str(tmp_path / "out" / "raw" / "idrid-2018") in line
    assert "A. Segmentation" in line


def test_the_plan_is_shown_as_data_import_shows_it(tmp_path: Path) -> None:
    """Gated files that were put in place before the first call are taken, too."""
    raw = tmp_path / "out/raw/idrid-2018"
    for name in ("a", "b"):
        save_picture(raw / f"unexpected-{name}.png", draw_noise())
    options = ["--source", str(raw), "--out", str(tmp_path / "pack")]
    shown = CliRunner().invoke(data, ["import", "idrid-2018", *options])

    result = call("idrid-2018", "--out", str(tmp_path / "out"))

    assert shown.stdout
    assert all(line in result.stderr for line in shown.stdout.splitlines())
