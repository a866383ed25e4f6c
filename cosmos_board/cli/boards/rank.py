"""`cosmos-board rank`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.boards.board_rows import COLUMNS, list_rows
from cosmos_board.cli.options import DATASETS, METRIC_OR_DISTANCE, SELECTION
from cosmos_board.core.errors import UsageError
from cosmos_board.core.tracks import TIERS

if TYPE_CHECKING:
    from cosmos_board.board.types import Board

KINDS = ("modality", "object", "target", "dataset", "held-out", "model")


@click.command("rank")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option("--study", type=click.Choice(["volumes"]), help="Boards of volumes, not of images.")
@click.option(
    "--prompt",
    help="One prompt. Default: box, or slice-box of volumes, or the first that has scores.",
)
@click.option("--by", type=click.Choice(KINDS), help="One board for each. Default: overall.")
@click.option(
    "--tier",
    type=click.Choice(TIERS),
    help="Rank runs of this tier alone: who computed the scores. Default: all together.",
)
@DATASETS
@METRIC_OR_DISTANCE
@SELECTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How the boards are printed.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    db: Path,
    study: str | None,
    prompt: str | None,
    by: str | None,
    tier: str | None,
    datasets: tuple[str, ...],
    metric: str,
    selection: str | None,
    form: str,
    as_json: bool,
) -> None:
    """Print leaderboards: score, 95 % interval, rank and the range of ranks."""
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats, to_csv
    from cosmos_board.board.leaderboard import rank_boards
    from cosmos_board.board.volumes.boards import rank_volumes
    from cosmos_board.cli.tables import describe_board, print_boards
    from cosmos_board.core.errors import InputError
    from cosmos_board.store.board import open_board

    form = "json" if as_json else form
    if study is not None:
        from cosmos_board.cli.boards.volume_boards import print_volume_boards

        _refuse_of_images(by, selection)
        with open_board(db, datasets) as connection:
            volume_boards = rank_volumes(
                connection,
                by=by or "overall",  # type: ignore[arg-type]  # click checked it
                prompt=prompt,
                metric=metric,
                tier=tier,
            )
        print_volume_boards(volume_boards, form)
        return
    with open_board(db, datasets) as connection:
        boards = rank_boards(
            Cube(connection, (metric,), tier),
            by=by,  # type: ignore[arg-type]  # click checked it
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    if not boards:
        raise InputError("rank", "--by", "no board of this kind has scores", got=by or "overall")
    if form == "json":
        caption = describe_board(boards[0])
        document = {"caption": caption, "rows": list_rows(boards)}
        click.echo(json.dumps(round_floats(document), ensure_ascii=False))
    elif form == "csv":
        rows = ([row[name] for name in COLUMNS] for row in list_rows(boards))
        click.echo(to_csv(COLUMNS, rows).decode(), nl=False)
    else:
        print_boards(boards)
        for line in list_gaps(boards):
            click.echo(line)


def _refuse_of_images(by: str | None, selection: str | None) -> None:
    """Refuse what boards of volumes do not have.

    Raises:
        UsageError: If something of it is asked for.
    """
    if by in ("model", "held-out"):
        raise UsageError("--by", by, "is for boards of images")
    if selection == "oracle":
        problem = "is for boards of images: a model's own choice goes on to the next slice"
        raise UsageError("--selection", selection, problem)


def list_gaps(boards: Sequence[Board]) -> list[str]:
    """Return a line for each dataset that made models incomplete, and how to rank without it."""
    lacking: dict[str, set[str]] = {}
    for board in boards:
        for row in board.rows:
            for name in row.unanswered_datasets if board.key.slice.kind != "dataset" else ():
                lacking.setdefault(name, set()).add(row.model)
    return [
        f"{', '.join(sorted(models))}: no rank on boards that rest on {name}, for want of answers"
        " there; name the other datasets with --dataset to leave it out"
        for name, models in sorted(lacking.items())
    ]
