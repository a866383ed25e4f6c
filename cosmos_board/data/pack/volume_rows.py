"""Volume references and volume prompts ↔ their rows in a pack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle
from cosmos_board.core.rle import check_runs
from cosmos_board.core.volumes import SlicePrompt, VolumePrompt, VolumeReference
from cosmos_board.data.pack.items import make_prompt
from cosmos_board.store.parquet import Row

MASK_PROMPT = "slice-mask"
"""The prompt that gives the reference's own mask, which its row does not repeat."""


def make_reference_row(reference: VolumeReference) -> Row:
    """Return the row of `volume_references/` of one reference."""
    return {
        "volume_reference_id": reference.volume_reference_id,
        "volume_id": reference.volume_id,
        "object": reference.object,
        "instance": reference.instance,
        "slice_indices": [index for index, _ in reference.slices],
        "rles": [rle.counts for _, rle in reference.slices],
        "voxels": reference.voxels,
        "prompt_slice": reference.prompt_slice,
        "box_reference_ids": list(reference.box_reference_ids),
    }


def make_reference(row: Row, volume: Row, where: Path) -> VolumeReference:
    """Return the reference of a row of `volume_references/`.

    Raises:
        InputError: If the row contradicts itself or its volume.
    """
    name = f"{volume['volume_id']}.{row['object']}.{row['instance']}"
    if row["volume_reference_id"] != name or row["volume_id"] != volume["volume_id"]:
        raise InputError(where, name, "has another id", got=row["volume_reference_id"])
    indices, runs = row["slice_indices"], row["rles"]
    if None in (*indices, *runs, *row["box_reference_ids"]):
        raise InputError(where, name, "has a list with a missing value")
    if not indices or len(indices) != len(runs):
        raise InputError(where, name, "has not one mask a slice", got=(len(indices), len(runs)))
    height, width = volume["height"], volume["width"]
    for counts in runs:
        check_runs(counts, height, width, where=name)
    rles = (Rle(height, width, counts) for counts in runs)
    reference = VolumeReference(
        volume_reference_id=name,
        volume_id=row["volume_id"],
        object=row["object"],
        instance=row["instance"],
        slice_count=volume["slices"],
        slices=tuple(zip(indices, rles, strict=True)),
        box_reference_ids=tuple(row["box_reference_ids"]),
    )
    if not all(rle.area_px for _, rle in reference.slices):
        raise InputError(where, name, "has a slice without a voxel")
    found = reference.voxels, reference.prompt_slice
    if found != (row["voxels"], row["prompt_slice"]):
        said = row["voxels"], row["prompt_slice"]
        raise InputError(where, name, "has other voxels or another prompt slice", got=said)
    return reference


def list_prompt_rows(reference_id: str, prompts: Iterable[VolumePrompt]) -> Iterator[Row]:
    """Yield the rows of `volume_prompts/` of one reference."""
    for prompt in prompts:
        for part in prompt.slices:
            box = part.prompt.box_xyxy
            yield {
                "volume_reference_id": reference_id,
                "prompt": prompt.name,
                "slice_index": part.slice_index,
                "points": part.prompt.points_xy.ravel().tolist(),
                "labels": part.prompt.labels.tolist(),
                "box": None if box is None else list(box),
            }


def make_volume_prompts(
    rows: Iterable[Row], reference: VolumeReference
) -> Mapping[str, VolumePrompt]:
    """Return the volume prompts of a reference by name, or raise InputError as `make_prompt`."""
    masks = dict(reference.slices)
    parts: dict[str, list[SlicePrompt]] = {}
    for row in rows:
        index, name = row["slice_index"], row["prompt"]
        given = make_prompt({**row, "reference_id": row["volume_reference_id"]})
        mask = masks.get(index) if name == MASK_PROMPT else None
        parts.setdefault(name, []).append(SlicePrompt(index, given, mask))
    return {name: VolumePrompt(name, tuple(slices)) for name, slices in parts.items()}
