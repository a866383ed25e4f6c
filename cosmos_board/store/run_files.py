"""Rows of a run and their Parquet columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

import pyarrow as pa

from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import Rle
from cosmos_board.core.scores import ScoreRow, Scores
from cosmos_board.core.targets import Reference
from cosmos_board.store.parquet import make_table
from cosmos_board.store.schema import CLICK_PREDICTIONS, PREDICTIONS, RUN_REFERENCES, SCORES

_ROW_KEYS = (
    "reference_id", "prompt", "study", "jitter_level", "jitter_mode", "trial", "click",
    "selection", "predicted_iou",
)  # fmt: skip
_SCORE_FIELDS = [field.name for field in fields(Scores) if field.name != "counts"]


def tabulate_scores(rows: Sequence[ScoreRow]) -> pa.Table:
    """Return score rows as a table of `SCORES`, in the order given."""
    columns: dict[str, list[Any]] = {
        **{name: [getattr(row, name) for row in rows] for name in _ROW_KEYS},
        **{name: [getattr(row.scores.counts, name) for row in rows] for name in ("tp", "fp", "fn")},
        **{name: [getattr(row.scores, name) for row in rows] for name in _SCORE_FIELDS},
    }
    arrays = [pa.array(columns[field.name], field.type) for field in SCORES]
    return pa.Table.from_arrays(arrays, schema=SCORES)


def tabulate_predictions(
    rows: Iterable[tuple[dict[str, Any], Rle]], *, clicks: bool = False
) -> pa.Table:
    """Return candidates (key columns, mask) as a table of `PREDICTIONS` or `CLICK_PREDICTIONS`."""
    return make_table(
        CLICK_PREDICTIONS if clicks else PREDICTIONS,
        [{**key, "height": rle.height, "width": rle.width, "rle": rle.counts} for key, rle in rows],
    )


def tabulate_references(rows: Iterable[tuple[Reference, Factors]]) -> pa.Table:
    """Return references without their masks as a table of `RUN_REFERENCES`."""
    return make_table(
        RUN_REFERENCES,
        [
            {
                "reference_id": reference.reference_id,
                "image_id": reference.image_id,
                "object": reference.object,
                "instance": reference.instance,
                **asdict(factors),
            }
            for reference, factors in rows
        ],
    )
