"""`cosmos-board rank`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cosmos_board.cli.options import METRIC, SELECTION

KINDS = ("modality", "object", "target", "dataset", "model")


@click.command("rank")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--prompt", help="One prompt. Default: box, or the first that has scores.")
@click.option("--by", type=click.Choice(KINDS), help="One board for each. Default: overall.")
@METRIC
@SELECTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How the boards are printed.",
)
def command(
    db: Path, prompt: str | None, by: str | None, metric: str, selection: str | None, form: str
) -> None:
    """Print leaderboards: score, 95 % interval, rank and rank interval."""
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import rank_csv, rank_document
    from cosmos_board.board.ranking.leaderboard import rank_boards
    from cosmos_board.cli.tables import describe_board, print_boards
    from cosmos_board.store.board import open_board

    with open_board(db) as connection:
        boards = rank_boards(
            Cube(connection, (metric,)),
            by=by,  # type: ignore[arg-type]  # click checked it
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    if form == "json":
        caption = describe_board(boards[0]) if boards else "no scores"
        click.echo(json.dumps(rank_document(boards, caption), ensure_ascii=False))
    elif form == "csv":
        click.echo(rank_csv(boards).decode(), nl=False)
    else:
        print_boards(boards)
