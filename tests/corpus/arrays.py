"""Bare arrays, NPY and NPZ, and pictures stacked into volumes; read again by numpy and OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.dicoms import AXIAL as GRID
from tests.corpus.dicoms import save_series, seen_by_itk
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise, one_slice
from tests.corpus.pictures import read_opencv, save

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
SLICES = cut_slices(VOXELS, DRAWN)
COLOUR = draw_noise((*SHAPE[1:], 3), 1)
LABELS = 'labels = { 1 = "lesion" }'
STACKED = 'object = "lesion"\nstack = "name"'


def _axes(axes: str, folder: Path) -> Made:
    """A volume whose axes are stored in any order, masks in the usual one."""
    order = ["zyx".index(letter) for letter in axes]
    np.save(folder / "a.npy", np.ascontiguousarray(VOXELS.transpose(order)))
    np.save(folder / "m.npy", DRAWN.astype(np.uint8))
    spec = write_spec("a.npy", "m.npy", LABELS, f'{AS_STORED}\naxes = "{axes}"')
    back = [axes.index(letter) for letter in "zyx"]
    reading = Reading("numpy", lambda: np.load(folder / "a.npy").transpose(back), VOXELS)
    return Made(spec=spec, slices=SLICES, readings=(reading,))


def _flat(kind: str, folder: Path) -> Made:
    """One slice, grey or in colour, in any number type."""
    stored: NDArray[Any] = VOXELS[1]
    more = 'normalisation = "minmax"\naxes = "yx"'
    wanted = VOXELS[1]
    if kind == "colour":
        stored, wanted, more = COLOUR, COLOUR, 'axes = "yxc"'
    elif kind == "by-column":
        stored = np.asfortranarray(VOXELS[1])
    elif kind == "big-endian":
        stored = VOXELS[1].astype(">i4")
    elif kind != "u1":
        stored = VOXELS[1].astype(kind)
    if kind != "colour":
        wanted = _span(VOXELS[1])
    np.save(folder / "a.npy", stored)
    np.save(folder / "m.npy", DRAWN[1])
    reading = Reading("numpy", lambda: np.load(folder / "a.npy"), stored)
    if stored.dtype == np.uint8:
        wanted = np.asarray(stored)
    spec = write_spec("a.npy", "m.npy", more=more)
    return Made(spec=spec, slices=one_slice(wanted, DRAWN[1]), readings=(reading,))


def _span(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey spread from its least to its greatest value over 0 … 255."""
    low, high = int(grey.min()), int(grey.max())
    spread = (grey.astype(np.int64) - low) * 255 * 2 + (high - low)
    return (spread // (2 * (high - low))).astype(np.uint8)


def _archive(key: str, folder: Path) -> Made:
    """Image and mask in one NPZ file, next to other arrays."""
    np.savez_compressed(folder / "a.npz", imgs=VOXELS, gts=DRAWN.astype(np.uint8), other=VOXELS[1])
    spec = write_spec("a.npz", "a.npz", f'{LABELS}\nkey = "gts"', f"{AS_STORED}\n{key}")
    reading = Reading("numpy", lambda: np.load(folder / "a.npz")["imgs"], VOXELS)
    if "imgs" not in key:
        return Made(spec=spec, refusal="key", readings=(reading,))
    return Made(spec=spec, slices=SLICES, readings=(reading,))


def _objects(folder: Path) -> Made:
    """Pickled objects: reading them would run them."""
    np.save(folder / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(folder / "m.npy", DRAWN)
    return Made(spec=write_spec("a.npy", "m.npy"), refusal="numbers")


def _channels(chosen: str, folder: Path) -> Made:
    """Two channels: which one is meant has to be said."""
    stored = draw_noise((*SHAPE[1:], 2), 4)
    np.save(folder / "a.npy", stored)
    np.save(folder / "m.npy", DRAWN[1])
    more = 'axes = "yxc"' + (f"\nchannels = {chosen}" if chosen else "")
    reading = Reading("numpy", lambda: np.load(folder / "a.npy"), stored)
    spec = write_spec("a.npy", "m.npy", more=more)
    if not chosen:
        return Made(spec=spec, refusal="channel", readings=(reading,))
    wanted = np.ascontiguousarray(stored[..., 1])
    return Made(spec=spec, slices=one_slice(wanted, DRAWN[1]), readings=(reading,))


ARRAYS = (
    *(Case(f"axes-{axes}", partial(_axes, axes)) for axes in ("zyx", "xyz", "yxz", "yzx")),
    *(
        Case(f"flat-{kind}", partial(_flat, kind))
        for kind in ("u1", "i2", "u2", "f2", "f4", "f8", "big-endian", "by-column", "colour")
    ),
    Case("archive-key", partial(_archive, 'key = "imgs"')),
    Case("archive-no-key", partial(_archive, "")),
    Case("archive-wrong-key", partial(_archive, 'key = "image"')),
    Case("objects", _objects),
    Case("channels-unsaid", partial(_channels, "")),
    Case("channels-second", partial(_channels, "[1]")),
)

Namer = Callable[[int], str]
SPEC = write_spec("img/*.png", "msk/*.png", STACKED, f'{AS_STORED}\nstack = "name"')
LONG = (12, *SHAPE[1:])


def _write_stack(folder: Path, slices: Sequence[tuple[str, NDArray[Any]]]) -> list[Path]:
    paths = []
    for name, pixels in slices:
        paths.append(folder / f"{name}.png")
        save(paths[-1], pixels)
    return paths


def _read_stack(paths: Sequence[Path]) -> NDArray[Any]:
    return np.stack([read_opencv(path) for path in paths])


def _stack(image: Namer, mask: Namer, refusal: str, folder: Path) -> Made:
    """Twelve slices: 2 comes before 10, in images and in masks."""
    voxels, drawn = draw_noise(LONG, 2), draw_letters(LONG)
    paths = _write_stack(folder / "img", [(image(z), voxels[z]) for z in range(12)])
    masks = [(mask(z), drawn[z].astype(np.uint8) * np.uint8(255)) for z in range(12)]
    _write_stack(folder / "msk", masks)
    reading = Reading("OpenCV", partial(_read_stack, paths), voxels)
    return Made(spec=SPEC, slices=cut_slices(voxels, drawn), refusal=refusal, readings=(reading,))


def _part(masked: Sequence[int], images: Sequence[int], folder: Path) -> Made:
    """Masks for some slices only, or for others than there are images: by number, or refused."""
    voxels, drawn = draw_noise(LONG, 2), draw_letters(LONG)
    paths = _write_stack(folder / "img", [(f"{z}", voxels[z]) for z in images])
    _write_stack(
        folder / "msk", [(f"{z:03d}", drawn[z].astype(np.uint8) * np.uint8(255)) for z in masked]
    )
    both = [z for z in images if z in masked]
    reading = Reading("OpenCV", partial(_read_stack, paths), voxels[[*images]])
    return Made(
        spec=SPEC, slices=cut_slices(voxels[both], drawn[both]),
        refusal="slice|size|number|pair", readings=(reading,),
    )  # fmt: skip


def _patients(folder: Path) -> Made:
    """Two patients, each with a folder of slices: two clusters."""
    slices: list[Slice] = []
    for patient in ("p1", "p2"):
        voxels, drawn = draw_noise(LONG, ord(patient[1])), draw_letters(LONG)
        names = [(f"{z + 1}", z) for z in range(12)]
        _write_stack(folder / f"img/{patient}", [(name, voxels[z]) for name, z in names])
        masks = [(name, drawn[z].astype(np.uint8) * np.uint8(255)) for name, z in names]
        _write_stack(folder / f"msk/{patient}", masks)
        slices += cut_slices(voxels, drawn, cluster=patient)
    spec = write_spec("img/{p}/*.png", "msk/{p}/*.png", STACKED,
                      f'{AS_STORED}\nstack = "name"\ncluster = "{{p}}"')  # fmt: skip
    reading = Reading("OpenCV", lambda: read_opencv(folder / "img/p1/10.png"),
                      draw_noise(LONG, ord("1"))[9])  # fmt: skip
    return Made(spec=spec, slices=tuple(slices), readings=(reading,))


def _with_volume(name: Namer, folder: Path) -> Made:
    """Images as pictures, masks in one array: slices are in the order of their numbers."""
    voxels, drawn = draw_noise(LONG, 2), draw_letters(LONG)
    paths = _write_stack(folder / "img", [(name(z), voxels[z]) for z in range(12)])
    np.save(folder / "m.npy", drawn.astype(np.uint8))
    spec = write_spec("img/*.png", "m.npy", LABELS, f'{AS_STORED}\nstack = "name"')
    reading = Reading("OpenCV", partial(_read_stack, paths), voxels)
    return Made(spec=spec, slices=cut_slices(voxels, drawn), readings=(reading,))


def _with_dicom(digits: int, folder: Path) -> Made:
    """A series named 1 … 12 from head to feet, its masks as pictures of the same numbers."""
    voxels, drawn = draw_noise(LONG, 2), draw_letters(LONG)
    paths = save_series(folder / "ct", voxels)
    for z, path in enumerate(paths):
        path.rename(path.with_name(f"{12 - z}.dcm"))
    masks = [(f"{12 - z:0{digits}d}", drawn[z].astype(np.uint8) * np.uint8(255)) for z in range(12)]
    _write_stack(folder / "msk", masks)
    spec = write_spec("ct/*.dcm", "msk/*.png", STACKED, f'{AS_STORED}\nstack = "name"')
    return Made(
        spec=spec, slices=cut_slices(voxels, drawn),
        readings=(seen_by_itk(folder / "ct", voxels, GRID),),
    )  # fmt: skip


def _other_size(folder: Path) -> Made:
    voxels = draw_noise(LONG, 2)
    _write_stack(folder / "img", [(f"{z}", voxels[z][: 40 - (z == 3)]) for z in range(12)])
    _write_stack(
        folder / "msk", [(f"{z}", draw_letters(LONG)[z] * np.uint8(255)) for z in range(12)]
    )
    return Made(spec=SPEC, refusal="size|differ")


NAMERS: tuple[tuple[str, Namer, Namer, str], ...] = (
    ("natural", lambda z: f"{z + 1}", lambda z: f"{z + 1}", ""),
    ("natural-against-padded", lambda z: f"{z + 1}", lambda z: f"{z + 1:03d}", ""),
    ("padded-against-natural", lambda z: f"{z:04d}", lambda z: f"{z}", ""),
    ("with-words", lambda z: f"slice{z}_img", lambda z: f"slice{z:02d}_mask", ""),
    ("two-numbers", lambda z: f"s2_t{z}_v10", lambda z: f"s2_t{z:02d}_v10", ""),
    ("every-second", lambda z: f"{2 * z}", lambda z: f"{2 * z:03d}", ""),
    ("shifted", lambda z: f"{z}", lambda z: f"{z + 1}", "slice|number|differ"),
    ("total-in-name", lambda z: f"{z}", lambda z: f"m{z:02d}_of_12", ""),
)

STACKS = (
    *(Case(name, partial(_stack, image, mask, words)) for name, image, mask, words in NAMERS),
    Case("masks-of-some", partial(_part, (2, 3, 4), range(12))),
    Case("gaps", partial(_part, (0, 1, 3, 4, 8, 9, 10, 11), (0, 1, 3, 4, 8, 9, 10, 11))),
    Case("one-shifted-out", partial(_part, range(1, 12), range(11))),
    Case("patients", _patients),
    Case("array-of-masks", partial(_with_volume, lambda z: f"{z + 1}")),
    Case("dicom-natural", partial(_with_dicom, 1)),
    Case("dicom-padded", partial(_with_dicom, 3)),
    Case("other-size", _other_size),
)  # fmt: skip
