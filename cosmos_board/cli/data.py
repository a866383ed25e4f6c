"""`cosmos-board data`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.core.errors import ExitCode, InputError

if TYPE_CHECKING:
    from cosmos_board.curation.report import ImportReport
    from cosmos_board.data.catalog.dataset import Dataset
    from cosmos_board.data.pack import Pack


@click.group("data")
def command() -> None:
    """List, fetch, import, show and check datasets."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_datasets(as_json: bool) -> None:
    """List the 53 COSMOS datasets and the demo packs."""
    from cosmos_board.data.catalog import load_catalog

    datasets = load_catalog().datasets.values()
    if as_json:
        click.echo(json.dumps([_describe(dataset) for dataset in datasets], ensure_ascii=False))
        return
    rows = [
        (
            dataset.name,
            ", ".join(dataset.modalities),
            str(len(dataset.objects)),
            dataset.gate.kind,
            dataset.licence,
        )
        for dataset in datasets
    ]
    headings = ("dataset", "modalities", "objects", "access", "licence")
    widths = [min(44, max(len(row[i]) for row in (*rows, headings))) for i in range(5)]
    for row in (headings, *rows):
        cells = (cell[:44].ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    click.echo(f"{len(rows)} datasets; `cosmos-board data show NAME` says more of one", err=True)


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
        from cosmos_board.data.summary import summarise_pack

        click.echo(json.dumps(summarise_pack(opened), ensure_ascii=False))
        return
    from cosmos_board.cli.tables import print_pack

    print_pack(opened.info)


def _draw(pack: Pack, picture: Path) -> None:
    from cosmos_board.data.picture import draw_contact_sheet, write_picture
    from cosmos_board.store.folders import refuse_overlap

    refuse_overlap(picture, [pack.path], option="--picture")
    if picture.is_file() and not picture.read_bytes()[:8].startswith(b"\x89PNG"):
        raise InputError("--picture", "", "is another file", got=picture, want="a new name")
    write_picture(picture, draw_contact_sheet(pack))
    click.echo(f"{picture}: written", err=True)


def _show_dataset(name: str, as_json: bool) -> None:
    from cosmos_board.data.catalog import get_dataset

    facts = _describe(get_dataset(name))
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
    from cosmos_board.data.check import check_pack

    problems = check_pack(pack)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{pack}: whole and unaltered")


@command.command("fetch")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where it goes.")
def fetch(name: str, out: Path) -> None:
    """Build a demo pack from its published wheel; say where to get any other dataset."""
    from cosmos_board.curation.demo import DEMO_PACKS, build_demo_pack
    from cosmos_board.data.catalog import get_dataset
    from cosmos_board.data.demo.wheels import find_cache

    dataset = get_dataset(name)
    if name in DEMO_PACKS:
        path = build_demo_pack(
            DEMO_PACKS[name],
            out,
            say=lambda line: click.echo(line, err=True),
            cache=find_cache(),
        )
        click.echo(str(path))
        return
    click.echo(f"{dataset.label}: access is {dataset.gate.kind}")
    click.echo(f"where: {dataset.link}")
    click.echo(f"how: {dataset.gate.where}")
    click.echo(f"put it so: {dataset.gate.put}")
    click.echo(f"then: cosmos-board data import {name} --source {out} --out PACK")


@command.command("import")
@click.argument("spec")
@click.option("--source", required=True, type=click.Path(path_type=Path), help="Raw files.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Pack to write.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
def import_files(spec: str, source: Path, out: Path, workers: int, dry_run: bool) -> None:
    """Curate raw files into a pack; SPEC is a catalog name or an import file."""
    from cosmos_board.curation.curate import curate
    from cosmos_board.data.imports.info import make_pack_info
    from cosmos_board.data.imports.parse import load_spec
    from cosmos_board.data.imports.plan import plan_import

    loaded = load_spec(spec)
    plan = plan_import(loaded, source)
    click.echo(plan.describe())
    if dry_run:
        return
    report = curate(plan.units(), make_pack_info(loaded), out, workers=workers)
    _print_import(report, out)


def _print_import(report: ImportReport, out: Path) -> None:
    counts = report.info.counts
    click.echo(
        f"{out}: {'unchanged' if report.unchanged else 'written'}: {counts.images} images, "
        f"{counts.references} references, {counts.clusters} clusters"
    )
    for note, number in report.notes.items():
        click.echo(f"{number} images: {note}")
    for rule, number in report.dropped.items():
        click.echo(f"dropped {number}: {rule}")
    for origin, reason in report.quarantined:
        click.echo(f"quarantined {origin}: {reason}", err=True)


def _describe(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "label": dataset.label,
        "link": dataset.link,
        "version": dataset.version,
        "modalities": list(dataset.modalities),
        "objects": list(dataset.objects),
        "instances": list(dataset.instances),
        "exclusions": [asdict(exclusion) for exclusion in dataset.exclusions],
        "format": dataset.format,
        "access": asdict(dataset.gate),
        "licence": dataset.licence,
        "permissions": [name for name, granted in dataset.permissions.items() if granted],
        "citation": dataset.citation,
        "contamination": [asdict(use) for use in dataset.contamination],
        "certainty": dict(dataset.certainty),
    }
