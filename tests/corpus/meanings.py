"""What codes, colours and names mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_board.core.masks import Mask
from tests.corpus.case import Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise
from tests.corpus.pictures import read_pillow, save, save_mask, seen_by_opencv

GREY = draw_noise()
MASK = draw_letter()
OTHER = draw_letter(top=17, left=33)


def _meaning(
    stored: NDArray[Any], meaning: str, masks: Mapping[str, Mask], refusal: str, folder: Path
) -> Made:
    """One picture of codes or colours, and what they mean."""
    save(folder / "a.png", GREY)
    save(folder / "m.png", stored)
    spec = write_spec("a.png", "m.png", meaning, modality="microscopy")
    reading = seen_by_opencv(folder / "m.png", stored)
    slices = (Slice(GREY, {name: (mask,) for name, mask in masks.items()}),) if masks else ()
    return Made(spec=spec, slices=slices, refusal=refusal, readings=(reading,))


def _paint(*layers: tuple[Mask, Sequence[int]]) -> NDArray[np.uint8]:
    painted = np.zeros((*SHAPE[1:], 3), np.uint8)
    for mask, colour in layers:
        painted[mask] = colour
    return painted


SPECK = np.zeros(SHAPE[1:], np.bool_)
SPECK[30:38, 2:6] = True
BOTH = {"lesion": MASK, "liver": OTHER}
RED_GREEN = 'colours = { "255,0,0" = "lesion", "0,255,0" = "liver" }'
PAINTED = _paint((MASK, (255, 0, 0)), (OTHER, (0, 255, 0)))
STRANGE = _paint((MASK, (255, 0, 0)), (OTHER, (0, 255, 0)), (SPECK, (200, 30, 180)))
NEAR = _paint((MASK, (252, 2, 1)), (OTHER, (3, 254, 0)))
CODES = (MASK * 3 + OTHER * 9).astype(np.uint8)
CUP = draw_letter(top=5, left=8) & (np.mgrid[:40, :52][0] < 15)

MEANINGS = (
    Case("colours", partial(_meaning, PAINTED, RED_GREEN, BOTH, "")),
    Case("strange-colour", partial(_meaning, STRANGE, RED_GREEN, {}, "colour")),
    Case("strange-colour-skipped", partial(
        _meaning, STRANGE, f'{RED_GREEN}\nskip = ["200,30,180"]', BOTH, "")),
    Case("near-colours", partial(_meaning, NEAR, RED_GREEN, {}, "colour")),
    Case("near-colours-allowed", partial(
        _meaning, NEAR, f"{RED_GREEN}\ncolour_tolerance = 4", BOTH, "")),
    Case("nested", partial(
        _meaning, _paint((MASK, (255, 255, 0)), (CUP, (255, 0, 0))),
        'colours = { "255,255,0" = "optic-disc", "255,0,0" = ["optic-cup", "optic-disc"] }',
        {"optic-disc": MASK, "optic-cup": CUP}, "")),
    Case("codes", partial(_meaning, CODES, 'labels = { 3 = "lesion", 9 = "liver" }', BOTH, "")),
    Case("range-of-codes", partial(
        _meaning, CODES, 'labels = { "2..4" = "lesion", "8,9" = "liver" }', BOTH, "")),
    Case("strange-code", partial(
        _meaning, CODES, 'labels = { 3 = "lesion" }', {}, "means nothing")),
    Case("code-skipped", partial(
        _meaning, CODES, 'labels = { 3 = "lesion" }\nskip = ["9"]', {"lesion": MASK}, "")),
    Case("any-code", partial(
        _meaning, CODES, 'labels = { "*" = "lesion" }', {"lesion": MASK | OTHER}, "")),
    Case("other-background", partial(
        _meaning, np.where(MASK, 7, 255).astype(np.uint8),
        'labels = { 7 = "lesion" }\nbackground = "255"', {"lesion": MASK}, "")),
    Case("codes-for-one-object", partial(_meaning, CODES, 'object = "lesion"', {}, "codes")),
    Case("threshold", partial(
        _meaning, np.where(MASK, 140, 90).astype(np.uint8),
        'object = "lesion"\nthreshold = 120', {"lesion": MASK}, "")),
)  # fmt: skip


def _named(
    names: Mapping[str, Mask], meaning: str, found: Mapping[str, Mask], folder: Path
) -> Made:
    """Masks in files of their own, whose names say what they are."""
    save(folder / "images/a.png", GREY)
    for name, mask in names.items():
        save_mask(folder / f"masks/a/{name}.png", mask)
    spec = write_spec("images/{c}.png", "masks/{c}/{n}.png", f'name = "{{n}}"\n{meaning}')
    first = next(iter(names))
    reading = Reading("Pillow", lambda: read_pillow(folder / f"masks/a/{first}.png") > 0,
                      names[first])  # fmt: skip
    slices = (Slice(GREY, {name: (mask,) for name, mask in found.items()}),)
    return Made(spec=spec, slices=slices, readings=(reading,))


BRACKETS = {"organ [left]": MASK, "organ l": OTHER}

NAMES = (
    Case("brackets", partial(
        _named, BRACKETS, 'names = { "organ [left]" = "lesion" }\nskip = ["organ l"]',
        {"lesion": MASK})),
    Case("brackets-skipped", partial(
        _named, BRACKETS, 'names = { "organ l" = "lesion" }\nskip = ["organ [left]"]',
        {"lesion": OTHER})),
    Case("brackets-and-star", partial(
        _named, {"rib [1] left": MASK, "rib 1 left": OTHER},
        'names = { "rib [1]*" = "lesion", "rib 1*" = "liver" }', BOTH)),
    Case("star", partial(
        _named, {"rib_left_1": MASK, "rib_right_1": OTHER}, 'names = { "rib_*" = "lesion" }',
        {"lesion": MASK | OTHER})),
    Case("question-mark", partial(
        _named, {"rib1": MASK, "rib10": OTHER},
        'names = { "rib?" = "lesion", "rib??" = "liver" }', BOTH)),
    Case("exclamation", partial(
        _named, {"a[!b]": MASK, "ac": OTHER},
        'names = { "a[!b]" = "lesion" }\nskip = ["ac"]', {"lesion": MASK})),
)  # fmt: skip
