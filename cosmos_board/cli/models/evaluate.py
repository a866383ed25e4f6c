"""`cosmos-board eval`."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.cli.output import send_prints_to_stderr
from cosmos_board.cli.progress import show_progress
from cosmos_board.core.errors import ExitCode, UsageError, make_one_line, show_printable
from cosmos_board.core.prompts import PROMPTS

if TYPE_CHECKING:
    from cosmos_board.models.external.own_models import Declaration
    from cosmos_board.runner.record.summary import ModelSummary


@click.command("eval")
@click.argument("packs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="Name (`models list`), file.py:Class, a file of weights, hf:OWNER/NAME, onnx:FOLDER, "
    "clicks:FILE.onnx, or observer:NAME; may be repeated.",
)
@click.option(
    "--prompt", "prompts", multiple=True, help="A prompt; may be repeated. Default: all six."
)
@click.option(
    "--study",
    type=click.Choice(["jitter", "clicks"]),
    help="Run a study instead of the six prompts.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Run folder; resumed where it exists.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Weights of the model, where it needs a file.",
)
@click.option("--name", help="Name on the board of a model of your own: a-z, 0-9, dots, hyphens.")
@click.option("--label", help="With --name: how tables show it. Default: its name.")
@click.option(
    "--trained-on",
    multiple=True,
    metavar="DATASET",
    help="With --name: a dataset that it saw; may be repeated; `none` where it saw none that a "
    "board holds. Default: unknown.",
)
@DEVICE
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or a Ray cluster.",
)
@click.option("--ray-address", help="Of a running Ray cluster. Default: one on this machine.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Processes. Default: one per processor as far as memory goes, one on a GPU.",
)
@click.option("--limit", type=click.IntRange(1), help="Only the first N images of each pack.")
@click.option("--shard", "share", help="i/n: this job of an array of n.")
@click.option(
    "--depot",
    metavar="URI",
    help="Path, s3://, gs:// … where workers leave finished shards and find those of others.",
)
@click.option(
    "--embeddings",
    type=click.Path(path_type=Path),
    help="Folder that keeps image embeddings for later runs: 4 MB an image of SAM.",
)
@click.option("--save-masks", is_flag=True, help="Keep every candidate as run lengths.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    packs: tuple[Path, ...],
    models: tuple[str, ...],
    prompts: tuple[str, ...],
    study: str | None,
    out: Path,
    checkpoint: Path | None,
    name: str | None,
    label: str | None,
    trained_on: tuple[str, ...],
    device: str,
    engine: str,
    ray_address: str | None,
    workers: int | None,
    limit: int | None,
    share: str | None,
    depot: str | None,
    embeddings: Path | None,
    save_masks: bool,
    as_json: bool,
) -> None:
    """Evaluate every model on every pack and write score rows into a run folder.

    An interrupted run is resumed by the same command.
    """
    from cosmos_board.core.prompts import get_prompt_kind
    from cosmos_board.core.run_record import RunSettings
    from cosmos_board.runner.run import RunRequest, run
    from cosmos_board.runner.settings import SegmenterSpec

    for prompt in prompts:
        get_prompt_kind(prompt)
    declared = read_declaration(models, packs, name, label, trained_on)
    request = RunRequest(
        packs=packs,
        specs=tuple(
            SegmenterSpec(
                name=model,
                checkpoint=checkpoint,
                device=device,
                embeddings=embeddings,
                declared=declared,
            )
            for model in dict.fromkeys(models)
        ),
        out=out,
        settings=RunSettings(
            prompts=tuple(prompt for prompt in PROMPTS if prompt in prompts) or tuple(PROMPTS),
            study="main" if study is None else study,  # type: ignore[arg-type]  # click checked it
            limit=limit,
            save_masks=save_masks,
        ),
        workers=workers,
        engine=engine,  # type: ignore[arg-type]  # click checked it
        ray_address=ray_address,
        share=share,
        depot=depot,
    )
    with (
        send_prints_to_stderr(),
        stop_on_signal() as stopped,
        show_progress(stopped.is_set) as watch,
    ):
        report = run(request, watch)
    for line in report.mended:
        click.echo(make_one_line(line), err=True)
    for row in report.quarantined:
        click.echo(f"quarantined: {row.image_id}: {row.reason}", err=True)
    if as_json:
        click.echo(json.dumps({**asdict(report), "out": str(report.out)}, default=str))
    else:
        from cosmos_board.cli.tables import print_run

        print_run(report)
    for summary in report.models:
        if not summary.answers:
            click.echo(
                f"{summary.model}: was asked nothing: it answers none of these prompts", err=True
            )
        if 2 * summary.empty > summary.answers:
            line = f"{summary.model}: {summary.empty} of {summary.answers} answers are empty masks"
            click.echo(line, err=True)
        if summary.failed:
            print_failure(summary)
    if report.failed:
        raise SystemExit(ExitCode.REFUSED)


def read_declaration(
    models: tuple[str, ...],
    packs: tuple[Path, ...],
    name: str | None,
    label: str | None,
    trained_on: tuple[str, ...],
) -> Declaration | None:
    """Return what the user says of a model of their own; None where they name none.

    Raises:
        UsageError: If options do not go together.
    """
    from cosmos_board.data.catalog.load import load_catalog
    from cosmos_board.data.pack import open_pack
    from cosmos_board.models.external.own_models import Declaration, read_trained_on

    if name is None:
        if label is not None or trained_on:
            option = "--trained-on" if label is None else "--label"
            raise UsageError(option, "", "says something of a model of your own", want="--name")
        return None
    if len(set(models)) > 1:
        raise UsageError("--name", "", "names one model", got=f"{len(set(models))} of --model")
    known = (
        []
        if not trained_on
        else [*load_catalog().datasets, *(open_pack(p).info.name for p in packs)]
    )
    return Declaration(name=name, label=label, trained_on=read_trained_on(trained_on, known))


def print_failure(model: ModelSummary) -> None:
    """Say on stderr how many answers of a model failed, and where the first did."""
    if model.traceback:
        click.echo(f"{model.model}: the first failure:", err=True)
        for line in model.traceback.splitlines():
            click.echo(f"  {show_printable(line)}", err=True)
    click.echo(make_one_line(model.line), err=True)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into a wish to stop after the current batch; a second stops now."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
