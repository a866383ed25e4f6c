"""`cosmos-board submit new`: a run, and what it cannot know, become a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_PATH = click.Path(path_type=Path)


@click.command("new")
@click.argument("run", type=_PATH)
@click.option("--out", required=True, type=_PATH, help="Folder to write: submissions/<slug>.")
@click.option("--model", help="Which model of the run, where it has several.")
@click.option("--name", help="Name on the board. Default: the label of the model's card.")
@click.option("--author", "authors", multiple=True, help="NAME:GITHUB-ID; may be repeated.")
@click.option("--contact", help="E-mail or https address; may be left out.")
@click.option("--code-url", help="Where the code is: https address.")
@click.option("--licence", help="SPDX identifier of the model's licence.")
@click.option(
    "--trained-on",
    multiple=True,
    help="Dataset of the catalog, `none` or `unknown`; may be repeated.",
)
@click.option("--weights", default="safetensors", show_default=True, help="Format of the weights.")
@click.option(
    "--version",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Of the submission: one higher for each that replaces another.",
)
@click.option(
    "--track",
    type=click.Choice(["core", "counts"]),
    default="core",
    show_default=True,
    help="The sample's predictions, or counts and predictions of every reference.",
)
@click.option(
    "--files", type=_PATH, help="Counts track: write the data files here, to be uploaded."
)
@click.option("--files-url", help="Counts track: address that --files will have.")
@click.option("--accept-terms", is_flag=True, help="Say yes to what is asked about data.")
@click.option("--replace", is_flag=True, help="Replace the submission that --out holds already.")
def new(
    run: Path,
    out: Path,
    model: str | None,
    version: int,
    track: str,
    files: Path | None,
    files_url: str | None,
    replace: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Make a submission from a finished RUN that was evaluated with --save-masks.

    Asks for what the run cannot know and no option gave.
    """
    from cosmos_board.cli.submissions.questions import ask, ask_model
    from cosmos_board.submissions.draft.draft import Elsewhere, draft_submission, refuse_taken
    from cosmos_board.submissions.draft.model_run import list_models, open_model_run

    if (files is None) != (files_url is None) or (files and track == "core"):
        raise click.UsageError("--files and --files-url go together, on the counts track")
    refuse_taken(out, replace=replace)  # before anything is asked
    models = list_models(run)
    chosen = model or (models[0] if len(models) == 1 else ask_model(models))
    model_run = open_model_run(run, chosen, track)
    metadata = ask(given, model_run.card, out=out, version=version)
    elsewhere = Elsewhere(files, files_url.rstrip("/")) if files and files_url else None
    draft_submission(model_run, metadata, out, elsewhere=elsewhere, replace=replace)
    where = f" --external {files}" if elsewhere else ""
    click.echo(f"{out}: written; next: cosmos-board submit check {out}{where}")
