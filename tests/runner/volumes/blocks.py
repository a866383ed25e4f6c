"""Packs of volumes with one bright block each, of known place, and runs of planted models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cosmos_board.core.run_record import RunSettings
from cosmos_board.core.volumes import EACH_BOX, VOLUME_PROMPTS, SpacingMm, VolumeMask
from cosmos_board.curation.curate import curate
from cosmos_board.data.source import Region, SourceImage, SourceUnit, VolumeSlice
from cosmos_board.runner.run import RunReport, RunRequest, run
from cosmos_board.runner.settings import Callbacks, SegmenterSpec
from cosmos_board.store.schema import MEASURED
from tests.curation.units import INFO

SHAPE = (20, 32, 40)
SPACING_MM: SpacingMm = (2.0, 1.0, 1.0)
BLOCK = (slice(5, 15), slice(10, 20), slice(8, 18))
"""10 slices of 10 × 10 voxels; the prompt slice is the first, since all are as large."""

PLANTED = Path(__file__).with_name("planted.py")
ASKED = tuple(name for name in VOLUME_PROMPTS if name != EACH_BOX)


def draw_block() -> VolumeMask:
    mask = np.zeros(SHAPE, np.bool_)
    mask[BLOCK] = True
    return mask


def build_blocks(out: Path, volumes: int) -> Path:
    """Curate a pack of volumes that differ in noise alone, a patient each."""
    units = [
        SourceUnit(f"block {seed}", f"block {seed}", partial(_iter_slices, seed))
        for seed in range(volumes)
    ]
    curate(units, INFO, out, workers=1)
    return out


def _iter_slices(seed: int) -> Iterator[SourceImage]:
    block, region = draw_block(), Region("organ", False, "")
    voxels = np.random.default_rng(seed).integers(0, 50, SHAPE, np.uint8)
    voxels[block] += 150
    for index, pixels in enumerate(voxels):
        yield SourceImage(
            pixels=pixels,
            modality="ct",
            cluster_key=f"patient {seed}",
            masks={"organ": (block[index],)} if block[index].any() else {},
            volume=VolumeSlice(index=index, spacing_mm=SPACING_MM, regions={region: block[index]}),
            origin=f"block {seed} slice {index}",
        )


def evaluate(
    pack: Path,
    out: Path,
    *models: str,
    save_masks: bool = False,
    callbacks: Callbacks | None = None,
    **options: object,
) -> RunReport:
    """Run planted models, by name of their class, on the volumes of a pack."""
    settings = RunSettings(prompts=ASKED, study="volumes", save_masks=save_masks)
    specs = tuple(SegmenterSpec(name=f"{PLANTED}:{model}") for model in models)
    request = RunRequest(packs=(pack,), specs=specs, out=out, settings=settings, **options)  # type: ignore[arg-type]
    return run(request, callbacks)


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Return all score rows of a run in one fixed order, without what is measured."""
    table = pa.concat_tables(map(pq.read_table, sorted((out / "scores").glob("*.parquet"))))
    keys = ("volume_reference_id", "prompt", "propagation")
    ordered = table.sort_by([(key, "ascending") for key in keys])
    rows: list[dict[str, Any]] = ordered.drop_columns(MEASURED).to_pylist()
    return rows
