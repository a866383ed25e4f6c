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
from tests.kills import Program, kill_when, make_program, wait_for_none
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

PATIENCE_S = 3600
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


@pytest.mark.parametrize("models", ["FAST", "SLOW"])
def test_a_killed_starter_is_finished_by_the_same_command(
    models: str, addresses: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    def plan(out: Path) -> Program:
        words = [sys.executable, "-m", "tests.cli.cosmos.small_starter", models, "cosmos"]
        words += ["--starter", "--out", str(out), "--addresses", str(addresses), "--workers", "1"]
        return make_program(words)

    done = plan(tmp_path / "whole").finish(PATIENCE_S)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "killed"
    program = plan(out)
    for moment in MOMENTS:
        kill_when(program, lambda moment=moment: any(out.glob(moment)), PATIENCE_S)  # type: ignore[misc]
        assert wait_for_none(program.mark) == []
    again = program.finish(PATIENCE_S)
    record_property("kills", len(MOMENTS))

    assert again.returncode == 0, again.stderr
    assert {name: (out / name).read_bytes() for name in FILES} == {
        name: (tmp_path / "whole" / name).read_bytes() for name in FILES
    }
    findings = json.loads((tmp_path / "whole" / "findings.json").read_bytes())
    verdicts = {finding["id"]: finding["verdict"] for finding in findings}
    assert [name for name in DECIDED if verdicts[name] == "not enough data"] == []
