"""Which files belong together, and what is seldom meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np

from cosmos_board.core.masks import Mask
from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, draw_letter, draw_noise, one_slice
from tests.corpus.niftis import make_image
from tests.corpus.pictures import save, save_mask, seen_by_opencv, seen_by_pillow

GREY = draw_noise()
MASK = draw_letter()
OTHER = draw_letter(top=17, left=33)
PAIRS = write_spec("images/{c}.png", "masks/{c}.png", modality="microscopy")


def _pair(folder: Path, name: str, seed: int = 0, mask: Mask = MASK, mask_name: str = "") -> Slice:
    pixels = draw_noise(seed=seed)
    save(folder / f"images/{name}.png", pixels)
    save_mask(folder / f"masks/{mask_name or name}.png", mask)
    return Slice(pixels, {"lesion": (mask,)}, name)


def _seen(folder: Path, one: Slice, name: str) -> tuple[Reading, ...]:
    return (seen_by_opencv(folder / f"images/{name}.png", one.pixels),)


def _name(image: str, mask: str, folder: Path) -> Made:
    """Names of files as people and systems write them."""
    one = _pair(folder, image, mask_name=mask)
    reading = seen_by_pillow(folder / f"images/{image}.png", one.pixels)
    return Made(spec=PAIRS, slices=(one,), readings=(reading,))


def _endings(folder: Path) -> Made:
    save(folder / "images/a.PNG", GREY)
    save_mask(folder / "masks/a.PNG")
    reading = seen_by_opencv(folder / "images/a.PNG", GREY)
    return Made(spec=PAIRS.replace(".png", ".PNG"), slices=one_slice(GREY), readings=(reading,))


def _marked_file(folder: Path) -> Made:
    """An import file that begins with the mark of its byte order."""
    one = _pair(folder, "a")
    return Made(spec="\ufeff" + PAIRS, slices=(one,), readings=_seen(folder, one, "a"))


def _table(text: str, refusal: str, folder: Path) -> Made:
    """A table pairs files and says whose they are."""
    slices = [_pair(folder, name, seed) for seed, name in enumerate("abc")]
    (folder / "t.csv").write_text(text, "utf-8")
    spec = write_spec("{image}", "{mask}", more='table = "t.csv"\ncluster = "{who}"')
    slices = [Slice(one.pixels, one.masks, "2" if one.cluster == "c" else "1") for one in slices]
    return Made(
        spec=spec, slices=() if refusal else tuple(slices), refusal=refusal,
        readings=_seen(folder, slices[0], "a"),
    )  # fmt: skip


ROWS = "".join(f"images/{c}.png,masks/{c}.png,{'2' if c == 'c' else '1'}\n" for c in "abc")


def _mistyped(images: str, masks: str, folder: Path) -> Made:
    """No part of the names is shared, so every mask would go with every image."""
    one = _pair(folder, "a")
    _pair(folder, "b", 1, OTHER)
    spec = write_spec(images, masks, modality="microscopy")
    return Made(spec=spec, refusal="shar|part|pair", readings=_seen(folder, one, "a"))


def _swapped(options: tuple[str, ...], top: str, folder: Path) -> Made:
    """Images where masks are said to be: refused, unless it is meant."""
    for seed, name in enumerate("abc"):
        _pair(folder, name, seed, draw_letter(top=5 + seed))
    spec = write_spec("masks/{c}.png", "images/{c}.png", modality="microscopy", top=top)
    reading = (seen_by_opencv(folder / "images/a.png", GREY),)
    if not options and not top:
        return Made(spec=spec, refusal="swapped", readings=reading)
    slices = tuple(
        Slice(draw_letter(top=5 + seed) * np.uint8(255),
              {"lesion": (draw_noise(seed=seed) > 127.5,)}, name)
        for seed, name in enumerate("abc")
    )  # fmt: skip
    return Made(spec=spec, slices=slices, options=options, readings=reading)


def _warned(masks: Sequence[Mask], said: str, folder: Path) -> Made:
    """Read as it is, with a word in the plan."""
    slices = [_pair(folder, name, seed, mask) for seed, (name, mask) in
              enumerate(zip("abc", masks, strict=True))]  # fmt: skip
    return Made(spec=PAIRS, slices=tuple(slices), said=said, readings=_seen(folder, slices[0], "a"))


def _unsaid_patients(folder: Path) -> Made:
    """Twelve files of three patients, and no word of who is who."""
    names = [f"patient{p:02d}_slice{z}" for p in (1, 2, 3) for z in (1, 2, 3, 4)]
    slices = [_pair(folder, name, seed) for seed, name in enumerate(names)]
    return Made(
        spec=PAIRS, slices=tuple(slices), said="cluster.*patient|patient.*cluster",
        readings=_seen(folder, slices[0], names[0]),
    )  # fmt: skip


def _blank_slices(folder: Path) -> Made:
    """Three patients with one labelled black slice each: that makes them no one patient."""
    slices = []
    for seed, name in enumerate("pqr"):
        voxels = draw_noise((2, *SHAPE[1:]), seed)
        voxels[1] = 0
        drawn = np.stack([MASK, OTHER]).astype(np.uint8)
        nib.save(make_image(voxels), folder / f"{name}.nii.gz")
        nib.save(make_image(drawn), folder / f"{name}_m.nii.gz")
        slices.append(Slice(voxels[0], {"lesion": (MASK,)}, name))
    spec = write_spec("{c:.}.nii.gz", "{c}_m.nii.gz", 'labels = { 1 = "lesion" }',
                      f'{AS_STORED}\ncluster = "{{c}}"')  # fmt: skip
    reading = Reading("nibabel", lambda: np.asarray(nib.load(folder / "q_m.nii.gz").dataobj).T,
                      np.stack([MASK, OTHER]).astype(np.uint8))  # fmt: skip
    return Made(
        spec=spec, slices=tuple(slices), said="blank|one value|constant", readings=(reading,)
    )


def _one_picture_twice(folder: Path) -> Made:
    """The same picture under two names: one patient or a leak, and it is said."""
    _pair(folder, "a", 1)
    one = _pair(folder, "b", 1)
    other = _pair(folder, "c", 2)
    return Made(
        spec=PAIRS, slices=(Slice(one.pixels, one.masks, "a"), other), said="twice|share|join",
        readings=_seen(folder, one, "b"),
    )  # fmt: skip


def _left_over(folder: Path) -> Made:
    """An image without a mask and a mask without an image are named."""
    one = _pair(folder, "a")
    save(folder / "images/b.png", draw_noise(seed=1))
    save_mask(folder / "masks/c.png")
    return Made(
        spec=PAIRS, slices=(one,), said=r"without a mask: images/b\.png(.|\n)*masks/c\.png",
        readings=_seen(folder, one, "a"),
    )  # fmt: skip


def _other_size(resample: bool, folder: Path) -> Made:
    save(folder / "a.png", GREY)
    half = MASK[::2, ::2]
    save_mask(folder / "m.png", half)
    more = 'resample = "nearest"' if resample else ""
    spec = write_spec("a.png", "m.png", more=more, modality="microscopy")
    reading = seen_by_opencv(folder / "m.png", half * np.uint8(255))
    if not resample:
        return Made(spec=spec, refusal="size", readings=(reading,))
    whole = half.repeat(2, axis=0).repeat(2, axis=1)
    return Made(spec=spec, slices=one_slice(GREY, whole), readings=(reading,))


def _instances(how: str, folder: Path) -> Made:
    """Pieces, files or codes that are references of their own."""
    save(folder / "images/a.png", GREY)
    if how == "files":
        save_mask(folder / "masks/a/1.png", MASK)
        save_mask(folder / "masks/a/2.png", OTHER)
        spec = write_spec("images/{c}.png", "masks/{c}/*.png",
                          'object = "lesion"\ninstances = "files"')  # fmt: skip
    else:
        meaning = {"components": 'object = "lesion"', "labels": 'labels = { "*" = "lesion" }'}[how]
        values = (MASK + OTHER * np.uint8(2)) if how == "labels" else (MASK | OTHER) * np.uint8(255)
        save(folder / "masks/a/1.png", values.astype(np.uint8))
        spec = write_spec("images/{c}.png", "masks/{c}/1.png", f'{meaning}\ninstances = "{how}"')
    reading = seen_by_opencv(folder / "images/a.png", GREY)
    return Made(spec=spec, slices=(Slice(GREY, {"lesion": (MASK, OTHER)}),), readings=(reading,))


def _word(modality: str, said: str, folder: Path) -> Made:
    """A modality in other words than ours: the near ones are named."""
    _pair(folder, "a")
    return Made(spec=PAIRS.replace("microscopy", modality), refusal=said)


INVERTED = [~draw_letter(top=5 + seed) for seed in range(3)]
FRAMED = [draw_letter(top=5 + seed) for seed in range(3)]
for _mask in FRAMED:
    _mask[[0, -1]], _mask[:, [0, -1]] = True, True
ACCENT = "Müller é 1"

CASES = (
    Case("blanks-in-names", partial(_name, "a b (1) & c", "")),
    Case("accents", partial(_name, unicodedata.normalize("NFC", ACCENT),
                            unicodedata.normalize("NFD", ACCENT))),
    Case("brackets-in-file-names", partial(_name, "a [1]", "")),
    Case("large-endings", _endings),
    Case("byte-order-mark", _marked_file),
    Case("table", partial(_table, f"image,mask,who\n{ROWS}", "")),
    Case("table-with-mark", partial(_table, f"\ufeffimage,mask,who\n{ROWS}", "")),
    Case("table-without-column", partial(_table, f"image,file,who\n{ROWS}", "column")),
    Case("table-cut-off", partial(_table, f"image,mask,who\n{ROWS}images/a.png\n", "cells|line")),
    Case("nothing-shared", partial(_mistyped, "images/{c}.png", "masks/{d}.png")),
    Case("nothing-shared-star", partial(_mistyped, "images/{c}.png", "masks/*.png")),
    Case("swapped", partial(_swapped, (), "")),
    Case("swapped-meant", partial(_swapped, ("--accept", "swapped"), "")),
    Case("swapped-meant-in-file", partial(_swapped, (), 'accept = ["swapped"]')),
    Case("inverted", partial(_warned, INVERTED, "invert")),
    Case("framed", partial(_warned, FRAMED, "border")),
    Case("patients-unsaid", _unsaid_patients),
    Case("blank-slices", _blank_slices),
    Case("one-picture-twice", _one_picture_twice),
    Case("left-over", _left_over),
    Case("other-size", partial(_other_size, False)),
    Case("other-size-resampled", partial(_other_size, True)),
    *(Case(f"instances-{how}", partial(_instances, how))
      for how in ("files", "labels", "components")),
    *(Case(f"modality-{word.lower()}", partial(_word, word, near)) for word, near in (
        ("US", "ultrasound"), ("MRI", "mr-t1"), ("CT", r"\bct\b"), ("xray", "x-ray"))),
)  # fmt: skip
