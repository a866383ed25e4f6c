"""Some of what a dataset holds, evenly over it: enough for a board, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from cosmos_board.data.pack.check import SMALLEST_PX
from cosmos_board.data.source import SourceImage, SourceUnit

_Item = TypeVar("_Item")


def sample_units(
    units: Sequence[SourceUnit], most_units: int | None, most_slices: int | None
) -> tuple[SourceUnit, ...]:
    """Return some of the pictures and volumes, of which some slices are read.

    Args:
        units: In the order of the plan, which is that of their names.
        most_units: How many pictures and volumes are kept; None keeps all.
        most_slices: How many slices of a volume are kept, of those with a reference; None keeps
            all.
    """
    kept = take_evenly(units, most_units)
    if most_slices is None:
        return kept
    return tuple(
        replace(
            unit,
            key=f"{unit.key} {most_slices} slices",
            read=partial(_read_some, unit.read, most_slices),
        )
        for unit in kept
    )


def take_evenly(items: Sequence[_Item], most: int | None) -> tuple[_Item, ...]:
    """Return `most` of the items at equal distances, or all where there are no more.

    Example:
        >>> take_evenly("abcdefgh", 3)
        ('b', 'e', 'g')
    """
    if most is None or most >= len(items):
        return tuple(items)
    return tuple(items[(2 * place + 1) * len(items) // (2 * most)] for place in range(most))


def _read_some(read: Callable[[], Iterable[SourceImage]], most: int) -> Iterator[SourceImage]:
    yield from take_evenly([image for image in read() if _has_reference(image)], most)


def _has_reference(image: SourceImage) -> bool:
    masks = (mask for drawn in image.masks.values() for mask in drawn)
    return any(np.count_nonzero(mask) >= SMALLEST_PX for mask in masks)
