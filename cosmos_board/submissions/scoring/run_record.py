"""The run folder that a scored submission becomes, so that it is ingested as any run is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from cosmos_board import __version__
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.prompts import PROMPTS, PROTOCOL
from cosmos_board.core.run_record import (
    RunEntry,
    RunRecord,
    RunSettings,
    ShardRecord,
    SubmissionSource,
)
from cosmos_board.core.tracks import CORE, COUNTS
from cosmos_board.data.pack.info import PackInfo
from cosmos_board.runner.record.run_record import collect_provenance
from cosmos_board.store.parquet import write_rows
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import QUARANTINE, RUN_IMAGES, RUN_REFERENCES
from cosmos_board.submissions.checks.sample import Listing, ReferenceIndex
from cosmos_board.submissions.format.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Source:
    """Whose submission a run folder is made of."""

    manifest: Manifest
    manifest_sha256: str
    content_sha256: str
    tier: str

    @property
    def track(self) -> str:
        """The board's track: counts cannot be ranked with runs that were scored in full."""
        return CORE if self.manifest.track == "core" else COUNTS


def make_run_id(source: Source, index: ReferenceIndex) -> str:
    """Return the id of one submission on one pack."""
    manifest = source.manifest
    facts = (
        PROTOCOL, __version__, source.track, manifest.slug, manifest.version, index.pack,
        index.content_sha256, index.prompts_sha256, index.sha256, source.content_sha256,
    )  # fmt: skip
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def seal_shard(path: Path, rows: int) -> None:
    """Write the facts of a finished shard beside it."""
    record = ShardRecord(shard=path.stem, sha256=hash_file(path), rows=rows, peak_bytes=0)
    write_shard_record(path.with_suffix(".json"), record)


def write_index(folder: Path, run_id: str, pack: Listing, index: ReferenceIndex) -> None:
    """Write which images and references of a pack were asked for."""
    images = {row.image_id for row in index.rows.values()}
    write_rows(
        folder / f"{run_id}.images.parquet",
        RUN_IMAGES,
        (
            {name: row[name] for name in RUN_IMAGES.names}
            for row in pack.iter_image_rows()
            if row["image_id"] in images
        ),
    )
    write_rows(
        folder / f"{run_id}.references.parquet",
        RUN_REFERENCES,
        (
            {name: row[name] for name in RUN_REFERENCES.names}
            for row in pack.iter_reference_rows()
            if row["reference_id"] in index.rows
        ),
    )


def make_card(manifest: Manifest) -> ModelCard:
    """Return what the board says of a submitted model; its slug is its key there."""
    model = manifest.model
    return ModelCard(
        name=manifest.slug,
        label=model.name,
        family=model.family,
        kind=model.kind,
        prompts=tuple(model.prompts),
        parameters=model.parameters,
        input_size_px=model.input_size_px,
        licence=manifest.licence,
        source=model.code_url,
        training_data=manifest.training_data,
        description=manifest.notes or "",
    )


def describe_entry(manifest: Manifest, info: PackInfo, images: int) -> RunEntry:
    """Return what `run.json` says of a submitted model on one pack."""
    checkpoint = manifest.model.checkpoint
    return RunEntry(
        model=make_card(manifest),
        dataset=info.card,
        images=images,
        of_images=info.counts.images,
        shards=1,
        checkpoint_sha256=checkpoint.sha256 if checkpoint else None,
        device=manifest.run.device,
    )


def finish_run(out: Path, source: Source, entries: dict[str, RunEntry]) -> None:
    """Write `run.json` and what else makes a folder of rows a run."""
    manifest = source.manifest
    write_rows(out / "quarantine.parquet", QUARANTINE, [])
    record = RunRecord(
        settings=RunSettings(
            prompts=tuple(name for name in PROMPTS if name in manifest.model.prompts)
        ),
        protocol=PROTOCOL,
        provenance=collect_provenance(),
        submission=SubmissionSource(
            slug=manifest.slug,
            version=manifest.version,
            manifest_sha256=source.manifest_sha256,
            content_sha256=source.content_sha256,
        ),
        started_utc=manifest.run.started_at,
        track=source.track,
        tier=source.tier,
        entries=entries,
    )
    write_run_record(out, record)
