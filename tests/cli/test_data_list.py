"""`data list` says of every dataset how to get it, who vouches for it, and whether it is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cosmos_board.cli.data import command
from cosmos_board.data.catalog.load import load_catalog

DATASETS = load_catalog().datasets


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A folder with a pack of one dataset."""
    folder = tmp_path / "packs" / "mine"
    folder.mkdir(parents=True)
    (folder / "pack.json").write_text('{"name": "kvasir-seg"}')
    return folder.parent


def call(*words: object) -> str:
    result = CliRunner().invoke(command, ["list", *map(str, words)])
    assert result.exit_code == 0
    return result.stdout


def test_a_terminal_of_80_characters_shows_all_of_it(
    packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")

    lines = call("--packs", packs).splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["dataset", "access", "fetch", "size", "pack"]
    pairs = dict(zip(lines[2::2], lines[3::2], strict=True))
    assert [first.split()[0] for first in pairs] == list(DATASETS)
    kvasir = next(first for first in pairs if first.startswith("kvasir-seg"))
    assert kvasir.split() == ["kvasir-seg", "direct", "all", "46", "MB", "yes"]
    assert [first for first in pairs if first.endswith("yes")] == [kvasir]
    for first, second in pairs.items():
        dataset = DATASETS[first.split()[0]]
        licence, layout = dataset.licence, dataset.certainty["layout"]
        short = licence if len(licence) <= 30 else f"{licence[:29]}…"
        assert f"  {short}; {layout}".startswith(second.rstrip("…"))
        assert second.endswith("…") or second.endswith(layout)


def test_a_pipe_gets_one_line_a_dataset_with_nothing_cut(packs: Path) -> None:
    first, *lines = call("--packs", packs).splitlines()

    assert len(lines) == len(DATASETS)
    for line, dataset in zip(lines, DATASETS.values(), strict=True):
        place = first.index("licence")
        assert line[place:].startswith(f"{dataset.licence}  ")
        assert f"  {dataset.certainty['layout']}  " in line


def test_json_says_the_same(packs: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(call("--packs", packs, "--json"))

    by_name = {row["name"]: row for row in rows}
    assert list(by_name) == list(DATASETS)
    for name, dataset in DATASETS.items():
        row = by_name[name]
        assert row["access"]["kind"] == dataset.gate.kind
        assert row["download"]["fetching"] in ("all", "in part", "by hand")
        assert row["licence"] == dataset.licence
        assert row["certainty"]["layout"] == dataset.certainty["layout"]
        assert row["pack"] == (str(packs / "mine") if name == "kvasir-seg" else None)
    assert by_name["kvasir-seg"]["download"]["size_bytes"] == 46_200_000
    assert {row["download"]["fetching"] for row in rows} == {"all", "in part", "by hand"}


def test_show_says_what_a_complete_copy_holds() -> None:
    result = CliRunner().invoke(command, ["show", "montgomery-cxr", "--json"])

    (part,) = json.loads(result.stdout)["expected"]
    assert (part["cases"], part["pictures"], part["references"]) == (138, 138, 276)
    assert "138 radiographs" in part["source"]
