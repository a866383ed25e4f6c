"""A curated image as rows of the four tables of a pack."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from cosmos_board.core.prompts import Prompt
from cosmos_board.curation.records import CuratedImage, CuratedReference
from cosmos_board.store.parquet import Row


@dataclass(frozen=True, slots=True, eq=False)
class ImageRows:
    """The rows of one image; ids and instance numbers are final."""

    image: Row
    references: list[Row]
    prompts: list[Row]
    observers: list[Row]
    named_prompts: list[tuple[str, str, Prompt]]
    """(reference id, prompt name, prompt), as they are hashed."""


def make_rows(image: CuratedImage, cluster_id: str, dataset: str) -> ImageRows:
    """Return the rows of one image; instances are numbered in the order of its references."""
    rows = ImageRows(
        {
            "image_id": image.image_id,
            "cluster_id": cluster_id,
            "dataset": dataset,
            "modality": image.modality,
            "height": image.height,
            "width": image.width,
            "png": image.png,
            "sha256": image.sha256,
        },
        [],
        [],
        [],
        [],
    )
    instances: Counter[str] = Counter()
    for reference in image.references:
        _add_reference(rows, image.image_id, reference, instances[reference.object])
        instances[reference.object] += 1
    return rows


def _add_reference(
    rows: ImageRows, image_id: str, reference: CuratedReference, instance: int
) -> None:
    reference_id = f"{image_id}.{reference.object}.{instance}"
    rows.references.append(
        {
            "reference_id": reference_id,
            "image_id": image_id,
            "object": reference.object,
            "instance": instance,
            "box": list(reference.box_xyxy),
            "rle": reference.rle.counts,
            **asdict(reference.factors),
        }
    )
    for name, prompt in reference.prompts.items():
        rows.named_prompts.append((reference_id, name, prompt))
        rows.prompts.append(
            {
                "reference_id": reference_id,
                "prompt": name,
                "points": prompt.points_xy.ravel().tolist(),
                "labels": prompt.labels.tolist(),
                "box": None if prompt.box_xyxy is None else list(prompt.box_xyxy),
            }
        )
    for observer, rle in sorted(reference.observers.items()):
        rows.observers.append(
            {"observer": observer, "reference_id": reference_id, "rle": rle.counts}
        )
