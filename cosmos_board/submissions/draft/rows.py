"""Rows of a finished run, in the layouts that submissions have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle, encode_mask
from cosmos_board.core.run_record import RunEntry
from cosmos_board.store.files import open_whole
from cosmos_board.store.parquet import iter_batches
from cosmos_board.store.parquet import iter_rows as iter_parquet
from cosmos_board.store.schema import PREDICTIONS as RUN_PREDICTIONS
from cosmos_board.store.schema import SCORES
from cosmos_board.submissions.checks.sample import IndexRow, ReferenceIndex
from cosmos_board.submissions.files.layouts import LAYOUTS
from cosmos_board.submissions.format.fields import PREDICTIONS

_GROUP_ROWS = 32_768
_GROUP_BYTES = 32 << 20
_KEYS = ["reference_id", "prompt", "selection"]


def write_layout(path: Path, layout: str, chunks: Iterable[Sequence[Mapping[str, Any]]]) -> None:
    """Write rows (dictionaries by column, a chunk at a time) as the layout wants them."""
    kinds = {"INT32": pa.int32(), "INT64": pa.int64(), "DOUBLE": pa.float64()}
    columns = LAYOUTS[layout].columns
    schema = pa.schema(
        [
            (name, kinds.get(one.physical, pa.binary() if name == "rle" else pa.string()))
            for name, one in columns.items()
        ]
    )
    words = [name for name in (*_KEYS,) if name in columns]
    with (
        open_whole(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=words) as writer,
    ):
        for rows in _regroup(chunks):
            arrays = [
                pa.array([row[name] for row in rows], schema.field(name).type) for name in columns
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _regroup(chunks: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[list[Mapping[str, Any]]]:
    """Cut rows into groups that readers accept, however they come."""
    held: list[Mapping[str, Any]] = []
    size = 0
    for row in (row for chunk in chunks for row in chunk):
        held.append(row)
        size += len(row.get("rle", b""))
        if len(held) >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def iter_core_rows(
    run: Path,
    run_id: str,
    entry: RunEntry,
    index: ReferenceIndex,
    prompts: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """Yield the predictions of the core sample, an empty mask where one failed.

    Raises:
        InputError: If masks are missing.
    """
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in _list_predictions(run, run_id, entry):
        for row in iter_parquet(path, RUN_PREDICTIONS):
            if row["reference_id"] in index.rows:
                found.setdefault((row["reference_id"], row["prompt"]), []).append(row)
    columns = LAYOUTS[PREDICTIONS].columns
    for reference_id, facts in index.rows.items():
        for prompt in prompts:
            answered = found.get((reference_id, prompt)) or [_fail(facts, prompt)]
            for row in sorted(answered, key=lambda one: int(one["candidate"])):
                yield {name: row[name] for name in columns}


def iter_full_predictions(
    run: Path, run_id: str, entry: RunEntry, index: ReferenceIndex, prompts: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """Yield every prediction, a shard at a time; an empty mask where one failed.

    Raises:
        InputError: If masks are missing.
    """
    columns = LAYOUTS[PREDICTIONS].columns
    for path in _list_predictions(run, run_id, entry):
        asked = {(row["reference_id"], row["prompt"]): None for row in _iter_scores(run, path.name)}
        rows = [
            {name: row[name] for name in columns} for row in iter_parquet(path, RUN_PREDICTIONS)
        ]
        answered = {(row["reference_id"], row["prompt"]) for row in rows}
        rows += [_fail(index.rows[key[0]], key[1]) for key in asked if key not in answered]
        yield [row for row in rows if row["prompt"] in prompts]


def iter_full_counts(run: Path, run_id: str, prompts: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the counts of every score, a shard at a time."""
    for path in sorted((run / "scores").glob(f"{run_id}-*.parquet")):
        yield [row for row in _iter_scores(run, path.name) if row["prompt"] in prompts]


def _iter_scores(run: Path, name: str) -> Iterator[dict[str, Any]]:
    for batch in iter_batches(run / "scores" / name, SCORES, [*_KEYS, *("tp", "fp", "fn")]):
        yield from batch.to_pylist()


def _list_predictions(run: Path, run_id: str, entry: RunEntry) -> list[Path]:
    paths = sorted((run / "predictions").glob(f"{run_id}-*.parquet"))
    if len(paths) < entry.shards:
        raise InputError(run, "predictions", "are not all there", got=len(paths))
    return paths


def _fail(facts: IndexRow, prompt: str) -> dict[str, Any]:
    """Return the row of a prediction that failed: an empty mask, which scores the same."""
    rle: Rle = encode_mask(np.zeros((facts.height, facts.width), np.bool_))
    return {
        "reference_id": facts.reference_id,
        "prompt": prompt,
        "candidate": 0,
        "predicted_iou": None,
        "height": facts.height,
        "width": facts.width,
        "rle": rle.counts,
    }
