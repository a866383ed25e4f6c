"""`cosmos-board finetune`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("finetune")
@click.argument("packs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="What to start from, such as cosmos-tiny.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="FILE.safetensors.")
@click.option(
    "--method", type=click.Choice(["decoder", "lora"]), default="decoder", show_default=True
)
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@click.option("--rank", type=click.IntRange(1), default=8, show_default=True, help="Of LoRA.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Weights to start from.")
@click.option("--device", default="cpu", show_default=True)
def command(
    packs: tuple[Path, ...],
    model: str,
    out: Path,
    method: str,
    epochs: int,
    rank: int,
    seed: int,
    checkpoint: Path | None,
    device: str,
) -> None:
    """Fine-tune a promptable segmenter on packs; use it at once as `--model OUT`."""
    from cosmos_board.core.errors import InputError

    try:
        from cosmos_board.training.finetune import finetune
        from cosmos_board.training.gain import format_gains
        from cosmos_board.training.tuning_plan import TuningPlan
    except ModuleNotFoundError as error:
        raise InputError(
            "finetune", "", f"needs {error.name}: pip install 'cosmos-board[sam]'"
        ) from error
    plan = TuningPlan(method=method, epochs=epochs, rank=rank, seed=seed)  # type: ignore[arg-type]
    tuned = finetune(packs, model=model, out=out, plan=plan, checkpoint=checkpoint, device=device)
    if not tuned.result.kept:
        click.echo("the validation clusters got worse: the model is written as it was", err=True)
    click.echo(format_gains(tuned.gains))
    click.echo(f"{tuned.path}: {tuned.name}")
