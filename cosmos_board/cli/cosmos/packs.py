"""One dataset of a board: its files are fetched and curated into a pack, unless it is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from cosmos_board.cli.plans import show_plan
from cosmos_board.cli.progress import show_steps, stop_on_signal
from cosmos_board.cli.transfers import show_transfers
from cosmos_board.core.errors import InputError, make_one_line
from cosmos_board.curation.curate import ImportReport, curate
from cosmos_board.curation.sample import Sample, sample_units
from cosmos_board.data.catalog.addresses import load_downloads, read_downloads
from cosmos_board.data.catalog.dataset import Dataset
from cosmos_board.data.catalog.starter import StarterSet
from cosmos_board.data.imports.planning.plan import ImportPlan, plan_import
from cosmos_board.data.imports.spec.load import load_spec, make_pack_info
from cosmos_board.data.pack.info import PackInfo, read_info
from cosmos_board.downloads.fetch import FetchOptions, fetch_files
from cosmos_board.downloads.files import RemoteFile

RAW = "raw"
"""Folder of downloads, into which a user puts what only a person may fetch."""


class PackMaker:
    """Makes packs below a folder: downloads in `raw/NAME`, packs in `packs/NAME`.

    A pack appears only when it is whole, so one that is there is done.
    """

    def __init__(self, out: Path, addresses: Path | None, workers: int) -> None:
        """Read the user's own addresses, which go before the catalog's."""
        self._out = out
        self._own = read_downloads(addresses) if addresses else {}
        self._workers = workers

    def make(self, dataset: Dataset, row: StarterSet | None) -> Path:
        """Return the pack of a dataset, or of the part that a row of the starter takes.

        Raises:
            InputError: If a file cannot be had or is not what it should be, or nothing is found in
                the files.
            StorageError: If the disk is too small, full or cannot be written.
            StoppedError: If a signal came.
        """
        pack, raw = self._out / "packs" / dataset.name, self._out / RAW / dataset.name
        info = _make_info(dataset.name, row)
        if pack.exists():
            _refuse_another(pack, info)
            return pack
        self._fetch(dataset, row, raw)
        spec = load_spec(dataset.name)
        plan = plan_import(spec, raw)
        show_plan(plan, say=_say, whole=row is None)
        units = plan.units()
        if row is not None:
            _say(f"{dataset.name}: {_describe_plan(plan, row)}")
            sample = Sample(units=row.units, slices=row.slices, longest_side_px=row.longest_side_px)
            units = sample_units(units, sample)
        with show_steps("pictures or volumes") as show:
            report = curate(
                units,
                info,
                pack,
                workers=self._workers,
                on_progress=lambda done, total: show(done, total, dataset.name),
            )
        _print_report(dataset.name, report)
        return pack

    def _fetch(self, dataset: Dataset, row: StarterSet | None, raw: Path) -> None:
        files = self._list_files(dataset.name, row)
        with stop_on_signal() as stopped, show_transfers(dataset.name) as report:
            missing = fetch_files(
                files, raw, FetchOptions(stopped=stopped, report=report, say=_say)
            )
        if missing:
            raise InputError(raw, missing[0].path, "is not here yet", want=_say_how(dataset))
        if not any(path for path in raw.iterdir() if not path.name.startswith(".")):
            raise InputError(raw, "", "holds nothing yet", want=_say_how(dataset))

    def _list_files(self, name: str, row: StarterSet | None) -> tuple[RemoteFile, ...]:
        own, catalog = self._own.get(name), load_downloads().get(name)
        if row is not None:
            return row.pick_files(own, catalog)
        download = own or catalog
        return download.files if download else ()


def _make_info(name: str, row: StarterSet | None) -> PackInfo:
    info = make_pack_info(load_spec(name))
    if row is None:
        return info
    # A sample is never a complete copy: `row.expect` says what its files hold.
    return replace(info, subsample=row.part, version=row.version or info.version, expected=())


def _refuse_another(pack: Path, info: PackInfo) -> None:
    """Refuse a pack that an earlier program made of another version, part or protocol."""
    there = read_info(pack)
    for name in ("name", "version", "subsample", "protocol"):
        got, want = getattr(there, name), getattr(info, name)
        if got != want:
            problem = "is another pack; move it away to have it made anew"
            raise InputError(pack, name, problem, got=got or "none", want=want or "none")


def _say_how(dataset: Dataset) -> str:
    return f"{dataset.gate.where} {dataset.link}; {dataset.gate.put}"


def _describe_plan(plan: ImportPlan, row: StarterSet) -> str:
    """Return how much was found of what the files of the starter hold by their publishers."""
    clusters = len({job.cluster_key for job in plan.jobs})
    return (
        f"{len(plan.jobs)} of {row.expect.units} pictures or volumes, "
        f"{clusters} of {row.expect.clusters} clusters"
    )


def _print_report(name: str, report: ImportReport) -> None:
    for origin, reason in report.quarantined:
        _say(make_one_line(f"{name}: quarantined {origin}: {reason}"))
    held = report.info.counts
    _say(
        f"{name}: {held.images} images, {held.references} references, {held.clusters} clusters; "
        f"{len(report.quarantined)} not read"
    )


def _say(line: str) -> None:
    click.echo(line, err=True)
