"""A full run and a core submission of one model with other scores, as on the published board."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cosmos_board.board.cube import Cube
from cosmos_board.board.findings.findings import find_findings
from cosmos_board.board.leaderboard import rank_boards
from cosmos_board.board.types import Board, Slice
from cosmos_board.cli.boards.board_rows import list_rows
from cosmos_board.cli.tables import describe_board
from cosmos_board.core.masks import encode_mask
from cosmos_board.core.run_record import RunSettings
from cosmos_board.curation.phantom_pack import build_phantom_pack
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.site.content.read import read_site_data
from cosmos_board.site.content.site_data import SiteData
from cosmos_board.site.language.words import words_for
from cosmos_board.site.publish.generate import make_site
from cosmos_board.store.board import open_board, open_board_to_write
from cosmos_board.store.ingest import ingest
from cosmos_board.store.queries.connection import Connection
from cosmos_board.store.queries.counted_runs import read_counted_runs
from tests.boards import PlantedModel, PlantedTarget, planted_board
from tests.finding_worlds import WORLDS, plant

LATER = "2030-01-01T00:00:00+00:00"


def add_runs(connection: Connection, start: str, track: str, *, where: str = "true") -> None:
    """Add a run beside every run of the main study, newer, and with nothing drawn in any answer.

    Args:
        connection: Opened to write.
        start: What the run ids begin with; before any digest where it is `!`.
        track: Its track.
        where: Which rows of scores it has.
    """
    connection.execute(
        "INSERT INTO runs SELECT * REPLACE (? || run_id AS run_id, ? AS track,"
        " 'audited' AS tier, ? AS started_utc) FROM runs WHERE study = 'main'",
        [start, track, LATER],
    )
    connection.execute(
        f"""INSERT INTO scores SELECT * REPLACE (? || run_id AS run_id, 0 AS tp, 0 AS fp,
            tp + fn AS fn, 'penalised' AS status)
        FROM scores WHERE study = 'main' AND ({where})""",
        [start],
    )


def add_core_masks(root: Path) -> None:
    """Keep other masks for the core runs than the full ones drew: a corner, surely estimated."""
    folder = root / "core" / "predictions"
    shutil.copytree(root / "run" / "predictions", folder)
    for path in list(folder.glob("*.parquet")):
        table = pq.read_table(path)
        rows = table.to_pylist()
        for row in rows:
            corner = np.zeros((row["height"], row["width"]), bool)
            corner[:9, :9] = True
            row["rle"] = encode_mask(corner).counts
            row["predicted_iou"] = 1.0
        pq.write_table(table.from_pylist(rows, table.schema), path.with_name(f"!{path.name}"))
        path.unlink()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs, a run with masks, and the board of it alone."""
    root = tmp_path_factory.mktemp("demo")
    build_phantom_pack(root / "packs" / "phantoms", 6, side=96, workers=1)
    request = RunRequest(
        packs=(root / "packs" / "phantoms",),
        specs=tuple(SegmenterSpec(name=name) for name in ("box-prior", "grabcut")),
        out=root / "run",
        settings=RunSettings(save_masks=True, prompts=("box", "point")),
    )
    ingest([run(request).out], root / "board.duckdb")
    return root


