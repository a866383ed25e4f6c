"""Real images with masks, where a machine has them; they are never part of the repository."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from cosmos_board.core.masks import Mask, Pixels

SHARED = Path(
    os.environ.get("COSMOS_BOARD_SHARED", Path(__file__).resolve().parents[1].parent / "shared")
)
"""The folder that holds them under `data/`."""

needs_shared = pytest.mark.skipif(
    not (SHARED / "data" / "INDEX.csv").is_file(),
    reason="real data absent (set COSMOS_BOARD_SHARED)",
)


@dataclass(frozen=True, slots=True, eq=False)
class RealReference:
    """One annotated object of a real image."""

    name: str
    pixels: Pixels
    """uint8, axes (Y, X) grey or (Y, X, 3) RGB."""

    mask: Mask
    """bool, axes (Y, X); more than 50 pixels."""


@cache
def read_real_references(per_source: int = 3) -> tuple[RealReference, ...]:
    """Return up to `per_source` objects of each source that keeps its masks as PNG."""
    with (SHARED / "data" / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if _is_one_png(row["mask"])]
    sources = dict.fromkeys(row["source"] for row in rows)
    return tuple(
        reference
        for source in sources
        for reference in islice(
            _iterate_source([row for row in rows if row["source"] == source]), per_source
        )
    )


def _is_one_png(path: str) -> bool:
    return path.endswith(".png") and "*" not in path


def _iterate_source(rows: list[dict[str, str]]) -> Iterator[RealReference]:
    for row in rows:
        folder = SHARED / "data" / row["source"]
        pixels = cv2.imread(str(folder / row["image"]), cv2.IMREAD_UNCHANGED)
        labels = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_UNCHANGED)
        if pixels is None or labels is None or pixels.dtype != np.uint8:
            continue
        if pixels.ndim == 3:
            pixels = np.ascontiguousarray(pixels[:, :, 2::-1])
        code = labels.astype(np.int64)
        if code.ndim == 3:
            code = code[:, :, 0] << 16 | code[:, :, 1] << 8 | code[:, :, 2]
        values, areas = np.unique(code, return_counts=True)
        for value, area in zip(values, areas, strict=True):
            if value and area > 50 and code.shape == pixels.shape[:2]:
                yield RealReference(f"{row['mask']} {value}", pixels, code == value)
