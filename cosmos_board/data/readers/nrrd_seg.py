"""Segmentations of 3D Slicer (.seg.nrrd): named segments, which may overlap in several layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.itk import read_layers
from cosmos_board.data.readers.regions.region import IsWanted, Region
from cosmos_board.data.volumes import Volume

_FIELD = re.compile(r"Segment(\d+)_(?:ID|Name|LabelValue|Layer)")


def read_nrrd_seg(path: Path, is_wanted: IsWanted) -> Iterator[tuple[Region, Volume]]:
    """Yield each segment as it is stored, and what says where it lies.

    Raises:
        InputError: If it is damaged, names no segments, or a segment or a value has no other half.
    """
    volume, layers, fields = read_layers(path)
    numbers = sorted({int(match[1]) for field in fields if (match := _FIELD.fullmatch(field))})
    if not numbers:
        raise InputError(path, "", "names no segments", want="kind = 'raster' with labels")
    if volume.voxels[..., 0].size == 1:
        return  # By the format, a single voxel stands for no voxels at all.
    known: dict[tuple[int, int], int] = {}
    for number in numbers:
        # Before layers were shared, each segment had one of its own.
        layer = _read_number(path, fields, number, "Layer", number if layers > 1 else 0)
        value = _read_number(path, fields, number, "LabelValue", 1)
        if layer >= layers or value < 1 or (layer, value) in known:
            raise InputError(
                path, f"Segment{number}", "has no voxels of its own",
                got=f"layer {layer} of {layers}, value {value}",
            )  # fmt: skip
        known[layer, value] = number
    for layer in range(layers):
        for value in np.unique(volume.voxels[..., layer]):
            if value and (layer, value) not in known:
                raise InputError(
                    path, f"layer {layer}", "holds a value that belongs to no segment", got=value
                )
    for (layer, value), number in known.items():
        name = fields.get(f"Segment{number}_Name") or fields.get(f"Segment{number}_ID", "")
        if is_wanted(number, name):
            drawn = volume.voxels[..., layer] == value
            place = Volume(drawn, volume.affine_lps, volume.placed)
            yield Region(name, drawn, f"{number:09d}", number), place


def _read_number(path: Path, fields: dict[str, str], number: int, word: str, default: int) -> int:
    text = fields.get(f"Segment{number}_{word}", str(default)).strip()
    if not text.isdecimal():
        raise InputError(path, f"Segment{number}_{word}", "is no number", got=repr(text))
    return int(text)
