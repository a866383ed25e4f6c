"""Imports a folder as a user would, and holds what came out against what was put in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click import ClickException
from click.testing import CliRunner
from numpy.typing import NDArray

from cosmos_board.cli.main import group
from cosmos_board.core.errors import CosmosBoardError
from cosmos_board.data.pack import PackItem, open_pack
from tests.corpus.case import Made, Slice

_REFUSED = ("quarantined", "not used")
"""How lines begin that refuse one file of many."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import said and kept."""

    said: str
    refused: str
    """The lines that refuse something."""

    items: tuple[PackItem, ...]


def import_made(folder: Path, made: Made, work: Path) -> Imported:
    """Run `cosmos-board data import` over `folder`, in one process.

    Any error that is not one of ours is raised: it would be a traceback.
    """
    spec, pack = work / "spec.toml", work / "pack"
    spec.write_text(made.spec, "utf-8")
    words = ["data", "import", str(spec), "--source", str(folder), "--out", str(pack)]
    done = CliRunner().invoke(
        group, [*words, "--workers", "1", *made.options], standalone_mode=False
    )
    ours = (CosmosBoardError, ClickException)
    if done.exception is not None and not isinstance(done.exception, ours):
        raise done.exception
    said = f"{done.output}\n{done.exception or ''}".replace(str(folder), "").replace(str(work), "")
    lines = [line for line in done.output.splitlines() if line.strip().startswith(_REFUSED)]
    refused = "\n".join([*lines, str(done.exception or "")]).replace(str(folder), "")
    items = tuple(open_pack(pack).iter_items()) if (pack / "pack.json").is_file() else ()
    return Imported(said, refused, items)


def assert_as_made(imported: Imported, made: Made) -> None:
    """Assert that the slices came out as they were made, or a refusal where one is wanted."""
    if not imported.items and made.refusal:
        assert re.search(made.refusal, imported.refused, re.IGNORECASE), imported.said
    else:
        assert made.slices, f"{len(imported.items)} images came out, a refusal was wanted"
        assert imported.items, imported.said
        assert_same_slices(imported.items, made.slices, made.tolerance)
    assert re.search(made.said, imported.said, re.IGNORECASE), imported.said


def assert_same_slices(
    items: Sequence[PackItem], slices: Sequence[Slice], tolerance: int = 0
) -> None:
    """Assert equal pixels, masks, boxes and clusters, whatever their order.

    Args:
        items: As they came out.
        slices: As they were made.
        tolerance: Levels by which pixels may differ.
    """
    assert len(items) == len(slices), f"{len(items)} images came out of {len(slices)}"
    left = list(slices)
    pairs = set()
    for item in items:
        wanted = next((one for one in left if _is_like(item, one, tolerance)), None)
        assert wanted is not None, _describe(item, left)
        left.remove(wanted)
        _assert_same_masks(item, wanted)
        pairs.add((wanted.cluster, item.image.cluster_id))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}), (
        f"clusters differ from what was made: {sorted(pairs)}"
    )


def _is_like(item: PackItem, wanted: Slice, tolerance: int) -> bool:
    found = item.image.pixels
    if found.dtype != np.uint8 or found.shape != wanted.pixels.shape:
        return False
    if not tolerance:
        return np.array_equal(found, wanted.pixels)
    return bool(np.abs(found.astype(int) - wanted.pixels).max() <= tolerance)


def _describe(item: PackItem, left: Sequence[Slice]) -> str:
    found = item.image.pixels
    for one in left:
        if one.pixels.shape == found.shape:
            same = (one.pixels == found).mean()
            return f"{same:.0%} of the pixels are as they were made ({found.shape})"
    return f"an image of {found.shape} came out, not of {[one.pixels.shape for one in left]}"


def _assert_same_masks(item: PackItem, wanted: Slice) -> None:
    found = defaultdict(list)
    for reference in item.references:
        mask = reference.mask()
        rows, columns = np.nonzero(mask)
        box = (columns.min(), rows.min(), columns.max(), rows.max())
        assert reference.box_xyxy == box
        found[reference.object].append(mask)
    assert sorted(found) == sorted(wanted.masks)
    for name, masks in found.items():
        areas = [int(mask.sum()) for mask in masks], [int(m.sum()) for m in wanted.masks[name]]
        same = sorted(map(_bytes, masks)) == sorted(map(_bytes, wanted.masks[name]))
        assert same, f"masks of {name} differ from what was made: {areas[0]} and {areas[1]} pixels"


def _bytes(mask: NDArray[np.bool_]) -> bytes:
    return np.packbits(mask).tobytes()
