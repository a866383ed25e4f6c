"""`cosmos-board data`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.core.errors import ExitCode

if TYPE_CHECKING:
    from cosmos_board.data.catalog.dataset import Dataset


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
    from cosmos_board.data.content import summarise_pack
    from cosmos_board.data.pack import open_pack

    opened = open_pack(Path(pack))
    if picture is not None:
        from cosmos_board.data.picture import draw_contact_sheet, write_picture

        write_picture(picture, draw_contact_sheet(opened))
        click.echo(f"{picture}: written", err=True)
    summary = summarise_pack(opened)
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    from cosmos_board.cli.tables import print_pack

    print_pack(summary)


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
    from cosmos_board.data.content import check_pack

    problems = check_pack(pack)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(ExitCode.REFUSED)
    click.echo(f"{pack}: whole and unaltered")


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
