"""`cosmos-board finetune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("finetune")
@click.argument("packs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="What to start from, such as cosmos-tiny.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="FILE.safetensors.")
@click.option("--name", default="", help="Of the new model. Default: of base, method and packs.")
@click.option(
    "--method",
    type=click.Choice(["decoder", "lora"]),
    default="decoder",
    show_default=True,
    help="The decoder alone, or LoRA in the encoder beside it.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Passes over the training images.",
)
@click.option("--rank", type=click.IntRange(1), default=8, show_default=True, help="Of LoRA.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of split, augmentation and order.",
)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights to start from.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N; +bf16.")
def command(
    packs: tuple[Path, ...],
    model: str,
    out: Path,
    name: str,
    checkpoint: Path | None,
    device: str,
    **plan: Any,  # noqa: ANN401 (what click has checked)
) -> None:
    """Fine-tune a promptable segmenter on packs; use it at once as `--model OUT`.

    An interrupted tuning goes on by the same command.
    """
    from cosmos_board.cli.progress import require_torch, show_steps

    with require_torch("finetune"):
        from cosmos_board.training.finetune.finetune import finetune
        from cosmos_board.training.finetune.plan import TuningPlan
        from cosmos_board.training.finetune.provenance import TuningBase
        from cosmos_board.training.finetune.validation import format_gains
    with show_steps("epochs") as say:
        tuned = finetune(
            packs,
            TuningBase(model, checkpoint, device),
            out,
            name=name,
            plan=TuningPlan(**plan),
            report=lambda epoch, epochs, dice: say(epoch, epochs, f"validation Dice {dice:.3f}"),
        )
    if not tuned.result.kept:
        click.echo("the validation clusters got worse: the model is written as it was", err=True)
    click.echo(format_gains(tuned.gains))
    click.echo(f"{tuned.path}: {tuned.name}")
