"""Options that several commands take alike."""

from __future__ import annotations

import click

METRIC = click.option(
    "--metric",
    default="dice",
    show_default=True,
    help="dice, iou, hd_px, hd95_px, assd_px, nsd or boundary_iou.",
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
    help="cpu, cuda or cuda:N; +bf16 or +fp16; +compile.",
)
