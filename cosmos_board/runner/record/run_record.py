"""What `run.json` says: settings, provenance, and an entry for every model on every pack."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.core.cards import PROTOCOL, ModelCard
from cosmos_board.core.errors import InputError, StaleRunError
from cosmos_board.core.hashes import hash_facts
from cosmos_board.core.run_record import Provenance, RunEntry, RunRecord, RunSettings
from cosmos_board.data.pack import Pack
from cosmos_board.data.pack.info import VolumeFacts
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.index import hash_index, write_index
from cosmos_board.runner.record.shards import cut_shards
from cosmos_board.runner.settings import SegmenterSpec
from cosmos_board.store.records import RUN_RECORD, DamagedError

_PACKAGES = (
    "cosmos-board", "numpy", "scipy", "opencv-python-headless", "pycocotools", "numba",
    "scikit-image", "torch", "torchvision", "segment-anything", "transformers", "onnxruntime",
)  # fmt: skip


def begin_record(folder: RunFolder, settings: RunSettings, repairs: list[str]) -> RunRecord:
    """Return the record of a run folder; a new one where it is absent or damaged.

    `repairs` gets a line if it was damaged.

    Raises:
        InputError: If the folder was begun with other settings.
    """
    try:
        record = folder.read_record()
    except DamagedError as error:
        # Finished shards stay and are found again.
        (folder.path / RUN_RECORD).replace(folder.path / f"{RUN_RECORD}.damaged")
        repairs.append(
            f"{error}; written anew: evaluate other models and packs of this folder again"
            " before you ingest it"
        )
        record = None
    if record is not None:
        folder.refuse_other_settings(record, settings)
        return record
    return RunRecord(
        settings=settings,
        protocol=PROTOCOL,
        provenance=collect_provenance(),
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        entries={},
    )


def make_run_id(spec: SegmenterSpec, card: ModelCard, pack: Pack, settings: RunSettings) -> str:
    """Return 16 hexadecimal digits that depend on all that decides the scores of an entry."""
    facts: dict[str, object] = {
        "protocol": PROTOCOL,
        "version": __version__,
        "model": card.name,
        "checkpoint": spec.hash_weights(),
        "dataset": pack.info.name,
        "pack": pack.info.content_sha256,
        "prompts": pack.info.prompts_sha256,
        "settings": {**asdict(settings), "save_masks": None},
    }
    if settings.study == "volumes":
        volumes = find_volumes(pack)
        facts |= {"pack": volumes.content_sha256, "prompts": volumes.prompts_sha256}
    if code := spec.hash_code():
        facts["code"] = code
    if options := spec.device.partition("+")[2]:
        facts["device"] = options  # precision changes masks; which device it is must not
    return hash_facts(facts)


def add_entry(
    folder: RunFolder, record: RunRecord, spec: SegmenterSpec, card: ModelCard, pack: Pack
) -> tuple[str, list[str]]:
    """Add a model on a pack to a record, and write its index unless it lies there as it was.

    Returns:
        The run id of the entry, and a line if its index was damaged.

    Raises:
        StaleRunError: If the entry was begun on another kind of device, or the record has the model
            on this dataset with other code, weights or data: rows would be mixed up.
        StorageError: If the disk fails.
    """
    run_id = make_run_id(spec, card, pack, record.settings)
    entry = record.entries.get(run_id)
    if entry is None:
        _refuse_another_state(folder, record, card, pack)
        entry = _make_entry(record.settings, spec, card, pack)
    else:
        refuse_other_device(folder.path, spec, entry.device)
    repairs: list[str] = []
    hashes = entry.index_sha256
    if not hashes or hashes != hash_index(folder.path, run_id):
        if hashes:
            path = folder.path / "index" / run_id
            repairs.append(f"{path}: the index is damaged or incomplete; written anew")
        hashes = write_index(folder.path, run_id, pack, record.settings.study, entry.images)
    # The label and the training data of a known entry may have changed.
    record.entries[run_id] = replace(entry, model=card, index_sha256=hashes)
    return run_id, repairs


def _make_entry(
    settings: RunSettings, spec: SegmenterSpec, card: ModelCard, pack: Pack
) -> RunEntry:
    images = count_units(pack, settings)
    return RunEntry(
        model=card,
        dataset=pack.info.card,
        images=images,
        of_images=count_units(pack, replace(settings, limit=None)),
        shards=len(list(cut_shards("", images, pack.path))),
        checkpoint_sha256=spec.hash_weights(),
        device=spec.device,
    )


def count_units(pack: Pack, settings: RunSettings) -> int:
    """Return how many images of a pack, or volumes in their study, are evaluated.

    Raises:
        InputError: If the study is of volumes and the pack keeps none.
    """
    volumes = settings.study == "volumes"
    units = find_volumes(pack).volumes if volumes else pack.info.counts.images
    return units if settings.limit is None else min(units, settings.limit)


def find_volumes(pack: Pack) -> VolumeFacts:
    """Return what a pack says of its volumes.

    Raises:
        InputError: If it keeps none.
    """
    if pack.info.volumes is None:
        want = "a pack that was imported with `keep_volumes = true`"
        raise InputError(pack.path, "volumes", "are not kept in this pack", want=want)
    return pack.info.volumes


def _refuse_another_state(
    folder: RunFolder, record: RunRecord, card: ModelCard, pack: Pack
) -> None:
    for entry in record.entries.values():
        if (entry.model.name, entry.dataset.name) == (card.name, pack.info.name):
            text = f"was evaluated here on {pack.info.name} with other code, weights or data"
            raise StaleRunError(folder.path, card.name, text, want="another --out")


def refuse_other_device(out: Path, spec: SegmenterSpec, begun_on: str) -> None:
    """Refuse to go on with another kind of device: pixels at the threshold may differ.

    Raises:
        StaleRunError: If `spec` has another kind than `begun_on`.
    """
    begun, wanted = (re.split(r"[:+]", device)[0] for device in (begun_on, spec.device))
    if begun != wanted:
        want = f"{begun}, or another --out"
        raise StaleRunError(out, spec.name, "was begun on another device", got=wanted, want=want)


def collect_provenance() -> Provenance:
    """Return versions, machine and commit."""
    return Provenance(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        processors=os.cpu_count(),
        packages={name: version for name in _PACKAGES if (version := _find_version(name))},
        commit=_find_commit(),
    )


def _find_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _find_commit() -> str | None:
    """Return the commit of our own source tree, where we run from one."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
