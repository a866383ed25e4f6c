"""The work folder of an import: curated images of finished batches, so that it can resume."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.factors import Factors
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import PROTOCOL, Prompt
from cosmos_board.curation.records import CuratedImage, CuratedReference, curate_image
from cosmos_board.data.source import SourceUnit
from cosmos_board.store.files import open_whole, write_bytes

_FORMAT = "3"
_FACTORS = tuple(field.name for field in fields(Factors))


@dataclass(frozen=True, slots=True)
class StagedImage:
    """Where a curated image lies in the work folder."""

    sha256: str
    cluster: str
    batch: str
    start: int
    size: int
    origin: str = ""
    """What a person calls it, for the report."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished batch: its images and what was left out."""

    images: tuple[StagedImage, ...]
    dropped: Mapping[str, int]
    notes: Mapping[str, int]
    """Images by how their files were understood."""

    signs: Mapping[str, int]
    """Images by the warnings to which they give rise, and all of them under `images`."""

    quarantined: tuple[tuple[str, str], ...]
    """(origin, reason) of the units that could not be read."""


def make_batch_key(units: tuple[SourceUnit, ...]) -> str:
    """Return the name under which the outcome of `units` is staged."""
    words = "\x1f".join((_FORMAT, PROTOCOL, *(unit.key for unit in units)))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def stage_batch(folder: Path, units: tuple[SourceUnit, ...]) -> None:
    """Read and curate `units` and file the outcome in `folder`, unless it is there already.

    A unit that cannot be read is quarantined as a whole. It is tried again by the next call: memory
    may have been short, or a package that reads it was missing.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    key = make_batch_key(units)
    if _is_settled(folder, key):
        return
    staged: list[StagedImage] = []
    dropped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    signs: Counter[str] = Counter()
    quarantined: list[tuple[str, str]] = []
    with open_whole(_records_path(folder, key)) as file:
        for unit in units:
            try:
                curated = _curate_unit(unit)
            except InputError as error:
                quarantined.append((unit.origin, str(error)))
                continue
            dropped += curated.dropped
            notes += curated.notes
            signs += curated.signs
            for image, origin in curated.images:
                record = _dump(image)
                staged.append(
                    StagedImage(image.sha256, image.cluster, key, file.tell(), len(record), origin)
                )
                file.write(record)
    index = {
        "images": [
            (image.sha256, image.cluster, image.start, image.size, image.origin) for image in staged
        ],
        "dropped": dropped,
        "notes": notes,
        "signs": signs,
        "quarantined": quarantined,
    }
    # Written last: a batch is finished when its index is there.
    write_bytes(_index_path(folder, key), json.dumps(index).encode())


def stage_refusal(folder: Path, unit: SourceUnit, reason: str) -> None:
    """File `unit` as quarantined for good, without reading it.

    Raises:
        StorageError: If the disk is full, read-only or gone.
    """
    index = {
        "images": [],
        **{counts: {} for counts in ("dropped", "notes", "signs")},
        "quarantined": [(unit.origin, reason)],
        "settled": True,
    }
    write_bytes(_index_path(folder, make_batch_key((unit,))), json.dumps(index).encode())


def read_batch(folder: Path, key: str) -> Batch:
    """Return what `stage_batch` filed under `key`."""
    index = json.loads(_index_path(folder, key).read_bytes())
    return Batch(
        tuple(
            StagedImage(sha256, cluster, key, start, size, origin)
            for sha256, cluster, start, size, origin in index["images"]
        ),
        index["dropped"],
        index["notes"],
        index["signs"],
        tuple((origin, reason) for origin, reason in index["quarantined"]),
    )


def read_images(folder: Path, staged: tuple[StagedImage, ...]) -> Iterator[CuratedImage]:
    """Yield curated images in the order asked for, one at a time."""
    for image in staged:
        with _records_path(folder, image.batch).open("rb") as file:
            file.seek(image.start)
            yield _load(file.read(image.size))


def _is_settled(folder: Path, key: str) -> bool:
    path = _index_path(folder, key)
    if not path.exists():
        return False
    index = json.loads(path.read_bytes())
    return not index["quarantined"] or bool(index.get("settled"))


@dataclass(frozen=True, slots=True)
class _CuratedUnit:
    images: list[tuple[CuratedImage, str]]
    """Each with its origin."""

    dropped: Counter[str]
    notes: Counter[str]
    signs: Counter[str]


def _curate_unit(unit: SourceUnit) -> _CuratedUnit:
    # Held until the unit is read to its end: one that breaks halfway leaves nothing.
    curated = _CuratedUnit([], Counter(), Counter(), Counter())
    try:
        for source in unit.read():
            curated.notes.update(source.notes)
            curated.dropped.update(source.left_out)
            curated.signs.update(("images", *source.signs))
            if (image := curate_image(source, curated.dropped)) is not None:
                curated.images.append((image, source.origin))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, MemoryError) as error:
        # The libraries that read raw files raise anything at all on hostile ones.
        reason = f"cannot be read: {type(error).__name__}: {error}"
        raise InputError(unit.origin, "", reason[:300]) from error
    return curated


def _index_path(folder: Path, key: str) -> Path:
    return folder / f"{key}.json"


def _records_path(folder: Path, key: str) -> Path:
    return folder / f"{key}.records"


def _dump(image: CuratedImage) -> bytes:
    head = {
        "sha256": image.sha256,
        "modality": image.modality,
        "cluster": image.cluster,
        "height": image.height,
        "width": image.width,
        "references": [
            {
                "object": reference.object,
                "first_px": reference.first_px,
                "box": reference.box_xyxy,
                "rle": reference.rle.counts.decode("ascii"),
                "factors": list(asdict(reference.factors).values()),
                "prompts": {
                    name: (prompt.points_xy.tolist(), prompt.labels.tolist(), prompt.box_xyxy)
                    for name, prompt in reference.prompts.items()
                },
                "observers": {
                    name: rle.counts.decode("ascii") for name, rle in reference.observers.items()
                },
            }
            for reference in image.references
        ],
    }
    return json.dumps(head).encode() + b"\n" + image.png


def _load(record: bytes) -> CuratedImage:
    head, _, png = record.partition(b"\n")
    facts: dict[str, Any] = json.loads(head)
    height, width = facts["height"], facts["width"]
    return CuratedImage(
        sha256=facts["sha256"],
        modality=facts["modality"],
        cluster=facts["cluster"],
        height=height,
        width=width,
        png=png,
        references=tuple(
            CuratedReference(
                object=reference["object"],
                first_px=reference["first_px"],
                box_xyxy=tuple(reference["box"]),
                rle=Rle(height, width, reference["rle"].encode("ascii")),
                factors=Factors(**dict(zip(_FACTORS, reference["factors"], strict=True))),
                prompts={
                    name: _load_prompt(*prompt) for name, prompt in reference["prompts"].items()
                },
                observers={
                    name: Rle(height, width, counts.encode("ascii"))
                    for name, counts in reference["observers"].items()
                },
            )
            for reference in facts["references"]
        ),
    )


def _load_prompt(points: list[list[int]], labels: list[int], box: list[int] | None) -> Prompt:
    return Prompt(
        np.array(points, np.int32).reshape(-1, 2),
        np.array(labels, np.int8),
        None if box is None else (box[0], box[1], box[2], box[3]),
    )
