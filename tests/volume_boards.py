"""A board database with planted models on volumes, and one on the images of the same pack."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosmos_board.core.run_record import RunSettings
from cosmos_board.runner.run import RunRequest, run
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.ingest import ingest
from tests.runner.volumes.blocks import PLANTED, build_blocks, evaluate

VOLUMES = 10


@pytest.fixture(scope="session")
def planted_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pack `pack`, the runs `run` and `boxes`, and the database `db`."""
    folder = tmp_path_factory.mktemp("planted-board")
    build_blocks(folder / "pack", VOLUMES)
    evaluate(folder / "pack", folder / "run", "Planted", "StopsAtOnce", "NeverStops", "BrightInBox")
    run_boxes(folder / "pack", folder / "boxes", limit=None)
    ingest([folder / "run", folder / "boxes"], folder / "db")
    return folder


def run_boxes(pack: Path, out: Path, *, limit: int | None) -> None:
    """Run the 2-D study's box with a model that fills it."""
    request = RunRequest(
        packs=(pack,),
        specs=(SegmenterSpec(name=f"{PLANTED}:FillsBox"),),
        out=out,
        settings=RunSettings(prompts=("box",), limit=limit),
    )
    run(request)
