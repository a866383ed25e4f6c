"""Every table that is written, declared once: packs, runs, training logs and published boards."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 2
"""Version of every file we write; readers refuse a newer one."""

ADDED = {"nsd_rel": 2}
"""Columns of scores that came later, with the version that brought them; null in what is older."""

_TYPES = {
    "string": pa.string(),
    "binary": pa.binary(),
    "bool": pa.bool_(),
    "int8s": pa.list_(pa.int8()),
    "int32": pa.int32(),
    "int32s": pa.list_(pa.int32()),
    "int64": pa.int64(),
    "float": pa.float64(),
    "box": pa.list_(pa.int32(), 4),
    "spacing": pa.list_(pa.float64(), 3),
    "strings": pa.list_(pa.string()),
    "binaries": pa.list_(pa.binary()),
    "number": pa.decimal128(9, 4),  # finer than any difference that counts, and packs small
}


def declare(text: str) -> pa.Schema:
    """Return the table that `text` declares: `names: type` a line; `?` marks what may be null."""
    columns = []
    for line in text.strip().splitlines():
        names, _, kind = line.partition("#")[0].partition(":")
        columns += [
            pa.field(name.rstrip("?"), _TYPES[kind.strip()], nullable=name.endswith("?"))
            for name in names.split()
        ]
    return pa.schema(columns, metadata={"schema_version": str(SCHEMA_VERSION)})


def list_columns(schema: pa.Schema, version: int) -> list[str]:
    """Return the columns that a file of `version` has, in order."""
    return [name for name in schema.names if ADDED.get(name, 1) <= version]


_FACTORS = """
size_px?: int64
aspect_ratio? intensity_difference? boundary_complexity?: float
efd_order? components?: int32
position?: float
"""

PACK_IMAGES = declare("""
    image_id cluster_id dataset modality: string
    height width: int32
    png: binary
    sha256: string  # of the decoded pixels, with their shape
""")
"""One row per curated image of a pack."""

PACK_REFERENCES = declare(
    """
    reference_id image_id object: string
    instance: int32
    box: box  # min x, min y, max x, max y
    rle: binary  # COCO-compressed counts
    """
    + _FACTORS
)
"""One row per reference of a pack."""

PACK_PROMPTS = declare("""
    reference_id prompt: string
    points: int32s  # x, y, x, y, …
    labels: int8s
    box?: int32s  # null where the prompt has none
""")
"""One row per reference and prompt; `everything` has none."""

PACK_OBSERVERS = declare("""
    observer reference_id: string
    rle: binary
""")
"""One row per further observer's mask of a reference."""

PACK_VOLUMES = declare("""
    volume_id cluster_id dataset modality: string
    slices height width: int32
    spacing_mm: spacing  # slice, row, column
""")
"""One row per volume of a pack that keeps them; row group n of the next three tables is its own."""

PACK_SLICES = declare("""
    volume_id: string
    slice_index: int32
    image_id: string
    png?: binary  # null where `images/` holds the picture
    sha256: string  # of the decoded pixels, with their shape
""")
"""One row per slice of a volume, also of those without a reference in the 2-D study."""

PACK_VOLUME_REFERENCES = declare("""
    volume_reference_id volume_id object: string
    instance: int32
    slice_indices: int32s  # of the slices with a voxel
    rles: binaries  # COCO-compressed counts, one for each of these slices
    voxels: int64
    prompt_slice: int32
    box_reference_ids: strings  # of the 2-D study, whose boxes are those of `each-box`
""")
"""One row per reference of a volume."""

PACK_VOLUME_PROMPTS = declare("""
    volume_reference_id prompt: string
    slice_index: int32
    points: int32s  # x, y, x, y, …
    labels: int8s
    box?: int32s  # null where the prompt has none
""")
"""One row per volume reference, volume prompt and slice on which something is given."""

SCORES = declare("""
    reference_id prompt: string
    study: string  # main, jitter, clicks
    jitter_level?: int32
    jitter_mode?: string
    trial: int32
    click?: int32
    selection: string  # oracle, predicted
    tp fp fn: int64
    hd_px? hd95_px? assd_px? nsd? nsd_rel? boundary_iou?: float  # null where counts were submitted
    predicted_iou?: float  # null where the model gives none
    status: string  # ok, penalised, failed: reason
""")
"""One row per reference, prompt, study cell, trial, click and selection of one run."""

VOLUME_SCORES = declare("""
    volume_reference_id prompt: string
    propagation: string  # memory, chain, native
    tp fp fn: int64  # voxels
    nsd_2mm hd95_mm: float
    overrun_slices missed_slices: int32
    dice_part_1? dice_part_2? dice_part_3? dice_part_4? dice_part_5?: float  # null: no slice there
    first_slice_s? volume_s?: float  # measured
    peak_bytes: int64  # measured
    status: string  # ok, penalised, failed: reason
""")
"""One row per volume reference, volume prompt and propagation of one run."""

MEASURED = ("first_slice_s", "volume_s", "peak_bytes")
"""Columns of `VOLUME_SCORES` in which two equal runs differ."""

_PREDICTION = """
    reference_id prompt study: string
    jitter_level?: int32
    jitter_mode?: string
    trial: int32
    click?: int32
    candidate: int32
    predicted_iou?: float
    height width: int32
    rle: binary
"""
PREDICTIONS = declare(_PREDICTION)
"""One row per candidate that was offered; for `everything` the best one."""

CLICK_PREDICTIONS = declare(_PREDICTION + "selection: string")
"""The study `clicks`: one row per click and selection, the candidate that was chosen and scored."""

VOLUME_PREDICTIONS = declare("""
    volume_reference_id prompt propagation: string
    slice_index height width: int32
    rle: binary
""")
"""One row per slice with a mask of an answer of the volume study."""

RUN_IMAGES = declare("""
    image_id dataset modality cluster_id: string
    height width: int32
""")
"""One row per image that a run was asked to score: so that a run can be ingested by itself."""

RUN_REFERENCES = declare("reference_id image_id object: string\ninstance: int32" + _FACTORS)
"""One row per reference that a run was asked to score; no mask."""

RUN_VOLUMES = PACK_VOLUMES
"""One row per volume that a run of the volume study was asked to score."""

RUN_VOLUME_REFERENCES = declare("""
    volume_reference_id volume_id object: string
    instance: int32
    slices: int32  # with a voxel
    voxels: int64
    prompt_slice: int32
    box_reference_ids: strings  # of the 2-D study, whose boxes are those of `each-box`
""")
"""One row per volume reference that such a run was asked to score; no mask."""

QUARANTINE = declare("""
    image_id: string
    reference_id?: string
    reason: string
""")
"""What a run could not score because the data is bad."""

TRAINING_LOG = declare("""
    step: int32
    loss: float
    iou: float  # mean over prompts, chosen candidates
    rate: float
    norm: float  # of the gradient, before clipping
""")
"""One row per step of a training."""

PUBLISHED_SCORES = declare("""
    track: string
    kind: string  # overall, held-out, modality, object, target, dataset
    slice prompt selection metric model: string
    score: number
    low? high?: number  # null under 10 clusters
    rank?: int32  # null where the model is not ranked
    references clusters: int32
    synthetic: bool  # never averaged with real images
""")
"""What the website publishes for others to query: one row per model and board."""
