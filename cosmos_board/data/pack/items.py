"""Rows of a pack → images with their references, prompts and factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.core.masks import Rle
from cosmos_board.core.prompts import Prompt
from cosmos_board.core.rle import check_runs
from cosmos_board.core.targets import Factors, Image, Reference, Target
from cosmos_board.data.pack.png import decode_png, hash_pixels, make_image_id
from cosmos_board.store.parquet import Row

FACTOR_NAMES = tuple(field.name for field in fields(Factors))


@dataclass(frozen=True, slots=True, eq=False)
class PackItem:
    """One image with everything that a pack holds about it."""

    image: Image
    references: tuple[Reference, ...]
    """In the order of object and instance; never empty."""

    prompts: Mapping[str, Mapping[str, Prompt]]
    """By reference id, then by prompt name; `everything` has none."""

    factors: Mapping[str, Factors]
    """By reference id."""


def make_item(row: Row, references: list[tuple[Row, list[Row]]], where: Path) -> PackItem:
    """Return one image of a pack with everything that belongs to it.

    Rows of `references/` come with their rows of `prompts/`.

    Raises:
        InputError: If the rows contradict each other or the pixels.
    """
    image_id, height, width = row["image_id"], row["height"], row["width"]
    if image_id != make_image_id(row["sha256"]):
        raise InputError(where, image_id, "is not the id of its pixels")
    pixels = decode_png(image_id, row["png"], height, width)
    if hash_pixels(pixels) != row["sha256"]:
        raise InputError(where, image_id, "has other pixels than when it was curated")
    if not references:
        raise InputError(where, image_id, "has no reference")
    return PackItem(
        Image(image_id, row["dataset"], row["modality"], row["cluster_id"], pixels),
        tuple(_make_reference(reference, row) for reference, _ in references),
        {
            reference["reference_id"]: {prompt["prompt"]: make_prompt(prompt) for prompt in prompts}
            for reference, prompts in references
        },
        {
            reference["reference_id"]: Factors(*(reference[name] for name in FACTOR_NAMES))
            for reference, _ in references
        },
    )


def _make_reference(row: Row, image: Row) -> Reference:
    Target(image["modality"], row["object"])
    name = f"{image['image_id']}.{row['object']}.{row['instance']}"
    if row["reference_id"] != name:
        raise InputError(name, "reference_id", "is another one", got=row["reference_id"])
    check_runs(row["rle"], image["height"], image["width"], where=name)
    left, top, right, bottom = row["box"]
    return Reference(
        row["reference_id"],
        row["image_id"],
        row["object"],
        row["instance"],
        (left, top, right, bottom),
        Rle(image["height"], image["width"], row["rle"]),
    )


def make_prompt(row: Row) -> Prompt:
    """Return the prompt in a row of `prompts/`; InputError if points or box are no pairs."""
    points = np.array(row["points"], np.int32)
    if len(points) % 2 or (row["box"] is not None and len(row["box"]) != 4):
        raise InputError(row["reference_id"], row["prompt"], "is malformed")
    box = (
        None if row["box"] is None else (row["box"][0], row["box"][1], row["box"][2], row["box"][3])
    )
    return Prompt(points.reshape(-1, 2), np.array(row["labels"], np.int8), box)
