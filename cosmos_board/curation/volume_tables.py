"""The volume tables of a pack: volumes in a fixed order, filed in parts, counted and hashed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cosmos_board.core.masks import Rle
from cosmos_board.core.volumes import VolumeReference
from cosmos_board.curation.records import ImageRows
from cosmos_board.curation.volumes import CuratedVolume
from cosmos_board.data.pack.box_references import BoxReferences
from cosmos_board.data.pack.info import VolumeFacts
from cosmos_board.data.pack.png import make_image_id
from cosmos_board.data.pack.volume_rows import list_prompt_rows, make_reference_row
from cosmos_board.data.pack.volume_totals import VolumeTotals
from cosmos_board.data.pack.volumes import VOLUME_TABLES
from cosmos_board.prompts.volumes import freeze_volume_prompts
from cosmos_board.store.parquet import Row, make_table, write_batches

_PART_PX = 128 << 20
"""Decoded pixels after which a part ends: its compressed slices are held until then."""


class ClusterImages:
    """What a cluster has of the 2-D study, to which its volumes refer."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.boxes = BoxReferences()

    def add(self, rows: ImageRows) -> None:
        """Take in the rows of an image."""
        self.ids.update(row["image_id"] for row in rows.images)
        for row in rows.references:
            ids = row["reference_id"], row["image_id"]
            self.boxes.add(*ids, row["object"], row["rle"])


class VolumeWriter:
    """Collects the rows of volumes into parts; hashes and counts them as they pass."""

    def __init__(self, folder: Path, dataset: str) -> None:
        self.paths: list[Path] = []
        """Of the files written so far."""

        self._folder = folder
        self._dataset = dataset
        self._totals = VolumeTotals()
        self._part: list[dict[str, list[Row]]] = []
        self._part_px = 0
        self._parts = 0

    def add(self, volume: CuratedVolume, cluster_id: str, images: ClusterImages) -> None:
        """Take in the next volume."""
        row: Row = {
            "volume_id": volume.volume_id,
            "cluster_id": cluster_id,
            "dataset": self._dataset,
            "modality": volume.modality,
            "slices": len(volume.slices),
            "height": volume.height,
            "width": volume.width,
            "spacing_mm": list(volume.spacing_mm),
        }
        slices = list(_list_slices(volume, images))
        references: list[Row] = []
        prompts: list[Row] = []
        for reference in _number_references(volume, images):
            frozen = freeze_volume_prompts(reference)
            self._totals.add_prompts(reference.volume_reference_id, frozen.values())
            references.append(make_reference_row(reference))
            prompts += list_prompt_rows(reference.volume_reference_id, frozen.values())
        self._totals.add_volume(row, slices, references)
        rows = ([row], slices, references, prompts)
        self._part.append(dict(zip(VOLUME_TABLES, rows, strict=True)))
        self._part_px += len(volume.slices) * volume.height * volume.width
        if self._part_px >= _PART_PX:
            self._end_part()

    def close(self) -> VolumeFacts | None:
        """File what is left and return what there is; None where there was no volume."""
        self._end_part()
        return self._totals.list_facts()

    def _end_part(self) -> None:
        if not self._part:
            return
        for name, schema in VOLUME_TABLES.items():
            path = self._folder / name / f"part-{self._parts:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_batches(path, schema, (make_table(schema, rows[name]) for rows in self._part))
            self.paths.append(path)
        self._parts += 1
        self._part, self._part_px = [], 0


def _list_slices(volume: CuratedVolume, images: ClusterImages) -> Iterator[Row]:
    for index, sha256 in enumerate(volume.slices):
        image_id = make_image_id(sha256)
        yield {
            "volume_id": volume.volume_id,
            "slice_index": index,
            "image_id": image_id,
            "png": None if image_id in images.ids else volume.pngs[sha256],
            "sha256": sha256,
        }


def _number_references(volume: CuratedVolume, images: ClusterImages) -> Iterator[VolumeReference]:
    instances: Counter[str] = Counter()
    for reference in volume.references:
        name, instance = reference.object, instances[reference.object]
        instances[name] += 1
        slices = tuple(
            (index, Rle(volume.height, volume.width, counts)) for index, counts in reference.slices
        )
        shown = ((make_image_id(volume.slices[index]), rle) for index, rle in slices)
        yield VolumeReference(
            volume_reference_id=f"{volume.volume_id}.{name}.{instance}",
            volume_id=volume.volume_id,
            object=name,
            instance=instance,
            slice_count=len(volume.slices),
            slices=slices,
            box_reference_ids=images.boxes.find(name, shown),
        )
