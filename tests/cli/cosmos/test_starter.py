"""One command from nothing to a ranked board, on replicas of the starter's archives."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cosmos_board.cli.cosmos.boards import FILES
from cosmos_board.data.catalog.starter import load_starter
from tests.downloads.server import Server
from tests.kills import Program, hash_tree, kill_when, make_program, wait_for_none
from tests.replicas.starter import make_archive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

MOMENTS = (
    "raw/montgomery-cxr/.fetch.lock",
    "raw/msd/Task04_Hippocampus.tar",
    "runs/montgomery-cxr/*/jitter/scores/*",
    "board.duckdb",
    "boards.csv",
)
"""What lies in the folder when it is time to kill: in the middle of a download, an import, a run,
before and while boards and site are written. All of it stays there, so that none is missed."""

DAY_S = 86_400
"""A program that was not killed is waited for, however slow the machine is."""

DECIDED = ("F1", "F3", "F5", "F6", "F7")
"""Findings that the starter is large enough for."""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Serve the replicas on this machine; yield the file that says where they are."""
    server = Server()
    path = tmp_path_factory.mktemp("addresses") / "addresses.toml"
    entries = []
    for name, row in load_starter().items():
        names = [each if isinstance(each, str) else each.path for each in row.file_rows]
        urls = {each: server.serve(each, make_archive(each), chunk_s=0.02) for each in names}
        rows = ", ".join(f'{{ path = "{each}", urls = ["{url}"] }}' for each, url in urls.items())
        entries.append(f'[{name}]\nsource = "a replica"\nfiles = [{rows}]\n')
    path.write_text("\n".join(entries))
    yield path
    server.stop()


def plan(out: Path, addresses: Path, amount: str, models: str) -> Program:
    """Return the command that makes a smaller starter board in a folder."""
    words = [sys.executable, "-m", "tests.cli.cosmos.small_starter", amount, models, "cosmos"]
    words += ["--starter", "--out", str(out), "--addresses", str(addresses), "--workers", "1"]
    return make_program(words)


@pytest.mark.parametrize(("amount", "models"), [("enough", "drawn"), ("few", "shipped")])
def test_a_killed_starter_is_finished_by_the_same_command(
    amount: str,
    models: str,
    addresses: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = plan(whole, addresses, amount, models).finish(DAY_S)
    assert done.returncode == 0, done.stderr
    program = plan(killed, addresses, amount, models)
    for moment in MOMENTS:
        kill_when(program, lambda moment=moment: any(killed.glob(moment)), DAY_S)  # type: ignore[misc]
        assert wait_for_none(program.mark) == []
    again = program.finish(DAY_S)
    record_property("kills", len(MOMENTS))

    assert again.returncode == 0, again.stderr
    assert hash_tree(killed / "packs") == hash_tree(whole / "packs")
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    ranks = [row["rank"] for row in json.loads((whole / "boards.json").read_bytes())]
    assert (3 in ranks) == (amount == "enough")


def test_the_shipped_models_decide_the_findings(addresses: Path, tmp_path: Path) -> None:
    done = plan(tmp_path / "out", addresses, "enough", "shipped").finish(DAY_S)

    assert done.returncode == 0, done.stderr
    findings = json.loads((tmp_path / "out" / "findings.json").read_bytes())
    verdicts = {finding["id"]: finding["verdict"] for finding in findings}
    assert [name for name in DECIDED if verdicts[name] == "not enough data"] == []
