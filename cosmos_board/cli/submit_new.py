"""`cosmos-board submit new`: a run, and answers to what it cannot know, become a submission."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cosmos_board.submissions.draft import Answers


@click.command("new")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write: submissions/<slug>.",
)
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
@click.option("--version", default=1, show_default=True, type=click.IntRange(1))
@click.option(
    "--track",
    type=click.Choice(["core", "full"]),
    default="core",
    show_default=True,
    help="The sample's predictions, or counts and predictions of every reference.",
)
@click.option(
    "--files",
    type=click.Path(path_type=Path),
    help="Full track: write the data files here, to be uploaded.",
)
@click.option("--files-url", help="Full track: address that --files will have.")
@click.option("--accept-terms", is_flag=True, help="Say yes to what is asked about data.")
def new(
    run: Path,
    out: Path,
    model: str | None,
    version: int,
    track: str,
    files: Path | None,
    files_url: str | None,
    **given: Any,  # noqa: ANN401
) -> None:
    """Make a submission from a finished RUN that was evaluated with --save-masks.

    Asks for what the run cannot know and no option gave.
    """
    from cosmos_board.submissions.draft import Elsewhere, draft_submission, list_models, read_card

    if (files is None) != (files_url is None) or (files and track == "core"):
        raise click.UsageError("--files and --files-url go together, on the full track")
    models = list_models(run)
    chosen = model or (models[0] if len(models) == 1 else _ask_model(models))
    answers = _ask(given, read_card(run, chosen), version)
    elsewhere = Elsewhere(files, files_url.rstrip("/")) if files and files_url else None
    draft_submission(run, chosen, answers, out, track=track, elsewhere=elsewhere)
    click.echo(f"{out}: written; next: cosmos-board submit check {out}")


def _ask_model(models: tuple[str, ...]) -> str:
    chosen: str = click.prompt("Model", type=click.Choice(models), err=True)
    return chosen


def _ask(given: dict[str, Any], card: dict[str, Any], version: int) -> Answers:
    from cosmos_board.submissions.draft import Answers

    def ask(name: str, question: str, known: str | None = None) -> str:
        if given[name] or known:
            return str(given[name] or known)
        answer: str = click.prompt(question, err=True)
        return answer

    licence = None if card["licence"] == "unknown" else card["licence"]
    source = card["source"] if str(card["source"]).startswith("https://") else None
    authors = given["authors"] or (ask("authors", "Author (NAME:GITHUB-ID)"),)
    code_url = ask("code_url", "Where is the code (https address)", source)
    licence = ask("licence", "Licence of the model (SPDX)", licence)
    trained = given["trained_on"] or card["training_data"]
    if trained is None:
        trained = ask("trained_on", "Trained on (catalog names, or none, or unknown)").split()
    accepted = given["accept_terms"] or click.confirm(
        "Was all data used under its terms, is nothing restricted uploaded, and will nobody be"
        " re-identified",
        err=True,
    )
    return Answers(
        authors=tuple(_read_author(text) for text in authors),
        contact=given["contact"],
        code_url=code_url,
        licence=licence,
        training_data=None if "unknown" in trained else tuple(x for x in trained if x != "none"),
        terms_accepted=bool(accepted),
        name=given["name"],
        version=version,
        weights_format=given["weights"],
    )


def _read_author(text: str) -> dict[str, object]:
    name, _, number = text.rpartition(":")
    if not name or not number.strip().isdecimal():
        raise click.BadParameter(
            f"{text!r}: want NAME:GITHUB-ID, the number at https://api.github.com/users/LOGIN"
        )
    return {"name": name.strip(), "github_id": int(number)}
