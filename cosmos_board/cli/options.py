"""Options that several commands take alike."""

from __future__ import annotations

import click

from cosmos_board.metrics.table import METRICS

_RANKED = ", ".join(name for name, metric in METRICS.items() if metric.ranked)


METRIC = click.option("--metric", default="dice", show_default=True, help=f"One of {_RANKED}.")
METRIC_OR_DISTANCE = click.option(
    "--metric",
    default="dice",
    show_default=True,
    help=f"One of {_RANKED}; on boards of one target (--by target) also hd95_px or assd_px, which "
    "rank nobody.",
)
DATASETS = click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME",
    help="Rest on these datasets alone, whatever else is in the database; may be repeated.",
)
SELECTION = click.option(
    "--selection",
    type=click.Choice(["predicted", "oracle"]),
    help="How a candidate is chosen. Default: predicted; oracle for everything mode.",
)
DEVICE = click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, cuda (all GPUs that are visible) or cuda:N; +bf16 or +fp16; +compile.",
)
