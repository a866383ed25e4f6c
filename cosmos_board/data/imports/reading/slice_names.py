"""The slices of a volume in the names of their files, and how those of image and mask pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from cosmos_board.data.imports.names import NUMBER, compose, order_naturally

_ORDER = ' (stack = "order" takes them in the order of their names)'
_SINGLY = " (without stack, each slice is an image by itself: {slice} in files, and cluster)"
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]+(?![0-9.])")


@dataclass(frozen=True, slots=True)
class SliceNames:
    """What the names of the files of one volume say about its slices."""

    paths: tuple[str, ...]
    """In the order of the slices."""

    stems: tuple[str, ...]
    """Names without folder and ending, in the same order."""

    numbers: tuple[Fraction, ...]
    """Number of each slice; empty where the names hold none that tells all slices apart."""

    even: bool
    """Whether the numbers rise in equal steps: no slice is missing or there twice."""

    unclear: bool
    """Whether the names differ in digits, and yet these number no slices."""

    def show(self) -> str:
        """Return the numbers for a message."""
        if not self.numbers:
            return ", ".join(self.stems[:3]) + (", …" if len(self.stems) > 3 else "")
        shown = [f"{float(number):g}" for number in self.numbers]
        if self.even and len(shown) > 2:
            step = f" in steps of {float(self._step):g}" if self._step != 1 else ""
            return f"{shown[0]}–{shown[-1]}{step}"
        return ", ".join(shown[:8]) + (f", … {shown[-1]}" if len(shown) > 8 else "")

    @property
    def _step(self) -> Fraction:
        return self.numbers[1] - self.numbers[0]


def read_slice_names(paths: Sequence[str]) -> SliceNames:
    """Return the order and the numbers of the slices of a volume by the names of its files.

    The number of a slice is the last group of digits in its name that rises in equal steps over
    the volume; where none does, the last that differs from slice to slice.
    """
    stems = [_get_stem(path) for path in paths]
    columns = list(_list_columns(stems))
    rising = [column for column in columns if _is_even(column)]
    different = [column for column in columns if len(set(column)) == len(column)]
    chosen = (rising or different or [()])[-1] if len(paths) > 1 else ()
    if chosen:
        order = sorted(range(len(paths)), key=lambda position: chosen[position])
    else:
        order = sorted(range(len(paths)), key=lambda position: order_naturally(paths[position]))
    return SliceNames(
        paths=tuple(paths[position] for position in order),
        stems=tuple(stems[position] for position in order),
        numbers=tuple(chosen[position] for position in order) if chosen else (),
        even=bool(rising),
        unclear=not chosen and len({tuple(NUMBER.findall(stem)) for stem in stems}) > 1,
    )


def find_unpaired(
    image: SliceNames | None, mask: SliceNames | None, *, by_order: bool, placed: bool
) -> str:
    """Return why the slices of an image and its mask cannot be paired by their names, else "".

    Names are None where one file holds all slices; with `by_order`, the n-th belongs to the n-th;
    `placed` says whether the slices of the image say themselves where they lie.
    """
    if by_order or (image is None and mask is None):
        return _compare_counts(image, mask)
    pictures = mask if image is None else image
    assert pictures is not None
    if not placed and (reason := _find_gap(pictures)):
        return reason
    if image is None or mask is None or image.stems == mask.stems:
        return ""
    if image.numbers and mask.numbers:
        same = image.numbers == mask.numbers
    elif len(image.paths) == len(mask.paths) == 1:
        same = NUMBER.sub("#", image.stems[0]) != NUMBER.sub("#", mask.stems[0])
    else:
        same = len(image.paths) == len(mask.paths) and not image.unclear and not mask.unclear
    hint = _ORDER if len(image.paths) == len(mask.paths) else _SINGLY
    seen = f"image slices {image.show()}, mask slices {mask.show()}"
    return "" if same else f"slices of image and mask differ: {seen}{hint}"


def _compare_counts(image: SliceNames | None, mask: SliceNames | None) -> str:
    if image is None or mask is None or len(image.paths) == len(mask.paths):
        return ""
    return f"has {len(image.paths)} slices, its mask {len(mask.paths)}"


def _find_gap(names: SliceNames) -> str:
    if names.unclear:
        return (
            f"names of slices hold no number that rises from slice to slice: {names.show()}{_ORDER}"
        )
    if names.numbers and not names.even:
        return f"a slice is missing or there twice: {names.show()}{_ORDER}"
    return ""


def _list_columns(stems: list[str]) -> list[tuple[Fraction, ...]]:
    """Return the numbers that stand at the same place of every name, place by place.

    A number with a point comes after its two halves, so that it is preferred where both rise.
    """
    columns: list[tuple[Fraction, ...]] = []
    for number in (NUMBER, _DECIMAL):
        frames = {number.sub("#", stem) for stem in stems}
        if len(frames) == 1:
            rows = [[Fraction(match[0]) for match in number.finditer(stem)] for stem in stems]
            columns += [tuple(column) for column in zip(*rows, strict=True)]
    return columns


def _is_even(column: tuple[Fraction, ...]) -> bool:
    ordered = sorted(column)
    steps = {high - low for low, high in pairwise(ordered)}
    return len(steps) == 1 and 0 not in steps


def _get_stem(path: str) -> str:
    return re.sub(r"(\.nii)?\.[A-Za-z][A-Za-z0-9]*$", "", compose(path.rpartition("/")[2]))
