"""`cosmos-board plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import DATASETS, METRIC, SELECTION

if TYPE_CHECKING:
    from cosmos_board.board.sample_size import SampleSize


@click.command("plan")
@click.option("--db", required=True, type=click.Path(path_type=Path), help="Board database.")
@click.option(
    "--difference",
    required=True,
    type=float,
    help="True difference that should be shown, such as 0.02; at least 0.011.",
)
@click.option("--models", nargs=2, help="Two models whose spread to go by. Default: all pairs.")
@click.option("--prompt", default="box", show_default=True, help="One of the six prompts.")
@DATASETS
@METRIC
@SELECTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    db: Path,
    difference: float,
    models: tuple[str, str] | None,
    prompt: str,
    datasets: tuple[str, ...],
    metric: str,
    selection: str | None,
    as_json: bool,
) -> None:
    """Say how many patients, volumes or images a comparison needs."""
    from cosmos_board.board.cube import Cube
    from cosmos_board.board.export import round_floats
    from cosmos_board.board.sample_size import plan_comparison
    from cosmos_board.store.board import open_board

    with open_board(db, datasets) as connection:
        sizes, unplanned = plan_comparison(
            Cube(connection, (metric,)),
            difference,
            models=models,
            prompt=prompt,
            metric=metric,
            selection=selection,  # type: ignore[arg-type]  # click checked it
        )
    if as_json:
        rows = [
            {name: getattr(size, name) for name in size.__slots__} | {"slice": str(size.slice)}
            for size in sizes
        ]
        document = {
            **{"difference": difference, "prompt": prompt, "metric": metric, "slices": rows},
            "unplanned": [{"slice": str(one.slice), "reason": one.reason} for one in unplanned],
        }
        click.echo(json.dumps(round_floats(document), ensure_ascii=False))
    else:
        print_sizes(sizes, difference, metric, prompt)
        for one in unplanned:
            click.echo(f"not planned: {one.slice}: {one.reason}")


def print_sizes(sizes: tuple[SampleSize, ...], difference: float, metric: str, prompt: str) -> None:
    """Print a row a slice, and what the numbers mean."""
    from cosmos_board.cli.tables import print_table

    unit = " or ".join(sorted({unit for size in sizes for unit in size.cluster_units}))
    print_table(
        f"clusters ({unit}s) needed to show {difference:g} {metric} · prompt {prompt}",
        ("slice", "now", "can show now", "spread", "two models", "this board's models"),
        [
            (
                str(size.slice),
                str(size.clusters),
                f"{size.detectable:.3f}",
                f"{size.spread:.3f}",
                f"{size.needed:,}",
                f"{size.needed_on_board:,} ({size.models})",
            )
            for size in sizes
        ],
    )
    click.echo(
        "With so many clusters a true difference of this size is called better or worse in 80 % of"
        " samples that are like this one. spread: standard deviation of a paired difference between"
        " clusters, of the median pair."
    )
