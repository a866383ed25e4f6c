"""`cosmos-board data`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_board.cli.tables import fit_columns, name_hidden, print_pack, terminal_width
from cosmos_board.core.errors import ExitCode, InputError

if TYPE_CHECKING:
    from cosmos_board.curation.curate import ImportReport
    from cosmos_board.data.catalog.dataset import Dataset
    from cosmos_board.data.imports.planning.plan import ImportPlan
    from cosmos_board.data.imports.planning.warnings import PlanWarning
    from cosmos_board.data.pack import Pack

_SHOWN_PAIRS = 5


@click.group("data")
def command() -> None:
    """List, fetch, import, show and check datasets."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_datasets(as_json: bool) -> None:
    """List the 53 COSMOS datasets and the demo packs."""
    from cosmos_board.data.catalog.load import load_catalog

    datasets = load_catalog().datasets.values()
    if as_json:
        click.echo(json.dumps([_describe(dataset) for dataset in datasets], ensure_ascii=False))
        return
    rows = [
        (
            dataset.name,
            dataset.gate.kind,
            str(len(dataset.objects)),
            ", ".join(dataset.modalities),
            dataset.licence,
        )
        for dataset in datasets
    ]
    headings = ("dataset", "access", "objects", "modalities", "licence")
    shown = fit_columns(headings, rows, 1, terminal_width())
    widths = [max(len(row[i]) for row in (*rows, headings)) for i in range(shown)]
    for row in (headings, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        click.echo("  ".join(cells).rstrip())
    if hidden := name_hidden(headings, shown):
        click.echo(hidden, err=True)
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
    from cosmos_board.data.catalog.load import get_dataset

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
    from cosmos_board.data.pack.check import check_pack

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
    from cosmos_board.data.catalog.load import get_dataset
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
    click.echo(f"expected layout: {dataset.gate.put}")
    click.echo(f"then: cosmos-board data import {name} --source {out} --out PACK")


@command.command("import")
@click.argument("spec")
@click.option("--source", required=True, type=click.Path(path_type=Path), help="Raw files.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Pack to write.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option(
    "--accept", multiple=True, metavar="WORD", help="A warning that is meant; may be repeated."
)
def import_files(
    spec: str, source: Path, out: Path, workers: int, dry_run: bool, accept: tuple[str, ...]
) -> None:
    """Curate raw files into a pack; SPEC is a catalog name or an import file."""
    from cosmos_board.curation.curate import curate
    from cosmos_board.data.imports.planning.plan import plan_import
    from cosmos_board.data.imports.spec.fields import WARNINGS
    from cosmos_board.data.imports.spec.load import load_spec, make_pack_info

    if unknown := [word for word in accept if word not in WARNINGS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(WARNINGS)}")
    loaded = load_spec(spec)
    loaded = loaded.model_copy(update={"accept": (*loaded.accept, *accept)})
    plan = plan_import(loaded, source)
    click.echo(plan.describe())
    plan.refuse_nothing()
    warnings = _warn(plan, dry_run=dry_run)
    if dry_run:
        return
    report = curate(plan.units(), make_pack_info(loaded), out, workers=workers)
    _print_import(report, out, loaded.accept, warnings)


def _warn(plan: ImportPlan, *, dry_run: bool) -> tuple[PlanWarning, ...]:
    """Print what in a plan is seldom meant, and return what was printed."""
    from cosmos_board.data.imports.planning.warnings import (
        find_warnings,
        read_sample,
        refuse_mistakes,
    )

    look = read_sample(plan)
    if look.unread and dry_run:
        # An import tells this itself, of all files.
        problem = f"{len(look.unread)} of {look.units} looked at cannot be read, first"
        if len(look.unread) == look.units:
            raise InputError("--source", "", f"{problem} {look.unread[0]}")
        click.echo(f"{problem} {look.unread[0]}", err=True)
    warnings = find_warnings(plan, look)
    refuse_mistakes(warnings)
    for warning in warnings:
        click.echo(str(warning), err=True)
    return warnings


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


def _describe(dataset: Dataset) -> dict[str, Any]:
    own = ("name", "kind", "label", "link", "version", "modalities", "objects", "instances")
    return {
        **{name: getattr(dataset, name) for name in own},
        "exclusions": [exclusion.model_dump() for exclusion in dataset.exclusions],
        "format": dataset.format,
        "access": dataset.gate.model_dump(),
        "licence": dataset.licence,
        "permissions": [name for name, granted in dataset.permissions.items() if granted],
        "citation": dataset.citation,
        "shares_cases_with": [other.model_dump() for other in dataset.shares_cases_with],
        "contamination": [use.model_dump() for use in dataset.contamination],
        "certainty": dict(dataset.certainty),
    }
