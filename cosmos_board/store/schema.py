"""Every table that is written, declared once: packs, runs and the board database."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of every file we write; readers refuse a newer one."""

_META = {"schema_version": str(SCHEMA_VERSION)}
_FACTORS = [
    pa.field("size_px", pa.int64()),
    pa.field("aspect_ratio", pa.float64()),
    pa.field("intensity_difference", pa.float64()),
    pa.field("boundary_complexity", pa.float64()),
    pa.field("efd_order", pa.int32()),
    pa.field("components", pa.int32()),
    pa.field("position", pa.float64()),
]

PACK_IMAGES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("cluster_id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("png", pa.binary(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),  # of the decoded pixels, with their shape
    ],
    metadata=_META,
)
"""One row per curated image of a pack."""

PACK_REFERENCES = pa.schema(
    [
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("object", pa.string(), nullable=False),
        pa.field("instance", pa.int32(), nullable=False),
        pa.field("box", pa.list_(pa.int32(), 4), nullable=False),  # min x, min y, max x, max y
        pa.field("rle", pa.binary(), nullable=False),  # COCO-compressed counts
        *_FACTORS,
    ],
    metadata=_META,
)
"""One row per reference of a pack."""

PACK_PROMPTS = pa.schema(
    [
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("points", pa.list_(pa.int32()), nullable=False),  # x, y, x, y, …
        pa.field("labels", pa.list_(pa.int8()), nullable=False),
        pa.field("box", pa.list_(pa.int32())),  # null where the prompt has none
    ],
    metadata=_META,
)
"""One row per reference and prompt; `everything` has none."""

PACK_OBSERVERS = pa.schema(
    [
        pa.field("observer", pa.string(), nullable=False),
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("rle", pa.binary(), nullable=False),
    ],
    metadata=_META,
)
"""One row per further observer's mask of a reference."""

SCORES = pa.schema(
    [
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("study", pa.string(), nullable=False),  # main, jitter, clicks
        pa.field("jitter_level", pa.int32()),
        pa.field("jitter_mode", pa.string()),
        pa.field("trial", pa.int32(), nullable=False),
        pa.field("click", pa.int32()),
        pa.field("selection", pa.string(), nullable=False),  # oracle, predicted
        pa.field("tp", pa.int64(), nullable=False),
        pa.field("fp", pa.int64(), nullable=False),
        pa.field("fn", pa.int64(), nullable=False),
        pa.field("hd_px", pa.float64()),  # these five are null where only counts were submitted
        pa.field("hd95_px", pa.float64()),
        pa.field("assd_px", pa.float64()),
        pa.field("nsd", pa.float64()),
        pa.field("boundary_iou", pa.float64()),
        pa.field("predicted_iou", pa.float64()),  # null where the model gives none
        pa.field("status", pa.string(), nullable=False),  # ok, penalised, failed: reason
    ],
    metadata=_META,
)
"""One row per reference, prompt, study cell, trial, click and selection of one run."""

PREDICTIONS = pa.schema(
    [
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("study", pa.string(), nullable=False),
        pa.field("jitter_level", pa.int32()),
        pa.field("jitter_mode", pa.string()),
        pa.field("trial", pa.int32(), nullable=False),
        pa.field("click", pa.int32()),
        pa.field("candidate", pa.int32(), nullable=False),
        pa.field("predicted_iou", pa.float64()),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("rle", pa.binary(), nullable=False),
    ],
    metadata=_META,
)
"""One row per candidate that was offered; for `everything` the best one."""

CLICK_PREDICTIONS = pa.schema(
    [*PREDICTIONS, pa.field("selection", pa.string(), nullable=False)], metadata=_META
)
"""The study `clicks`: one row per click and selection, the candidate that was chosen and scored."""

RUN_IMAGES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("cluster_id", pa.string(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
    ],
    metadata=_META,
)
"""One row per image that a run was asked to score: so that a run can be ingested by itself."""

RUN_REFERENCES = pa.schema(
    [
        pa.field("reference_id", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("object", pa.string(), nullable=False),
        pa.field("instance", pa.int32(), nullable=False),
        *_FACTORS,
    ],
    metadata=_META,
)
"""One row per reference that a run was asked to score; no mask."""

QUARANTINE = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("reference_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
    ],
    metadata=_META,
)
"""What a run could not score because the data is bad."""

TIMINGS = pa.schema(
    [
        pa.field("device", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),  # embed, prompt, everything
        pa.field("items", pa.int64(), nullable=False),
        pa.field("median_s", pa.float64(), nullable=False),
        pa.field("peak_bytes", pa.int64(), nullable=False),
    ],
    metadata=_META,
)
"""Seconds an item per stage, after warm-up; comparable within a device only."""
