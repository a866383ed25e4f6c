"""`cosmos-board data`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_board.cli.data_fetch import fetch
from cosmos_board.cli.data_list import describe_dataset, list_datasets
from cosmos_board.cli.pack_tables import print_pack
from cosmos_board.core.errors import ExitCode, InputError

if TYPE_CHECKING:
    from cosmos_board.curation.curate import ImportReport
    from cosmos_board.data.imports.planning.warnings import PlanWarning
    from cosmos_board.data.pack import Pack

_SHOWN_PAIRS = 5


@click.group("data")
def command() -> None:
    """List, fetch, import, show and check datasets."""


command.add_command(list_datasets)
command.add_command(fetch)


@command.command("show")
@click.argument("pack")
@click.option("--picture", type=click.Path(path_type=Path), help="Write a contact sheet (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(pack: str, picture: Path | None, as_json: bool) -> None:
    """Show a PACK's targets, counts, factors and licence, or a dataset of the catalog."""
    if not Path(pack).is_dir():
        _show_dataset(pack, as_json)
        return
    from cosmos_board.data.pack import open_pack

    opened = open_pack(Path(pack))
    if picture is not None:
        _draw(opened, picture)
    if as_json:
        from cosmos_board.data.pack.summary import summarise_pack

        click.echo(json.dumps(summarise_pack(opened), ensure_ascii=False))
        return
    print_pack(opened.info)


def _draw(pack: Pack, picture: Path) -> None:
    from cosmos_board.data.pack.contact_sheet import draw_contact_sheet
    from cosmos_board.data.pack.png import encode_png
    from cosmos_board.store.files import write_bytes
    from cosmos_board.store.folders import refuse_overlap

    refuse_overlap(picture, [pack.path], option="--picture")
    if picture.is_file() and not picture.read_bytes()[:8].startswith(b"\x89PNG"):
        raise InputError("--picture", "", "is another file", got=picture, want="a new name")
    write_bytes(picture, encode_png(draw_contact_sheet(pack)))
    click.echo(f"{picture}: written", err=True)


def _show_dataset(name: str, as_json: bool) -> None:
    from cosmos_board.data.catalog.at_hand import PACKS, find_packs
    from cosmos_board.data.catalog.load import get_dataset

    facts = describe_dataset(get_dataset(name), find_packs(PACKS))
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for key, value in facts.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{key:18} {text}")


@command.command("check")
@click.argument("pack", type=click.Path(path_type=Path))
def check(pack: Path) -> None:
    """Tell whether a PACK is whole and unaltered."""
    from cosmos_board.data.pack.check import check_pack
    from cosmos_board.data.pack.info import read_info

    problems = check_pack(pack)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{pack}: whole and unaltered")
    for count in read_info(pack).expected:
        click.echo(f"expected by the catalog: {count}")


@command.command("import")
@click.argument("spec")
@click.option("--source", required=True, type=click.Path(path_type=Path), help="Raw files.")
@click.option("--out", type=click.Path(path_type=Path), help="Pack to write.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop; needs no --out.")
@click.option(
    "--accept", multiple=True, metavar="WORD", help="A warning that is meant; may be repeated."
)
def import_files(
    spec: str, source: Path, out: Path | None, workers: int, dry_run: bool, accept: tuple[str, ...]
) -> None:
    """Curate raw files into a pack; SPEC is a catalog name or an import file."""
    from cosmos_board.cli.plans import show_plan
    from cosmos_board.curation.curate import curate
    from cosmos_board.data.imports.planning.plan import plan_import
    from cosmos_board.data.imports.spec.fields import WARNINGS
    from cosmos_board.data.imports.spec.load import load_spec, make_pack_info

    if unknown := [word for word in accept if word not in WARNINGS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(WARNINGS)}")
    if out is None and not dry_run:
        raise click.UsageError("Missing option '--out'.")
    loaded = load_spec(spec)
    loaded = loaded.model_copy(update={"accept": (*loaded.accept, *accept)})
    plan = plan_import(loaded, source)
    warnings = show_plan(plan, say=click.echo, dry_run=dry_run)
    if out is None or dry_run:
        return
    report = curate(plan.units(), make_pack_info(loaded), out, workers=workers)
    _print_import(report, out, loaded.accept, warnings)


def _print_import(
    report: ImportReport, out: Path, accepted: tuple[str, ...], warnings: tuple[PlanWarning, ...]
) -> None:
    from cosmos_board.data.imports.planning.warnings import judge_counts

    for note, number in sorted(report.counts.notes.items()):
        click.echo(f"{number} images: {note}")
    for rule, number in sorted(report.counts.dropped.items()):
        click.echo(f"dropped {number}: {rule}")
    if report.joined_clusters:
        click.echo(f"{_describe_joined(report)}", err=True)
    for origin, reason in report.quarantined:
        click.echo(f"quarantined {origin}: {reason}", err=True)
    due = judge_counts(report.counts.warnings, "images")
    new = [warning for warning in due if warning.word not in accepted]
    words = {warning.word for warning in new}
    for warning in (*new, *(warning for warning in warnings if warning.word not in words)):
        click.echo(str(warning), err=True)
    for count in report.info.expected:
        click.echo(f"expected by the catalog: {count}")
    held = report.info.counts
    click.echo(
        f"{out}: {'unchanged' if report.unchanged else 'written'}: {held.images} images, "
        f"{held.references} references, {held.clusters} clusters"
        + (f"; {len(report.quarantined)} not read" if report.quarantined else "")
    )


def _describe_joined(report: ImportReport) -> str:
    pairs = [f"{first} = {second}" for first, second in report.shared_images]
    more = ", …" if len(pairs) > _SHOWN_PAIRS else ""
    return (
        f"{report.joined_clusters} clusters share an image with another and were joined: "
        f"{', '.join(pairs[:_SHOWN_PAIRS])}{more}"
    )
