"""`cosmos-board cosmos`: from the names of datasets to a ranked board.

A command and not a recipe of the Makefile: whoever installs the package has no Makefile, and
stopping, exit codes and error lines are those of the steps that it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import click

from cosmos_board.cli.options import DEVICE
from cosmos_board.core.errors import ExitCode, InputError, UsageError, make_one_line

MODELS: tuple[str, ...] = ("box-prior", "threshold", "grabcut", "cosmos-tiny")
"""What needs no download: the baseline, an interactive method and a small learned model."""


@click.command("cosmos")
@click.argument("names", nargs=-1)
@click.option(
    "--starter", is_flag=True, help="Instead of names: the starter board, 2 GB of open data."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("build/cosmos"),
    show_default=True,
    help="Folder for downloads, packs, runs, board and site: empty, or of an earlier call.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help=f"A model beside {', '.join(MODELS)}, as `eval` takes it; may be repeated.",
)
@DEVICE
@click.option("--workers", type=click.IntRange(1), help="Processes. Default: as `eval` has it.")
@click.option(
    "--addresses",
    type=click.Path(path_type=Path),
    envvar="COSMOS_BOARD_ADDRESSES",
    help="File of addresses to use before the catalog's, such as a mirror in your own network.",
)
def command(
    names: tuple[str, ...],
    starter: bool,
    out: Path,
    models: tuple[str, ...],
    device: str,
    workers: int | None,
    addresses: Path | None,
) -> None:
    """Fetch, import, evaluate and rank the datasets NAMES of the catalog.

    The six prompts, the clicks study and, for learned models, the jitter study. Stopped at any
    moment, the same command goes on where it was. A dataset that cannot be had is named and left
    out, and the exit code says so.
    """
    from cosmos_board.cli.cosmos.boards import publish
    from cosmos_board.cli.cosmos.packs import RAW, PackMaker
    from cosmos_board.cli.cosmos.runs import evaluate
    from cosmos_board.data.catalog.load import get_dataset, list_shared_cases
    from cosmos_board.data.catalog.starter import load_starter
    from cosmos_board.store.folders import claim_folder

    if starter == bool(names):
        raise UsageError("cosmos", "", "wants names of datasets, or --starter")
    rows = load_starter() if starter else {}
    names = tuple(rows) or tuple(dict.fromkeys(names))
    datasets = [get_dataset(name) for name in names]
    _refuse_shared_cases(names, list_shared_cases())
    claim_folder(out, "cosmos", given=(RAW,))
    maker = PackMaker(out, addresses, workers or 2)
    packs, problems = [], []
    for dataset in datasets:
        try:
            packs.append(maker.make(dataset, rows.get(dataset.name)))
        except InputError as error:
            problems.append(make_one_line(f"{dataset.name}: left out: {error}"))
            click.echo(problems[-1], err=True)
    if not packs:
        raise SystemExit(ExitCode.REFUSED)
    runs = evaluate(packs, (*MODELS, *models), out / "runs", device=device, workers=workers)
    publish(runs.folders, out)
    for line in (*problems, *runs.problems):
        click.echo(line, err=True)
    if problems or runs.problems:
        raise SystemExit(ExitCode.REFUSED)


def _refuse_shared_cases(names: Sequence[str], shared_cases: Mapping[str, Collection[str]]) -> None:
    """Refuse, hours before `ingest` would, two datasets with the same patients."""
    for place, name in enumerate(names):
        if others := set(names[place + 1 :]) & set(shared_cases.get(name, ())):
            problem = f"has cases of {min(others)}, which is named too"
            raise UsageError("cosmos", name, problem, want="one of the two, or a board each")
