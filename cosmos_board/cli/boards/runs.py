"""`cosmos-board runs`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

DB = click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("runs")
def command() -> None:
    """List the runs of a board database, or remove some of them."""


@command.command("list")
@DB
@JSON
def list_(db: Path, as_json: bool) -> None:
    """List runs: one model on one dataset in one study each."""
    from cosmos_board.cli.tables import print_table
    from cosmos_board.store.removal import list_runs

    runs = list_runs(db)
    if as_json:
        click.echo(json.dumps([asdict(run) for run in runs], ensure_ascii=False))
        return
    print_table(
        f"{len(runs)} runs",
        ("run", "model", "dataset", "study", "track", "tier", "rows", "started", "program"),
        [
            (
                run.run_id, run.model, f"{run.dataset} {run.dataset_version}".strip(), run.study,
                run.track, run.tier, str(run.rows), run.started_utc, run.program,
            )
            for run in runs
        ],
        left=6,
        keep=1,
    )  # fmt: skip


@command.command("remove")
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN_ID...")
@DB
@JSON
def remove(run_ids: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Remove runs by their exact ids, and models and datasets that no other run needs.

    Either all of them are removed or none. The run folders are not touched: `ingest` can add
    them again.
    """
    from cosmos_board.store.removal import remove_runs

    report = remove_runs(db, run_ids)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        click.echo(
            f"{db}: removed {report.rows} rows of {report.runs} runs, "
            f"{report.models} models and {report.datasets} datasets"
        )
