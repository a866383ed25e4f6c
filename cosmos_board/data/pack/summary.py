"""What there is to say about a pack on one screen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from math import isfinite
from statistics import median
from typing import Any

from cosmos_board.core.errors import InputError
from cosmos_board.core.targets import Target
from cosmos_board.data.pack.items import FACTOR_NAMES
from cosmos_board.data.pack.pack import Pack


def summarise_pack(pack: Pack) -> dict[str, Any]:
    """Return facts, counts and the range of each factor by target, ready for JSON.

    The keys are those of `pack.json` without its files (with `volumes` where it keeps some), and
    `targets`: for each its name, references, images, clusters and `factors`, by name, as
    (smallest, median, largest).
    """
    facts = asdict(pack.info)
    counts = facts.pop("counts")
    facts.pop("files")
    if facts["volumes"] is None:
        facts.pop("volumes")
    ranges = _measure_factors(pack)
    targets = [
        {
            "target": Target(count["modality"], count["object"]).name,
            **count,
            "factors": ranges.get((count["modality"], count["object"]), {}),
        }
        for count in counts.pop("targets")
    ]
    return {**facts, **counts, "targets": targets}


def _measure_factors(pack: Pack) -> dict[tuple[str, str], dict[str, tuple[float, float, float]]]:
    modalities = {row["image_id"]: row["modality"] for row in pack.iter_image_rows()}
    values: dict[tuple[str, str], list[list[float]]] = defaultdict(
        lambda: [[] for _ in FACTOR_NAMES]
    )
    for row in pack.iter_reference_rows():
        if row["image_id"] not in modalities:
            raise InputError(pack.path, "images", "do not hold what references name")
        columns = values[modalities[row["image_id"]], row["object"]]
        for column, name in zip(columns, FACTOR_NAMES, strict=True):
            if row[name] is not None and isfinite(row[name]):
                column.append(row[name])
    return {
        target: {
            name: (min(column), median(column), max(column))
            for name, column in zip(FACTOR_NAMES, columns, strict=True)
            if column
        }
        for target, columns in values.items()
    }
