"""Options that several commands take alike."""

from __future__ import annotations

import click

from cosmos_board.metrics.table import METRICS

METRIC = click.option(
    "--metric",
    default="dice",
    show_default=True,
    help=f"One of {', '.join(METRICS)}.",
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
