"""The table that training writes while it learns."""

from __future__ import annotations

import pyarrow as pa

from cosmos_board.store.schema import SCHEMA_VERSION

TRAINING_LOG = pa.schema(
    [
        pa.field("step", pa.int32(), nullable=False),
        pa.field("loss", pa.float64(), nullable=False),
        pa.field("iou", pa.float64(), nullable=False),  # mean over prompts, chosen candidates
        pa.field("rate", pa.float64(), nullable=False),
        pa.field("norm", pa.float64(), nullable=False),  # of the gradient, before clipping
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)
"""One row per step."""
