"""`cosmos-board data list`, and what is told of a dataset of the catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.cli.tables import cut_text, terminal_width
from cosmos_board.data.catalog.at_hand import PACKS, find_packs

if TYPE_CHECKING:
    from cosmos_board.data.catalog.dataset import Dataset

_HEADINGS = ("dataset", "access", "fetch", "size", "pack", "licence", "layout known", "modalities")
_SHORT = 5
"""Columns that fit 80 characters; the next two, which are sentences, a terminal shows below."""

_LICENCE = 30
"""Characters of a licence in a terminal."""


@click.command("list")
@click.option(
    "--packs",
    type=click.Path(path_type=Path),
    default=PACKS,
    show_default=True,
    help="Folder in which packs are looked for.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_datasets(packs: Path, as_json: bool) -> None:
    """List the 53 COSMOS datasets and the demo packs: how to get them, and which are here."""
    from cosmos_board.data.catalog.load import load_catalog

    datasets = load_catalog().datasets.values()
    here = find_packs(packs)
    if as_json:
        facts = [describe_dataset(dataset, here) for dataset in datasets]
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    rows = [_HEADINGS, *(_make_row(describe_dataset(dataset, here)) for dataset in datasets)]
    for line in _lay_out(rows, terminal_width()):
        click.echo(line)
    click.echo(
        f"{len(datasets)} datasets; `cosmos-board data show NAME` says more of one", err=True
    )


def _lay_out(rows: Sequence[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Yield a line for each row, of all columns; in a terminal two, of which none is wider."""
    shown = len(_HEADINGS) if width is None else _SHORT
    widths = [max(map(len, column)) for column in zip(*(row[:shown] for row in rows), strict=True)]
    for row in rows:
        cells = (cell.ljust(space) for cell, space in zip(row, widths, strict=False))
        yield "  ".join(cells).rstrip()
        if width is not None:
            licence, layout = row[_SHORT : _SHORT + 2]
            yield cut_text(f"  {cut_text(licence, _LICENCE)}; {layout}", width)


def _make_row(facts: dict[str, Any]) -> tuple[str, ...]:
    size = facts["download"]["size_bytes"]
    return (
        facts["name"],
        facts["access"]["kind"],
        facts["download"]["fetching"],
        "–" if size is None else _format_bytes(size),
        "–" if facts["pack"] is None else "yes",
        facts["licence"],
        facts["certainty"]["layout"],
        ", ".join(facts["modalities"]),
    )


def _format_bytes(size: int) -> str:
    """Return a size as a person reads it.

    Example:
        >>> _format_bytes(46_200_000), _format_bytes(6_070_000_000)
        ('46 MB', '6.1 GB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def describe_dataset(dataset: Dataset, here: dict[str, Path]) -> dict[str, Any]:
    """Return what is told of a dataset; `here` are the packs at hand."""
    own = ("name", "kind", "label", "link", "version", "modalities", "objects", "instances")
    pack = here.get(dataset.name)
    return {
        **{name: getattr(dataset, name) for name in own},
        "exclusions": [exclusion.model_dump() for exclusion in dataset.exclusions],
        "format": dataset.format,
        "access": dataset.gate.model_dump(),
        "download": _describe_download(dataset),
        "expected": _describe_expected(dataset),
        "pack": None if pack is None else str(pack),
        "licence": dataset.licence,
        "permissions": [name for name, granted in dataset.permissions.items() if granted],
        "citation": dataset.citation,
        "shares_cases_with": [other.model_dump() for other in dataset.shares_cases_with],
        "contamination": [use.model_dump() for use in dataset.contamination],
        "certainty": dict(dataset.certainty),
    }


def _describe_expected(dataset: Dataset) -> list[dict[str, Any]]:
    """Return what a complete copy holds, part by part; nothing where nobody could name a number."""
    from cosmos_board.data.catalog.expected import load_expected

    parts = load_expected().get(dataset.name, ())
    return [part.model_dump(exclude_defaults=True) for part in parts]


def _describe_download(dataset: Dataset) -> dict[str, Any]:
    from cosmos_board.data.catalog.addresses import load_downloads

    known = load_downloads().get(dataset.name)
    if known is None:
        fetching = "all" if dataset.kind == "demo" else "by hand"
        return {"fetching": fetching, "size_bytes": None, "source": "", "by_hand": "", "files": []}
    return {
        "fetching": known.fetching,
        "size_bytes": known.size_bytes,
        "source": known.source,
        "by_hand": known.by_hand,
        "files": [row.model_dump(exclude_defaults=True) for row in known.file_rows],
    }
