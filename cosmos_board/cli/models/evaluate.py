"""`cosmos-board eval`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.cli.progress import send_prints_to_stderr, show_progress, stop_on_signal
from cosmos_board.core.errors import ExitCode, UsageError, make_one_line, show_printable
from cosmos_board.core.prompts import PROMPTS, get_prompt_kind

if TYPE_CHECKING:
    from cosmos_board.core.scores import Study
    from cosmos_board.models.own_models import Declaration
    from cosmos_board.runner.record.summary import ModelSummary
    from cosmos_board.runner.run import RunReport, RunRequest


@click.command("eval")
@click.argument("packs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="Name (`models list`), file.py:Class, a file of weights, hf:OWNER/NAME, onnx:FOLDER, "
    "clicks:FILE.onnx, 'exec:PYTHON worker.py', or observer:NAME; may be repeated.",
)
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    help="A prompt; may be repeated. Default: all six; of volumes, all but each-box.",
)
@click.option(
    "--study",
    type=click.Choice(["jitter", "clicks", "volumes"]),
    help="Run a study instead of the six prompts; volumes: one prompt for a whole volume.",
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
    help="Processes, which take the GPUs in turn. Default: one per GPU, or per processor as far as "
    "memory goes.",
)
@click.option(
    "--limit", type=click.IntRange(1), help="Only the first N images or volumes of each pack."
)
@click.option("--shard", "share", help="i/n: this job of an array of n.")
@click.option(
    "--remote",
    metavar="URI",
    help="Path, s3://, gs:// … where workers leave finished shards and find those of others.",
)
@click.option(
    "--embedding-cache",
    type=click.Path(path_type=Path),
    help="Folder that keeps image embeddings for later runs: 4 MB an image of SAM.",
)
@click.option("--save-masks", is_flag=True, help="Keep every candidate as run lengths.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(as_json: bool, **options: Any) -> None:  # noqa: ANN401 (what click has checked)
    """Evaluate every model on every pack and write score rows into a run folder.

    An interrupted run is resumed by the same command.
    """
    from cosmos_board.runner.run import run

    request = _make_request(options)
    with (
        send_prints_to_stderr(),
        stop_on_signal() as stopped,
        show_progress(stopped.is_set) as callbacks,
    ):
        report = run(request, callbacks)
    for line in (*report.mended, *report.remarks):
        click.echo(make_one_line(line), err=True)
    for row in report.quarantined:
        click.echo(f"quarantined: {row.image_id}: {row.reason}", err=True)
    if as_json:
        click.echo(json.dumps({**asdict(report), "out": str(report.out)}, default=str))
    else:
        _print_report(report, volumes=request.settings.study == "volumes")
    for summary in report.models:
        _print_warnings(summary)
    if report.failed:
        raise SystemExit(ExitCode.REFUSED)


def _make_request(options: Mapping[str, Any]) -> RunRequest:
    """Return what the options ask for.

    Raises:
        UnknownNameError: If there is no such prompt.
        UsageError: If options do not go together.
    """
    from cosmos_board.core.run_record import RunSettings
    from cosmos_board.runner.run import RunRequest
    from cosmos_board.runner.settings import SegmenterSpec

    study: Study = options["study"] or "main"
    prompts = _choose_prompts(options["prompts"], volumes=study == "volumes")
    declared = _read_declaration(options)
    return RunRequest(
        specs=tuple(
            SegmenterSpec(
                name=model,
                declared=declared,
                **{key: options[key] for key in ("checkpoint", "device", "embedding_cache")},
            )
            for model in dict.fromkeys(options["models"])
        ),
        settings=RunSettings(
            prompts=prompts,
            study=study,
            limit=options["limit"],
            save_masks=options["save_masks"],
        ),
        **{
            key: options[key]
            for key in ("packs", "out", "workers", "engine", "ray_address", "share", "remote")
        },
    )


def _choose_prompts(names: Sequence[str], *, volumes: bool) -> tuple[str, ...]:
    """Return the named prompts in the protocol's order, all where none is named.

    Raises:
        UnknownNameError: If there is no such prompt.
        UsageError: If one is not asked of models.
    """
    from cosmos_board.core.volumes import EACH_BOX, VOLUME_PROMPTS, get_volume_prompt_kind

    for name in names:
        get_volume_prompt_kind(name) if volumes else get_prompt_kind(name)
    if not volumes:
        return tuple(name for name in PROMPTS if name in names) or tuple(PROMPTS)
    if EACH_BOX in names:
        problem = "is summed from the boxes of the 2-D study, and not asked again"
        raise UsageError("--prompt", EACH_BOX, problem, want="eval --prompt box")
    asked = [name for name in VOLUME_PROMPTS if name != EACH_BOX]
    return tuple(name for name in asked if name in names) or tuple(asked)


def _read_declaration(options: Mapping[str, Any]) -> Declaration | None:
    """Return what the user says of a model of their own; None where they name none.

    Raises:
        UsageError: If options do not go together.
    """
    from cosmos_board.data.catalog.load import load_catalog
    from cosmos_board.data.pack import open_pack
    from cosmos_board.models.own_models import Declaration, read_trained_on

    name, label, trained_on = (options[key] for key in ("name", "label", "trained_on"))
    if name is None:
        if label is not None or trained_on:
            option = "--trained-on" if label is None else "--label"
            raise UsageError(option, "", "says something of a model of your own", want="--name")
        return None
    if (models := len(set(options["models"]))) > 1:
        raise UsageError("--name", "", "names one model", got=f"{models} of --model")
    known = (
        [*load_catalog().datasets, *(open_pack(path).info.name for path in options["packs"])]
        if trained_on
        else []
    )
    return Declaration(name=name, label=label, trained_on=read_trained_on(trained_on, known))


def _print_report(report: RunReport, *, volumes: bool) -> None:
    """Print how much of a run there is, then every model and prompt."""
    from cosmos_board.cli.tables import print_table

    numbers = (report.images, report.evaluated, report.rows, len(report.quarantined))
    headings = ("volumes" if volumes else "images", "evaluated now", "score rows", "quarantined")
    print_table(f"Run {report.out}", headings, [[str(number) for number in numbers]], left=0)
    rows = [
        (
            model.model,
            " ".join(filter(None, (counts.prompt, counts.propagation))),
            *("–" if dice is None else f"{dice:.3f}" for dice in (counts.predicted, counts.oracle)),
            str(counts.answers),
            _format_share(counts.failed, counts.answers),
            _format_share(counts.empty, counts.answers),
        )
        for model in report.models
        for counts in model.prompts
    ]
    columns = ("model", "prompt", "predicted", "oracle", "answers", "failed", "empty")
    caption = (
        "Mean Dice over answers in 3-D"
        if volumes
        else "Mean Dice over answers, of the candidates that the model predicts and of the best"
    )
    print_table(caption, columns, rows, left=2)


def _format_share(number: int, total: int) -> str:
    """Return a count and its share, such as `3 (1.5 %)`.

    Example:
        >>> _format_share(3, 200), _format_share(0, 200)
        ('3 (1.5 %)', '0')
    """
    return f"{number} ({100 * number / total:.1f} %)" if number else "0"


def _print_warnings(model: ModelSummary) -> None:
    """Say on stderr what is odd about the answers of a model, and where the first failed."""
    if not model.answers:
        line = f"{model.model}: was asked nothing: it answers none of these prompts"
        click.echo(line, err=True)
    if 2 * model.empty > model.answers:
        line = f"{model.model}: {model.empty} of {model.answers} answers are empty masks"
        click.echo(line, err=True)
    if not model.failed:
        return
    if model.traceback:
        click.echo(f"{model.model}: the first failure:", err=True)
        for line in model.traceback.splitlines():
            click.echo(f"  {show_printable(line)}", err=True)
    click.echo(make_one_line(model.line), err=True)
