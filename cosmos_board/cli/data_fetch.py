"""`cosmos-board data fetch`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.core.errors import InputError
from cosmos_board.data.catalog.at_hand import PACKS

if TYPE_CHECKING:
    from cosmos_board.data.catalog.addresses import Download
    from cosmos_board.data.catalog.dataset import Dataset
    from cosmos_board.downloads.files import RemoteFile


@click.command("fetch")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where it goes.")
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only files whose path fits; may be repeated."
)
@click.option("--import", "then_import", is_flag=True, help="Go on to the pack PACKS/NAME.")
@click.option(
    "--packs",
    type=click.Path(path_type=Path),
    default=PACKS,
    show_default=True,
    help="Folder of packs, for --import.",
)
@click.option("--workers", type=click.IntRange(1), default=2, help="Processes of --import.")
@click.option(
    "--addresses",
    type=click.Path(path_type=Path),
    envvar="COSMOS_BOARD_ADDRESSES",
    help="File of addresses to use before the catalog's, such as a mirror in your own network.",
)
@click.pass_context
def fetch(
    context: click.Context,
    name: str,
    out: Path,
    only: tuple[str, ...],
    then_import: bool,
    packs: Path,
    workers: int,
    addresses: Path | None,
) -> None:
    """Download a dataset into OUT, and check what is there; run again, it does what is missing.

    Nothing is unpacked. Of a dataset that asks for registration it says where to go and what to
    put into OUT, and checks what was put. A demo pack is built at OUT from its published wheel.
    """
    from cosmos_board.data.catalog.load import get_dataset

    dataset = get_dataset(name)
    if dataset.kind == "demo":
        _build_demo_pack(name, out)
        return
    download = _find_download(name, addresses)
    missing = _fetch_files(dataset, download, out, only) if download and download.files else []
    if missing or download is None or download.fetching != "all":
        _explain(dataset, download, out)
    if missing:
        raise InputError(out, missing[0].path, "is not here yet", want="what is said above")
    if download is None or not download.files:
        _check_by_hand(name, out, then_import=then_import)
    if then_import:
        group = context.parent.command if context.parent else None
        assert isinstance(group, click.Group), "this command lies beside `import`"
        importing = group.commands["import"]
        context.invoke(importing, spec=name, source=out, out=packs / name, workers=workers)


def _build_demo_pack(name: str, out: Path) -> None:
    from cosmos_board.curation.demo import DEMO_PACKS, build_demo_pack
    from cosmos_board.data.demo.wheels import find_cache

    path = build_demo_pack(DEMO_PACKS[name], out, say=_say, cache=find_cache())
    click.echo(str(path))


def _find_download(name: str, addresses: Path | None) -> Download | None:
    from cosmos_board.data.catalog.addresses import load_downloads, read_downloads

    own = read_downloads(addresses) if addresses else {}
    return own.get(name) or load_downloads().get(name)


def _fetch_files(
    dataset: Dataset, download: Download, out: Path, only: tuple[str, ...]
) -> list[RemoteFile]:
    """Fetch what has an address and return what is missing still."""
    from cosmos_board.cli.progress import stop_on_signal
    from cosmos_board.cli.transfers import show_transfers
    from cosmos_board.downloads.fetch import FetchOptions, fetch_files

    files = [
        file
        for file in download.files
        if not only or any(fnmatchcase(file.path, pattern) for pattern in only)
    ]
    if not files:
        known = ", ".join(row.path for row in download.file_rows)
        raise InputError("--only", "", "fits no file", got=" ".join(only), want=known)
    _say(f"{dataset.label}: licence: {dataset.licence}; addresses: {download.source}")
    if dataset.agreement:
        _say(f"{dataset.label}: its owners ask that their terms are accepted first: {dataset.link}")
    with stop_on_signal() as stopped, show_transfers(dataset.name) as report:
        options = FetchOptions(stopped=stopped, report=report, say=_say)
        missing = fetch_files(files, out, options)
    here = [file for file in files if file not in missing]
    pinned = sum(file.is_pinned for file in here)
    size = sum((out / file.path).stat().st_size for file in here)
    click.echo(
        f"{out}: {len(here)} of {len(files)} files, {size / 1e6:.1f} MB; {pinned} checked against "
        f"published sums, {len(here) - pinned} against the record of when they were first fetched"
    )
    return missing


def _explain(dataset: Dataset, download: Download | None, out: Path) -> None:
    click.echo(f"{dataset.label}: access is {dataset.gate.kind}; licence: {dataset.licence}")
    click.echo(f"where: {dataset.link}")
    if download is not None and download.by_hand:
        click.echo(f"how: {download.by_hand}")
    else:
        click.echo(f"how: {dataset.gate.where}")
    click.echo(f"put into {out}: {dataset.gate.put}")
    click.echo(f"then: cosmos-board data fetch {dataset.name} --out {out}   (checks what is there)")
    click.echo(f"or: cosmos-board data import {dataset.name} --source {out} --out PACK")


def _check_by_hand(name: str, out: Path, *, then_import: bool) -> None:
    """Say what an import finds in what somebody put there, unless the import will.

    Raises:
        InputError: If nothing was put there, or no image is found in it.
    """
    if not out.is_dir() or not any(out.iterdir()):
        raise InputError(out, "", "holds nothing yet", want="what is said above")
    if then_import:
        return
    from cosmos_board.cli.plans import show_plan
    from cosmos_board.data.imports.planning.plan import plan_import
    from cosmos_board.data.imports.spec.load import load_spec

    show_plan(plan_import(load_spec(name), out), say=click.echo, dry_run=True)


def _say(line: str) -> None:
    click.echo(line, err=True)
