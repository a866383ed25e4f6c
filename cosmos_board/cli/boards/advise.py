"""`cosmos-board advise`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("advise")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--modality", required=True, help="Such as ct.")
@click.option("--object", "name", required=True, help="Such as liver.")
@click.option("--size", "size_px", type=int, help="Area of the object in pixels.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(db: Path, modality: str, name: str, size_px: int | None, as_json: bool) -> None:
    """Say which segmenter and prompt to use, what Dice to expect, and what risk."""
    from cosmos_board.board.advice.advice import advise
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.cli.boards.advice_text import describe_advice
    from cosmos_board.store.board import open_board

    with open_board(db) as connection:
        advice = advise(Cube(connection), modality, name, size_px)
    if as_json:
        click.echo(json.dumps(round_floats(advice), ensure_ascii=False))
    else:
        for line in describe_advice(advice):
            click.echo(line)
