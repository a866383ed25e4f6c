"""`cosmos-board ingest`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from cosmos_board.core.errors import make_one_line


@click.command("ingest")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option(
    "--replace", is_flag=True, help="Drop earlier runs of the same model, dataset and study."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(runs: tuple[Path, ...], db: Path, replace: bool, as_json: bool) -> None:
    """Add finished RUNS to a board database, each exactly once."""
    from cosmos_board.data.catalog.load import list_shared_cases
    from cosmos_board.store.ingest import ingest

    report = ingest(runs, db, replace=replace, shared_cases=list_shared_cases())
    for line in report.failures:
        click.echo(make_one_line(line), err=True)
    for note in report.notes:
        click.echo(note, err=True)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        click.echo(
            f"{db}: added {report.rows} rows of {report.runs} runs "
            f"({report.shards} shards; {report.known_shards} were there before)"
        )
