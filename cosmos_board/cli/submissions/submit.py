"""`cosmos-board submit`."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.cli.progress import send_prints_to_stderr
from cosmos_board.cli.submissions.new import new
from cosmos_board.core.errors import ExitCode, InputError

if TYPE_CHECKING:
    from cosmos_board.data.pack import Pack
    from cosmos_board.submissions.history.versions import History

_PATH = click.Path(path_type=Path)
_PACK = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=_PATH,
    help="A pack that the submission names; may be repeated. Demo packs come out of the cache.",
)
_FOLDER = click.argument("folder", type=_PATH)
_EXTERNAL = click.option("--external", type=_PATH, help="Where files with an address lie.")
_ROOT = click.option(
    "--root",
    default=Path("submissions"),
    show_default=True,
    type=_PATH,
    help="Folder of submissions.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("submit")
def command() -> None:
    """Make, check, score and reproduce a submission."""


command.add_command(new)


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
    from cosmos_board.submissions.checks.packs import list_known
    from cosmos_board.submissions.checks.submission import CheckInputs
    from cosmos_board.submissions.format.manifest import read_manifest
    from cosmos_board.submissions.history.variants import note_variants
    from cosmos_board.submissions.history.versions import parse_claim
    from cosmos_board.submissions.problems import is_refused

    opened, root = _open_packs(folder, packs), folder.absolute().parent
    history, slug = _read_history(root), folder.absolute().name
    accepted = history.list_accepted(without=slug) if history else []
    seed, known = secrets.token_hex(16), list_known(opened, root)
    inputs = CheckInputs(packs=known, accepted=accepted, external=external, seed=seed)
    problems = check_submission(folder, inputs)
    if history and not is_refused(problems):
        problems += note_variants(slug, parse_claim(read_manifest(folder)), history)
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
@click.option("--out", type=_PATH, help="Keep the scored run here.")
@click.option("--db", type=_PATH, help="Board to compare with.")
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
    from cosmos_board.submissions.checks.submission import CheckInputs
    from cosmos_board.submissions.scoring.ranks import CAPTION, rank_run
    from cosmos_board.submissions.scoring.score import score_submission

    with TemporaryDirectory(prefix="cosmos-board-") as work:
        run = out or Path(work) / "run"
        inputs = CheckInputs(external=external)
        scored = score_submission(folder, _open_packs(folder, packs), run, inputs=inputs)
        manifest = scored.checked.manifest
        ranks = rank_run(run, manifest.slug, db)
    for problem in scored.checked.problems:
        click.echo(f"{problem}", err=True)
    if as_json:
        click.echo(json.dumps([rank.describe() for rank in ranks]))
    else:
        click.echo("\n".join([CAPTION, *(rank.line for rank in ranks)]))


@command.command("reproduce")
@_FOLDER
@_PACK
@click.option("--model", help="Name, or file.py:Class. Default: the submission's slug.")
@click.option("--checkpoint", type=_PATH, help="safetensors or ONNX.")
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
    opened = _open_packs(folder, packs)
    if is_code(spec.name) and has_network():
        words = ["submit", "reproduce", str(folder), "--model", spec.name, "--device", device]
        words += [word for pack in opened for word in ("--pack", str(pack.path))]
        words += ["--checkpoint", str(checkpoint)] if checkpoint else []
        raise SystemExit(run_isolated([*words, *(["--json"] if as_json else [])]))
    with send_prints_to_stderr():
        result = reproduce_submission(folder, opened, spec)
    if as_json:
        click.echo(json.dumps({**asdict(result), "agrees": result.agrees}))
    else:
        verdict = "re-run: the scores are the model's" if result.agrees else "does not agree"
        click.echo(
            f"{folder}: {verdict} ({result.equal_rows} of {result.rows} rows equal to the pixel, "
            f"means within {result.mean_difference:.2g}, 99 % of rows within "
            f"{result.row_difference:.2g} Dice)"
        )
    if not result.agrees:
        raise SystemExit(ExitCode.REFUSED)


@command.command("index")
@click.argument("pack", type=_PATH)
@_ROOT
def index(pack: Path, root: Path) -> None:
    """For maintainers: keep the index of PACK in git, so that counts on it can be submitted."""
    from cosmos_board.data.pack import open_pack
    from cosmos_board.submissions.checks.packs import write_pack_index

    click.echo(f"{write_pack_index(root, open_pack(pack))}: written")


@command.command("decide")
@click.argument("slug")
@click.option(
    "--word",
    required=True,
    type=click.Choice(["withdrawn", "taken-down", "released", "audited", "re-run"]),
    help="The decision.",
)
@click.option("--who", required=True, type=int, help="Your numeric GitHub id.")
@click.option("--why", required=True, help="Shown on the board.")
@click.option("--version", type=click.IntRange(1), help="Default: the newest that landed.")
@_ROOT
def decide(slug: str, word: str, who: int, why: str, version: int | None, root: Path) -> None:
    """For maintainers: add a decision on SLUG to decisions.toml, for a pull request of its own."""
    from cosmos_board.submissions.history.decisions import add_decision
    from cosmos_board.submissions.history.versions import read_history

    entry = read_history(root).entries.get(slug)
    if entry is None or not entry.versions:
        raise click.BadParameter(f"no version of {slug} landed on main", param_hint="SLUG")
    path = add_decision(root, slug, version or entry.number, word, who, why)
    click.echo(f"{path}: {slug} version {version or entry.number} {word}; propose it to main")


def _read_history(root: Path) -> History | None:
    """Return what landed in the clone that the folder of submissions lies in, None outside one."""
    from cosmos_board.submissions.history.versions import read_history

    try:
        return read_history(root)
    except InputError:
        return None


def _open_packs(folder: Path, packs: tuple[Path, ...]) -> list[Pack]:
    """Return the packs given, or the demo packs that the submission names, out of the cache."""
    from cosmos_board.curation.demo import DEMO_PACKS, find_demo_pack
    from cosmos_board.data.demo.wheels import find_cache
    from cosmos_board.data.pack import open_pack
    from cosmos_board.submissions.format.manifest import read_pack_names

    names = [] if packs else [name for name in read_pack_names(folder) if name in DEMO_PACKS]
    built = [
        find_demo_pack(DEMO_PACKS[name], find_cache(), say=lambda line: click.echo(line, err=True))
        for name in names
    ]
    return [open_pack(path) for path in (*packs, *built)]
