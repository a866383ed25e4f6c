"""Curation: source units → a pack, on several cores, in bounded memory, resumable."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.curation.assemble import assemble_pack
from cosmos_board.curation.staging import (
    Batch,
    ImportCounts,
    join_batches,
    read_batch,
    stage_units,
)
from cosmos_board.data.pack.info import PackInfo, read_info
from cosmos_board.data.source import SourceUnit
from cosmos_board.store.files import hold, sync_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was kept, what was left out by which rule, and what could not be read."""

    info: PackInfo
    """The facts of the finished pack, with its counts and hashes."""

    units: int
    """Source units that were looked at."""

    counts: ImportCounts
    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of each unit that could not be read, in the order of origin."""

    joined_clusters: int
    """Clusters that turned out to share an image with another, and became one with it."""

    shared_images: tuple[tuple[str, str], ...]
    """Origins of the two equal images, for each time that two clusters became one."""

    unchanged: bool
    """Whether the pack was there already with the same content."""


def curate(
    units: Sequence[SourceUnit],
    info: PackInfo,
    out: Path,
    *,
    workers: int = 2,
    batch_units: int = 16,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Curate `units` into a pack at `out`, which appears only when it is whole.

    Interrupted, it leaves a hidden work folder beside `out`, and the same call reuses what was
    finished. The pack is the same whatever the order of units, their batches and the machine.

    Args:
        units: What to read; each in one process, in any order.
        info: Facts about the pack; counts, hashes and files are filled in.
        out: Folder of the pack. If there is an equal pack already, it stays as it is.
        workers: Number of processes; 1 works in this one.
        batch_units: Units per batch. Everything kept of one batch is finished together.
        on_progress: Called with units done and units in all.

    Raises:
        InputError: If nothing is kept, or something else is at `out`.
        InUseError: If another process is importing to `out`.
        StorageError: If the disk is full, read-only or gone.
    """
    out = out.absolute()
    _refuse_other_folder(out)
    work = out.with_name(f".{out.name}.import")
    with _reporting(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
    with hold(out):
        staging, assembled = work / "staged", work / "pack"
        with _reporting(work):
            staging.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(assembled, ignore_errors=True)
        keys = []
        done = 0
        for key, size in stage_units(staging, units, workers=workers, batch_units=batch_units):
            keys.append(key)
            done += size
            if on_progress is not None:
                on_progress(done, len(units))
        batch = join_batches(read_batch(staging, key) for key in keys)
        if not batch.images:
            raise InputError(out, "images", _explain_nothing(batch))
        pack = assemble_pack(staging, batch, info, assembled)
        unchanged = _publish(assembled, out, pack.info)
        shutil.rmtree(work, ignore_errors=True)
    batch.counts.dropped.update(pack.dropped)
    return ImportReport(
        info=pack.info,
        units=len(units),
        counts=batch.counts,
        quarantined=tuple(sorted(batch.quarantined)),
        joined_clusters=pack.clusters.joined,
        shared_images=pack.clusters.shared,
        unchanged=unchanged,
    )


def _explain_nothing(batch: Batch) -> str:
    """Return why no image is left: what was left out by which rule, and what could not be read."""
    dropped, quarantined = batch.counts.dropped, sorted(batch.quarantined)
    if not dropped and quarantined:
        return f"none could be read; {quarantined[0][1]}"
    rules = [f"{number} {rule}" for rule, number in sorted(dropped.items())]
    if quarantined:
        rules.append(f"{len(quarantined)} could not be read, first {quarantined[0][1]}")
    return f"none is left: {'; '.join(rules) or 'there was none'}"


def _publish(assembled: Path, out: Path, info: PackInfo) -> bool:
    if out.exists() and any(out.iterdir()):
        # How rows were filed may differ.
        old, new = (asdict(replace(each, files=())) for each in (read_info(out), info))
        if old == new:
            return True
        other = ", ".join(name for name in new if old[name] != new[name])
        problem = "another pack is there already; move it away first"
        raise InputError(out, "", problem, got=f"another {other}")
    with _reporting(out):
        for folder in (path for path in assembled.iterdir() if path.is_dir()):
            sync_folder(folder)
        sync_folder(assembled)
        assembled.replace(out)
        sync_folder(out.parent)
    return False


def _refuse_other_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(out, "", "is a file, so no pack can be made there")
    if out.is_dir() and any(out.iterdir()):
        read_info(out)


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise describe_os_error(path, "write", error) from error