@pytest.fixture(scope="module")
def both(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a core submission of each model's name beside its full run."""
    root = tmp_path_factory.mktemp("both") / "demo"
    shutil.copytree(demo, root)
    add_core_masks(root)
    with open_board_to_write(root / "board.duckdb") as connection:
        add_runs(connection, "!", "core")
    return root


def rank(db: Path) -> list[Board]:
    with open_board(db) as connection:
        return rank_boards(Cube(connection, ["dice"]), by="target")


def test_rank_and_its_json_show_the_full_run_and_say_so(demo: Path, both: Path) -> None:
    boards, alone = rank(both / "board.duckdb"), rank(demo / "board.duckdb")

    assert json.dumps(list_rows(boards)) == json.dumps(list_rows(alone))
    assert describe_board(boards[0]) == describe_board(alone[0])
    assert "full track" in describe_board(boards[0])
    assert all(row.score > 0 for board in boards for row in board.rows)


@pytest.fixture(scope="module")
def sites(demo: Path, both: Path) -> tuple[SiteData, SiteData]:
    return read_site_data(demo / "board.duckdb"), read_site_data(both / "board.duckdb")


def test_spread_figure_and_cases_show_the_full_run(sites: tuple[SiteData, SiteData]) -> None:
    alone, data = sites

    assert data.spreads == alone.spreads
    assert data.spreads
    assert [asdict(case) for case in data.cases] == [asdict(case) for case in alone.cases]
    assert any(case.models for case in data.cases)
    assert data.timings == alone.timings


def test_tables_and_models_pages_show_each_track_by_itself_and_say_which(
    sites: tuple[SiteData, SiteData],
) -> None:
    alone, data = sites
    full = {key: board for key, board in data.boards.items() if key.track == "full"}

    assert {key: board.rows for key, board in full.items()} == {
        key: board.rows for key, board in alone.boards.items()
    }
    assert {(entry.model, entry.track, entry.tier) for entry in data.entries} == {
        (model, track, tier)
        for model in ("box-prior", "grabcut")
        for track, tier in (("full", "self-reported"), ("core", "audited"))
    }
    pages = {page.path: page for page in make_site(data, words_for("en")).pages}
    text = html.unescape(str(pages["models/box-prior.md"]))
    assert "Full runs" in text
    assert "Submissions, core track" in text
    assert "Full runs" in str(pages["viewer/synthetic.organ.md"])
    assert "Full runs" in str(pages["targets/synthetic.organ.md"])


def test_findings_rest_on_the_full_runs(tmp_path: Path) -> None:
    path = plant(WORLDS["as claimed"]).write(tmp_path / "b.duckdb")

    def find() -> list[object]:
        with open_board(path) as connection:
            return [
                {**asdict(finding), "data_version": ""}
                for finding in find_findings(Cube(connection, ["dice"]))
            ]

    def query() -> list[object]:
        with open_board(path) as connection:
            findings = find_findings(Cube(connection, ["dice"]))
            rows = [connection.execute(finding.claim.query).fetchall() for finding in findings]
        return [[[round(v, 9) if isinstance(v, float) else v for v in row] for row in part]
                for part in rows]  # fmt: skip

    alone, made_of = find(), query()
    with open_board_to_write(path) as connection:
        add_runs(connection, "!", "core")

    assert find() == alone
    assert query() == made_of


ONE_BOARD: dict[str, tuple[Callable[[Connection], None], str]] = {
    # what is added beside one full run of each model: whose run then counts
    "a core run": (lambda c: add_runs(c, "!", "core"), ""),
    "a later full run": (lambda c: add_runs(c, "!", "full"), "!"),
    "a later full run with fewer rows": (
        lambda c: add_runs(c, "!", "full", where="hash(reference_id) % 2 = 0"), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ONE_BOARD)
def test_the_run_with_most_rows_counts_then_the_later_and_two_are_never_averaged(
    way: str, tmp_path: Path
) -> None:
    add, start = ONE_BOARD[way]
    path = planted_board(
        tmp_path / "b.duckdb",
        [PlantedModel(name="a", dice=0.8, gap=0.1), PlantedModel(name="b", dice=0.6)],
        [PlantedTarget(name="ct.liver", dataset="d")],
    )
    with open_board_to_write(path) as connection:
        add(connection)

    with open_board(path) as connection:
        counted = read_counted_runs(connection, "full", "box")
    scores = {row.model: row.score for board in rank(path) for row in board.rows}
    spreads = {spread.model: spread for spread in read_site_data(path, local=True).spreads}

    assert {run.model: run.run_id for run in counted} == {m: f"{start}{m}/d" for m in ("a", "b")}
    expected = {"a": 0.0, "b": 0.0} if start else {"a": 0.7, "b": 0.6}
    assert scores == pytest.approx(expected, abs=0.05)
    assert {m: s.quantiles[2] for m, s in spreads.items()} == pytest.approx(expected, abs=0.05)
    assert read_site_data(path).slices("target") == (Slice("target", "ct.liver"),)
