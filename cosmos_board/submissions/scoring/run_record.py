"""The run folder that a scored submission becomes, so that it is ingested as any run is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from cosmos_board import __version__
from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.prompts import PROMPTS, PROTOCOL
from cosmos_board.core.run_record import (
    RunEntry,
    RunRecord,
    RunSettings,
    ShardRecord,
    SubmissionSource,
)
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.provenance import collect_provenance
from cosmos_board.store.parquet import write_batches, write_rows
from cosmos_board.store.records import write_run_record, write_shard_record
from cosmos_board.store.schema import QUARANTINE, RUN_IMAGES, RUN_REFERENCES, SCORES
from cosmos_board.submissions.checks.references import Listing, ReferenceIndex
from cosmos_board.submissions.checks.submission import CheckedSubmission
from cosmos_board.submissions.format.manifest import Manifest

ScoreBatches: TypeAlias = Callable[[Listing, ReferenceIndex], Iterable[pa.RecordBatch]]
"""Makes the score rows of one pack, for what the track asks of it."""


def write_run(checked: CheckedSubmission, out: Path, tier: str, score_pack: ScoreBatches) -> int:
    """Write the scores of every pack that a submission names as a run; return how many rows.

    Args:
        checked: The submission; all its packs are among its inputs.
        out: The run folder.
        tier: Who attests the scores.
        score_pack: Makes the rows of one pack.

    Raises:
        InputError: If `out` holds a run of something else.
        StorageError: If the disk fails.
    """
    folder, manifest, content = RunFolder(out), checked.manifest, checked.content
    assert content is not None
    before = folder.read_record()
    if before and (before.submission is None or before.submission.slug != manifest.slug):
        raise InputError(out, "", "holds another run", want="a new folder")
    entries: dict[str, RunEntry] = {}
    total = 0
    with folder.hold():
        for index in checked.indices:
            pack = checked.inputs.find_pack(index.pack)
            assert pack is not None
            run_id = _make_run_id(checked, index)
            path = out / "scores" / f"{run_id}-00000000.parquet"
            counter = _Counter()
            write_batches(path, SCORES, counter.count(score_pack(pack, index)))
            shard = ShardRecord(
                shard=path.stem, sha256=hash_file(path), rows=counter.rows, peak_bytes=0
            )
            write_shard_record(path.with_suffix(".json"), shard)
            entries[run_id] = _describe_entry(
                manifest, pack, _write_index(out / "index", run_id, pack, index)
            )
            total += counter.rows
        write_rows(out / "quarantine.parquet", QUARANTINE, [])
        prompts = tuple(name for name in PROMPTS if name in manifest.model.prompts)
        record = RunRecord(
            settings=RunSettings(prompts=prompts),
            protocol=PROTOCOL,
            provenance=collect_provenance(),
            submission=SubmissionSource(
                slug=manifest.slug,
                version=manifest.version,
                manifest_sha256=checked.manifest_sha256,
                content_sha256=content.content_sha256,
            ),
            started_utc=manifest.run.started_at,
            track=manifest.track,
            tier=tier,
            entries=entries,
        )
        write_run_record(out, record)
    return total


class _Counter:
    """Counts the rows that pass."""

    rows = 0

    def count(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.rows += batch.num_rows
            yield batch


def _make_run_id(checked: CheckedSubmission, index: ReferenceIndex) -> str:
    manifest, content = checked.manifest, checked.content
    assert content is not None
    facts = (
        PROTOCOL, __version__, manifest.track, manifest.slug, manifest.version, index.pack,
        index.content_sha256, index.prompts_sha256, index.sha256, content.content_sha256,
    )  # fmt: skip
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()


def _write_index(folder: Path, run_id: str, pack: Listing, index: ReferenceIndex) -> int:
    """Write which images and references of a pack were asked for; return how many images."""
    images = {row.image_id for row in index.rows.values()}
    for name, schema, key, rows, wanted in (
        ("images", RUN_IMAGES, "image_id", pack.iter_image_rows(), images),
        ("references", RUN_REFERENCES, "reference_id", pack.iter_reference_rows(), index.rows),
    ):
        chosen = ({column: row[column] for column in schema.names}
                  for row in rows if row[key] in wanted)  # fmt: skip
        write_rows(folder / f"{run_id}.{name}.parquet", schema, chosen)
    return len(images)


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


def _describe_entry(manifest: Manifest, pack: Listing, images: int) -> RunEntry:
    checkpoint = manifest.model.checkpoint
    return RunEntry(
        model=make_card(manifest),
        dataset=pack.info.card,
        images=images,
        of_images=pack.info.counts.images,
        shards=1,
        checkpoint_sha256=checkpoint.sha256 if checkpoint else None,
        device=manifest.run.device,
    )
