"""Trains `cosmos-tiny` from nothing: `python -m cosmos_board.cli.models.train_tiny FOLDER`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("train_tiny")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The shipped weights' is 0.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, or cuda.")
def command(out: Path, seed: int, device: str) -> None:
    """Train cosmos-tiny into a folder; the same command resumes an interrupted training."""
    from cosmos_board.cli.progress import require_torch, show_steps

    with require_torch("train_tiny"):
        from cosmos_board.training.tiny.recipe import Recipe, train_tiny
    with show_steps("steps") as say:
        path = train_tiny(
            out,
            Recipe(seed=seed),
            device=device,
            report=lambda step, steps, values: say(
                step, steps, f"loss {values['loss']:.2f}, IoU {values['iou']:.2f}"
            ),
        )
    click.echo(path)


if __name__ == "__main__":
    from cosmos_board.cli.main import main

    main(command)
