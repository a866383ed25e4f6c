"""What a case of the corpus is: files, an import file, and what has to come out of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cosmos_board.core.masks import Mask, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One image that a pack has to hold."""

    pixels: Pixels
    """uint8, axes (Y, X) grey or (Y, X, 3) RGB."""

    masks: Mapping[str, tuple[Mask, ...]]
    """The references of each object, bool, axes (Y, X); more than 50 pixels each."""

    cluster: str = ""
    """Images with the same word belong to one cluster."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One array as another library reads it, and as it was made."""

    reader: str
    """Name of the library."""

    read: Callable[[], Any]
    wanted: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Made:
    """What a maker has put into a folder, and what importing it has to give.

    With `slices` alone it must be read, with `refusal` alone it must be refused; with both either
    will do, as long as nothing else comes out.
    """

    spec: str
    """The import file."""

    slices: tuple[Slice, ...] = ()
    refusal: str = ""
    """Regular expression that the line of a refusal must fit, whatever its case."""

    said: str = ""
    """Regular expression that what an import prints must fit, whatever its case."""

    tolerance: int = 0
    """Levels by which pixels may differ, where a lossy format was decoded."""

    options: tuple[str, ...] = ()
    """Further options of the command."""

    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One way of writing images and masks."""

    name: str
    make: Callable[[Path], Made]


def write_spec(
    images: str,
    masks: str,
    meaning: str = 'object = "lesion"',
    more: str = "",
    *,
    modality: str = "ct",
    top: str = "",
) -> str:
    """Return an import file of one entry of images and one of masks.

    Args:
        images: Path pattern of the images.
        masks: Path pattern of the masks.
        meaning: Further fields of the masks.
        more: Further fields of the images.
        modality: How the images were made.
        top: Further fields of the whole file.
    """
    return (
        f"schema_version = 1\nname = \"corpus\"\n{top}\n[[images]]\nfiles = '{images}'\n"
        f"modality = \"{modality}\"\n{more}\n[[images.masks]]\nfiles = '{masks}'\n{meaning}\n"
    )


AS_STORED = 'normalisation = "window 127.5/255"'
"""Voxels of 0 … 255 keep their values, whatever their number type."""
