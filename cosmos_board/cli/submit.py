"""`cosmos-board submit`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.cli.submit_maintain import MAINTAINERS
from cosmos_board.cli.submit_packs import make_context, open_packs
from cosmos_board.core.errors import ExitCode

if TYPE_CHECKING:
    from cosmos_board.submissions.draft import Answers

_PACK = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A pack that the submission names; may be repeated. Demo packs are built where missing.",
)
_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_EXTERNAL = click.option(
    "--external", type=click.Path(path_type=Path), help="Where files with an address lie."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("submit")
def command() -> None:
    """Make, check, score and reproduce a submission."""


for _own in MAINTAINERS:
    command.add_command(_own)


@command.command("new")
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


@command.command("check")
@_FOLDER
@_PACK
@_EXTERNAL
@_JSON
def check(folder: Path, packs: tuple[Path, ...], external: Path | None, as_json: bool) -> None:
    """Check the submission in FOLDER: every problem at once, one line each.

    The same code decides in the pull request.
    """
    import secrets
    from dataclasses import replace

    from cosmos_board.submissions.accepted import read_accepted
    from cosmos_board.submissions.audit import Audit
    from cosmos_board.submissions.check import check_submission
    from cosmos_board.submissions.problems import is_refused

    root = folder.absolute().parent
    context = replace(
        make_context(open_packs(folder, packs), root, external),
        accepted=read_accepted(root, without=folder.absolute().name),
        audit=Audit(head="", beacon=secrets.token_hex(16)),
    )
    problems = check_submission(folder, context)
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in problems]))
    else:
        for problem in problems:
            click.echo(f"{problem}")
        if not problems:
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
    """Score FOLDER's predictions and say where the model would stand. Nothing is uploaded."""
    from tempfile import TemporaryDirectory

    from cosmos_board.submissions.check import Context
    from cosmos_board.submissions.score import score_submission
    from cosmos_board.submissions.standing import find_standing

    with TemporaryDirectory(prefix="cosmos-board-") as work:
        run = out or Path(work) / "run"
        context = Context(external=external)
        scored = score_submission(folder, open_packs(folder, packs), run, context=context)
        assert scored.checked.manifest is not None
        standing = find_standing(run, scored.checked.manifest.slug, db)
    for problem in scored.checked.problems:
        click.echo(f"{problem}", err=True)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in standing]))
        return
    for one in standing:
        click.echo(one.line)


@command.command("reproduce")
@_FOLDER
@_PACK
@click.option("--model", help="Name, or file.py:Class. Default: the submission's slug.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="safetensors or ONNX.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--promote", is_flag=True, help="For maintainers: write an agreement to the ledger.")
@_JSON
def reproduce(
    folder: Path,
    packs: tuple[Path, ...],
    model: str | None,
    checkpoint: Path | None,
    device: str,
    promote: bool,
    as_json: bool,
) -> None:
    """Run FOLDER's model again on the core track and compare with what was submitted.

    A file of code is run in a process without network, or not at all.
    """
    from cosmos_board.runner.settings import SegmenterSpec
    from cosmos_board.submissions.isolation import has_network, is_code, run_isolated
    from cosmos_board.submissions.reproduce import reproduce_submission

    spec = SegmenterSpec(name=model or folder.absolute().name, checkpoint=checkpoint, device=device)
    opened = open_packs(folder, packs)
    if is_code(spec.name) and has_network():
        words = ["submit", "reproduce", str(folder), "--model", spec.name, "--device", device]
        words += [word for pack in opened for word in ("--pack", str(pack.path))]
        words += ["--checkpoint", str(checkpoint)] if checkpoint else []
        status = run_isolated([*words, *(["--json"] if as_json else [])])
        if status:
            raise SystemExit(status)
        _promote(folder, promote)
        return
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
    _promote(folder, promote)


def _promote(folder: Path, promote: bool) -> None:
    if promote:
        from datetime import UTC, datetime

        from cosmos_board.submissions.events import promote_submission

        path = folder.absolute()
        promote_submission(path.parent, path.name, datetime.now(UTC))


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
