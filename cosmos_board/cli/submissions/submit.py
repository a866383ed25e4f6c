"""`cosmos-board submit`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.cli.progress import send_prints_to_stderr
from cosmos_board.cli.submissions.maintain import MAINTAINERS
from cosmos_board.cli.submissions.new import new
from cosmos_board.cli.submissions.packs import make_inputs, open_packs
from cosmos_board.core.errors import ExitCode

_PACK = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A pack that the submission names; may be repeated. Demo packs come out of the cache.",
)
_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_EXTERNAL = click.option(
    "--external", type=click.Path(path_type=Path), help="Where files with an address lie."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("submit")
def command() -> None:
    """Make, check, score and reproduce a submission."""


for _own in (new, *MAINTAINERS):
    command.add_command(_own)


@command.command("check")
@_FOLDER
@_PACK
@_EXTERNAL
@_JSON
def check(folder: Path, packs: tuple[Path, ...], external: Path | None, as_json: bool) -> None:
    """Check the submission in FOLDER: every problem at once, one line each.

    The same code decides in the pull request, which also compares the masks with everybody's.
    """
    from cosmos_board.submissions.checks.check import check_submission
    from cosmos_board.submissions.problems import is_refused

    inputs = make_inputs(open_packs(folder, packs), folder.absolute(), external)
    problems = check_submission(folder, inputs)
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in problems]))
    else:
        for problem in problems:
            click.echo(f"note: {problem}" if problem.disposition == "noted" else f"{problem}")
        if all(problem.disposition == "noted" for problem in problems):
            click.echo(f"{folder}: right", err=True)
    if is_refused(problems):
        raise SystemExit(ExitCode.REFUSED)


@command.command("score")
@_FOLDER
@_PACK
@click.option("--out", type=click.Path(path_type=Path), help="Keep the scored run here.")
@click.option("--db", type=click.Path(path_type=Path), help="Board to compare with.")
@_EXTERNAL
@_JSON
def score(
    folder: Path,
    packs: tuple[Path, ...],
    out: Path | None,
    db: Path | None,
    external: Path | None,
    as_json: bool,
) -> None:
    """Score FOLDER's predictions and say where the model would rank. Nothing is uploaded."""
    from tempfile import TemporaryDirectory

    from cosmos_board.submissions.checks.submission import CheckInputs
    from cosmos_board.submissions.scoring.ranks import CAPTION, rank_run
    from cosmos_board.submissions.scoring.score import score_submission

    with TemporaryDirectory(prefix="cosmos-board-") as work:
        run = out or Path(work) / "run"
        inputs = CheckInputs(external=external)
        scored = score_submission(folder, open_packs(folder, packs), run, inputs=inputs)
        ranks = rank_run(run, scored.checked.manifest.slug, db)
    for problem in scored.checked.problems:
        click.echo(f"{problem}", err=True)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in ranks]))
        return
    click.echo(CAPTION)
    for one in ranks:
        click.echo(one.line)


@command.command("reproduce")
@_FOLDER
@_PACK
@click.option("--model", help="Name, or file.py:Class. Default: the submission's slug.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="safetensors or ONNX.")
@DEVICE
@_JSON
def reproduce(
    folder: Path,
    packs: tuple[Path, ...],
    model: str | None,
    checkpoint: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Run FOLDER's model again on the core track and compare with what was submitted.

    A file of code is run in a process without network, or not at all.
    """
    from cosmos_board.runner.settings import SegmenterSpec
    from cosmos_board.submissions.scoring.reproduce import (
        has_network,
        is_code,
        reproduce_submission,
        run_isolated,
    )

    spec = SegmenterSpec(name=model or folder.absolute().name, checkpoint=checkpoint, device=device)
    opened = open_packs(folder, packs)
    if is_code(spec.name) and has_network():
        words = ["submit", "reproduce", str(folder), "--model", spec.name, "--device", device]
        words += [word for pack in opened for word in ("--pack", str(pack.path))]
        words += ["--checkpoint", str(checkpoint)] if checkpoint else []
        status = run_isolated([*words, *(["--json"] if as_json else [])])
        raise SystemExit(status)
    with send_prints_to_stderr():
        found = reproduce_submission(folder, opened, spec)
    if as_json:
        click.echo(json.dumps({**asdict(found), "agrees": found.agrees}))
    else:
        verdict = "re-run: the scores are the model's" if found.agrees else "does not agree"
        click.echo(
            f"{folder}: {verdict} ({found.equal_rows} of {found.rows} rows equal to the pixel, "
            f"means within {found.mean_difference:.2g}, 99 % of rows within "
            f"{found.row_difference:.2g} Dice)"
        )
    if not found.agrees:
        raise SystemExit(ExitCode.REFUSED)
