"""Submitted counts → a run folder on the board's track of counts: nothing is scored here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cosmos_board.core.run_record import RunEntry
from cosmos_board.core.scores import OK, PENALISED, SELECTIONS
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.store.parquet import write_batches
from cosmos_board.store.schema import SCORES
from cosmos_board.submissions.checks.sample import Listing, ReferenceIndex
from cosmos_board.submissions.files.count_rows import CountTable
from cosmos_board.submissions.scoring.run_record import (
    Source,
    describe_entry,
    finish_run,
    make_run_id,
    seal_shard,
    write_index,
)

_REFERENCES_A_BATCH = 10_000


def write_counts(
    source: Source, pairs: Sequence[tuple[Listing, ReferenceIndex]], table: CountTable, out: Path
) -> int:
    """Write the counts of a full submission as a run and return how many rows it has.

    Args:
        source: Whose they are.
        pairs: The packs that it names, with what the full track asks of each.
        table: The counts, checked.
        out: The run folder to write.

    Raises:
        StorageError: If the disk fails.
    """
    entries: dict[str, RunEntry] = {}
    total = 0
    with RunFolder(out).hold():
        for pack, index in pairs:
            run_id = make_run_id(source, index)
            rows = np.flatnonzero(np.isin(table.references, list(index.rows)))
            path = out / "scores" / f"{run_id}-00000000.parquet"
            write_batches(path, SCORES, _iter_batches(table, rows))
            count = int((table.counts[rows][..., 0] >= 0).sum())
            seal_shard(path, count)
            write_index(out / "index", run_id, pack, index)
            images = len({row.image_id for row in index.rows.values()})
            entries[run_id] = describe_entry(source.manifest, pack.info, images)
            total += count
        finish_run(out, source, entries)
    return total


def _iter_batches(table: CountTable, rows: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
    names = np.array(table.references, object)
    prompts, selections = np.array(table.prompts, object), np.array(SELECTIONS, object)
    for start in range(0, len(rows), _REFERENCES_A_BATCH):
        part = rows[start : start + _REFERENCES_A_BATCH]
        counts = table.counts[part]
        row, prompt, selection = np.nonzero(counts[..., 0] >= 0)
        values = counts[row, prompt, selection].astype(np.int64)
        nothing = values[:, 0] + values[:, 1] == 0
        known = {
            "reference_id": names[part[row]],
            "prompt": prompts[prompt],
            "selection": selections[selection],
            "tp": values[:, 0],
            "fp": values[:, 1],
            "fn": values[:, 2],
            "study": np.full(len(row), "main", object),
            "trial": np.zeros(len(row), np.int32),
            "status": np.where(nothing, PENALISED, OK).astype(object),
        }
        arrays = [
            pa.array(known[field.name], field.type)
            if field.name in known
            else pa.nulls(len(row), field.type)
            for field in SCORES
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=SCORES)
