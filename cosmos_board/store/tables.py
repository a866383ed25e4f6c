"""Rows of runs and published boards as Arrow tables of their schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from math import isnan
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cosmos_board.core.masks import Rle
from cosmos_board.core.scores import ScoreRow, Scores
from cosmos_board.core.volumes import VolumePredictionRow, VolumeScoreRow
from cosmos_board.store.parquet import make_table
from cosmos_board.store.schema import (
    CLICK_PREDICTIONS,
    PREDICTIONS,
    PUBLISHED_SCORES,
    SCORES,
    VOLUME_PREDICTIONS,
    VOLUME_SCORES,
)

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


def tabulate_volume_scores(rows: Sequence[VolumeScoreRow]) -> pa.Table:
    """Return rows of the volume study as a table of `VOLUME_SCORES`, in the order given."""
    return make_table(VOLUME_SCORES, [_flatten_volume_row(row) for row in rows])


def _flatten_volume_row(row: VolumeScoreRow) -> dict[str, Any]:
    scores = row.scores
    parts = enumerate(scores.dice_by_distance, start=1)
    return {
        **{name: getattr(row, name) for name in ("volume_reference_id", "prompt", "propagation")},
        **asdict(scores.counts),
        "nsd_2mm": scores.nsd,
        **{name: getattr(scores, name) for name in ("hd95_mm", "overrun_slices", "missed_slices")},
        **{f"dice_part_{part}": None if isnan(dice) else dice for part, dice in parts},
        **asdict(row.effort),
        "status": scores.status,
    }


def tabulate_volume_predictions(rows: Sequence[VolumePredictionRow]) -> pa.Table:
    """Return masks of slices as a table of `VOLUME_PREDICTIONS`, in the order given."""
    names = ("volume_reference_id", "prompt", "propagation", "slice_index")
    return make_table(
        VOLUME_PREDICTIONS,
        [
            {
                **{name: getattr(row, name) for name in names},
                "height": row.rle.height,
                "width": row.rle.width,
                "rle": row.rle.counts,
            }
            for row in rows
        ],
    )


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
