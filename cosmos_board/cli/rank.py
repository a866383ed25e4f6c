"""`cosmos-board rank`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cosmos_board.board.listing import Listing

KINDS = ("modality", "object", "target", "dataset", "model")


@click.command("rank")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--prompt", help="One prompt. Default: each of them.")
@click.option(
    "--by", type=click.Choice(KINDS), help="One board for each of these. Default: overall."
)
@click.option("--metric", default="dice", show_default=True)
@click.option(
    "--selection",
    type=click.Choice(["predicted", "oracle"]),
    help="How a candidate is chosen. Default: predicted, and oracle for everything mode.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
)
def command(
    db: Path, prompt: str | None, by: str | None, metric: str, selection: str | None, form: str
) -> None:
    """Print leaderboards: score, 95 % interval, rank and rank interval.

    Where nothing real has been scored, the boards of synthetic data are named instead.
    """
    from cosmos_board.board.listing import list_rows

    listing = list_rows(db, prompt=prompt, by=by, metric=metric, selection=selection)
    if form == "json":
        click.echo(json.dumps(listing.as_json(), ensure_ascii=False))
    elif form == "csv":
        click.echo(_write_csv(listing), nl=False)
    else:
        from cosmos_board.cli.tables import print_listing

        print_listing(listing)


def _write_csv(listing: Listing) -> str:
    rows = [row.as_json() for row in listing.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["model"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
