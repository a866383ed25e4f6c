"""`cosmos-board demo`."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click

from cosmos_board.core.errors import StaleRunError
from cosmos_board.core.prompts import PROMPTS

DEMO_MODELS = ("box-prior", "threshold", "grabcut", "random-walker")
"""Segmenters that need no weights."""


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/demo"),
    show_default=True,
    help="Folder for packs, run, board and site: empty, or of an earlier `demo`.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes. Default: as `eval` has it.")
def command(out: Path, workers: int | None) -> None:
    """Run the main job on the built-in data.

    Fetches the demo packs (under 50 MB, cached), evaluates the built-in segmenters with the six
    prompts, writes OUT/board.duckdb, renders OUT/site and prints the board. Run again, it does
    only what is missing.
    """
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.leaderboard import rank_boards
    from cosmos_board.cli.progress import show_progress, stop_on_signal
    from cosmos_board.cli.tables import print_boards
    from cosmos_board.core.run_record import RunSettings
    from cosmos_board.curation.demo import build_demo_packs
    from cosmos_board.runner.run import RunRequest, run
    from cosmos_board.runner.settings import SegmenterSpec
    from cosmos_board.site.language.words import LANGUAGES
    from cosmos_board.site.publish.build import build_site
    from cosmos_board.site.publish.generate import SiteOptions
    from cosmos_board.store.board import open_board
    from cosmos_board.store.folders import claim_folder
    from cosmos_board.store.ingest import ingest

    claim_folder(out, "demo")
    began = time.monotonic()
    packs = build_demo_packs(out / "packs", progress=_say)
    specs = tuple(SegmenterSpec(name=name) for name in _find_models())
    request = RunRequest(
        packs=tuple(packs),
        specs=specs,
        out=out / "run",
        settings=RunSettings(save_masks=True),
        workers=workers,
    )
    with stop_on_signal() as stopped, show_progress(stopped.is_set) as callbacks:
        try:
            report = run(request, callbacks)
        except StaleRunError:  # the demo's own folder, from before an update
            shutil.rmtree(request.out)
            report = run(request, callbacks)
    db = out / "board.duckdb"
    ingest([report.out], db, replace=True)
    _say("rendering the site")
    build_site(db, out / "site", SiteOptions(languages=LANGUAGES))
    with open_board(db) as connection:
        cube = Cube(connection, ("dice",))
        print_boards([rank_boards(cube, prompt=prompt)[0] for prompt in PROMPTS])
    _say(f"{time.monotonic() - began:.0f} s in all")
    _say(f"board: {db}")
    _say(f"site: {out / 'site' / 'index.html'} (cosmos-board site serve --db {db})")


def _find_models() -> tuple[str, ...]:
    """Return the segmenters of the demo: SAM joins where its weights are at hand."""
    from cosmos_board.models.registry import is_ready

    learned = ("cosmos-tiny", "sam-vit-b")
    return (*DEMO_MODELS, *(name for name in learned if is_ready(name)))


def _say(line: str) -> None:
    click.echo(line, err=True)
