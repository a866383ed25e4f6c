"""Rows of runs and published boards as Arrow tables of their schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosmos_board.core.masks import Rle
from cosmos_board.core.scores import ScoreRow, Scores
from cosmos_board.store.parquet import make_table
from cosmos_board.store.schema import CLICK_PREDICTIONS, PREDICTIONS, PUBLISHED_SCORES, SCORES

_ROW_KEYS = (
    "reference_id", "prompt", "study", "jitter_level", "jitter_mode", "trial", "click",
    "selection", "predicted_iou",
)  # fmt: skip
_SCORES = [field.name for field in fields(Scores) if field.name != "counts"]
_PUBLISHED_PER_GROUP = 100_000


def tabulate_scores(rows: Sequence[ScoreRow]) -> pa.Table:
    """Return score rows as a table of `SCORES`, in the order given."""
    columns: dict[str, list[Any]] = {
        **{name: [getattr(row, name) for row in rows] for name in _ROW_KEYS},
        **{name: [getattr(row.scores.counts, name) for row in rows] for name in ("tp", "fp", "fn")},
        **{name: [getattr(row.scores, name) for row in rows] for name in _SCORES},
    }
    return pa.table([columns[name] for name in SCORES.names], schema=SCORES)


def tabulate_predictions(
    rows: Iterable[tuple[dict[str, Any], Rle]], *, clicks: bool = False
) -> pa.Table:
    """Return candidates (key columns, mask) as a table of `PREDICTIONS` or `CLICK_PREDICTIONS`."""
    return make_table(
        CLICK_PREDICTIONS if clicks else PREDICTIONS,
        [{**key, "height": rle.height, "width": rle.width, "rle": rle.counts} for key, rle in rows],
    )


def pack_published_scores(columns: Mapping[str, Sequence[object]]) -> bytes:
    """Return columns, by name as in `PUBLISHED_SCORES`, as one Parquet file.

    Snappy, because a reader in the browser has it built in; the same columns give the same bytes.
    """
    arrays = [_array(columns[field.name], field.type) for field in PUBLISHED_SCORES]
    words = [field.name for field in PUBLISHED_SCORES if pa.types.is_string(field.type)]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(arrays, schema=PUBLISHED_SCORES),
        sink,
        compression="snappy",
        use_dictionary=words,
        column_encoding={
            field.name: "DELTA_BINARY_PACKED"
            for field in PUBLISHED_SCORES
            if field.name not in words and not pa.types.is_boolean(field.type)
        },
        store_decimal_as_integer=True,
        row_group_size=_PUBLISHED_PER_GROUP,
        write_statistics=True,
    )
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_decimal(kind):
        return pa.array(values, kind)
    rounded = pc.round(pa.array(values, pa.float64()), kind.scale)
    return rounded.cast(kind, safe=False)
