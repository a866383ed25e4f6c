"""Real sources read a second time: by other libraries, by the pairs of their index.

Only the meaning of codes, colours and names comes from the import files, as plain TOML. Nothing of
our readers takes part.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
import tifffile
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels.processing import apply_modality_lut
from scipy import ndimage

from cosmos_board.core.masks import Mask
from tests.corpus.case import Slice
from tests.corpus.levels import span_percentiles, spread
from tests.import_files import SPECS
from tests.shared import SHARED

Row = Mapping[str, str]
Entry = Mapping[str, Any]

CLUSTERS = {
    "abdomen_ct_curvas": r"images/(\d+)_", "abdomen_mr_uwm": r"images/(case\d+)_",
    "brain_hemorrhage_ct": r"images/(\d{3})", "brats2023": r"images/(\d+)_",
    "carotid_us": r"images/(\d+)VAS", "cosmos_authors": r"(\d+_\w+)/images/\w+?_(\d+)_",
    "dcmqi_ct_liver": r"(ct)", "drive": r"images/(\d\d)_", "heart_mr_hvsmr": r"images/(\d+)_",
    "isbi2012_em": r"(image)", "laparoscopy_instruments_pseudo": r"frames/(\w+?)_",
    "medsam2_recist": r"Lesion_(\d+)_", "medscribble": r"/([^/]+)_axis",
    "pet_sarcoma": r"STS_(\d+)_", "rings_prostate_histology": r"images/(P\d+)_",
    "sam_med2d_demo": r"images/(\w+?\d+)_", "sct_spinal_cord": r"(t)",
    "spine_spider": r"images/(\d+)_", "totalsegmentator": r"example_(ct|mr)_",
}  # fmt: skip
"""What in the path of an image tells its patient; elsewhere each file is one by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a file holds: a picture (Y, X) or (Y, X, 3), or a volume that is placed."""

    array: NDArray[Any]
    """Of a volume the axes are (X, Y, Z)."""

    affine_ras: NDArray[np.float64] | None = None


@cache
def read_index() -> dict[str, tuple[Row, ...]]:
    """Return the pairs of image and mask of every source."""
    rows = defaultdict(list)
    with (SHARED / "data" / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["source"]].append(row)
    return {source: tuple(found) for source, found in rows.items()}


def read_source(source: str) -> list[Slice]:
    """Return every image that a pack of a source has to hold, with its masks."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in read_index()[source]:
        groups[row["image"]].append(row)
    merged: dict[tuple[Any, ...], Slice] = {}
    for image, rows in groups.items():
        for one in _read_image(source, image, rows):
            key = (one.pixels.shape, one.pixels.tobytes())
            before = merged.get(key)
            merged[key] = one if before is None else _join(before, one)
    return [one for one in merged.values() if one.masks]


def _join(one: Slice, other: Slice) -> Slice:
    names = {*one.masks, *other.masks}
    return Slice(
        one.pixels,
        {
            name: _list_once((*one.masks.get(name, ()), *other.masks.get(name, ())))
            for name in names
        },
        one.cluster,
    )


def _list_once(masks: tuple[Mask, ...]) -> tuple[Mask, ...]:
    return tuple({mask.tobytes(): mask for mask in masks}.values())


def _read_image(source: str, image: str, rows: list[Row]) -> Iterator[Slice]:
    entries = tomllib.loads((SPECS / f"{source}.toml").read_text("utf-8"))["images"]
    found = re.search(CLUSTERS.get(source, "(.*)"), image)
    assert found is not None, image
    cluster = "-".join(found.groups())
    drawn: dict[tuple[str, str], NDArray[np.bool_]] = {}
    scan = _read(source, image)
    entry: Entry = {}
    for row in rows:
        choice = _choose(entries, image, row["mask"])
        if choice is None:
            continue
        entry, mask = choice
        for objects, key, region in _read_regions(source, row["mask"], mask):
            for name in objects:
                which = (name, key)
                drawn[which] = region | drawn[which] if which in drawn else region
    for pixels, masks in _cut(scan, entry, drawn):
        kept = {name: tuple(m for m in found if m.sum() > 50) for name, found in masks.items()}
        once = {name: _list_once(found) for name, found in kept.items() if found}
        yield Slice(np.ascontiguousarray(pixels), once, cluster)


def _choose(entries: list[Entry], image: str, mask: str) -> tuple[Entry, Entry] | None:
    """Return the entries of an import file that a pair belongs to; None for other observers."""
    for entry in entries:
        for row in entry["masks"]:
            if _fits(entry["files"], image) and _fits(row["files"], mask):
                return None if row.get("observer") else (entry, row)
    raise AssertionError(f"no entry for {image} and {mask}")


def _fits(pattern: str, path: str) -> bool:
    """Return whether a path has the fixed words of a pattern, where its parts may be anything."""
    loose = re.sub(r"\{\w+:(\((?:[^()])*\)[^{}]*|(?:[^{}]|\{\d+\})*)\}", _allow, pattern)
    plain = re.sub(r"\{\w+\}", "*", loose).replace("**/", "*")
    return fnmatchcase(path.partition("#")[0], plain)


def _allow(found: re.Match[str]) -> str:
    words = re.match(r"[A-Za-z]+", found[1])
    return f"{words[0]}*" if words and "|" not in found[1] else "*"


def _read(source: str, path: str) -> Scan:
    """Return one file, the files of a series, or one array of an archive."""
    name, _, key = path.partition("#")
    file = SHARED / "data" / source / name
    if name.endswith("*.dcm"):
        return _read_series(sorted(file.parent.glob("*.dcm")))
    if name.endswith((".nii.gz", ".nii")):
        image = nib.load(file)
        return Scan(np.asarray(image.dataobj), image.affine)
    if name.endswith(".nrrd"):
        return _read_nrrd(file)
    if name.endswith((".npz", ".npy")):
        array = np.load(file)[key] if key else np.load(file)
        return Scan(array) if array.ndim == 2 else _place(array)
    if name.endswith((".jpg", ".gif")) or source == "prostate_transverse":
        with Image.open(file) as opened:
            return Scan(np.asarray(opened))
    if source == "stardist":
        pages = tifffile.imread(file)
        return Scan(pages) if pages.ndim == 2 else _place(pages)
    found = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert found is not None, file
    return Scan(found if found.ndim == 2 else found[..., 2::-1])


def _place(array: NDArray[Any]) -> Scan:
    """Return a bare stack (Z, Y, X) to the head, the back and the left."""
    return Scan(array.transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]))


def _read_series(paths: list[Path]) -> Scan:
    files = sorted(map(pydicom.dcmread, paths), key=lambda one: float(one.ImagePositionPatient[2]))
    first, last = (np.array(files[i].ImagePositionPatient, float) for i in (0, -1))
    across, down = np.array(files[0].ImageOrientationPatient, float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = across * float(files[0].PixelSpacing[1])
    affine[:3, 1] = down * float(files[0].PixelSpacing[0])
    affine[:3, 2], affine[:3, 3] = (last - first) / (len(files) - 1), first
    voxels = np.stack([apply_modality_lut(one.pixel_array, one) for one in files], -1)
    return Scan(voxels.transpose(1, 0, 2), np.diag([-1, -1, 1, 1]) @ affine)


def _read_nrrd(path: Path) -> Scan:
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return Scan(voxels, np.diag([-1, -1, 1, 1]) @ affine)


def _turn(scan: Scan) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return voxels (Z, Y, X) to the head, the back and the left, and their distances in mm."""
    assert scan.affine_ras is not None
    array = scan.array if scan.array.ndim == 3 else scan.array[..., np.newaxis]
    ornt = io_orientation(scan.affine_ras)
    turned = apply_orientation(array, ornt_transform(ornt, axcodes2ornt(("L", "P", "S"))))
    sizes = np.linalg.norm(scan.affine_ras[:3, :3], axis=0)
    ordered = np.empty(3)
    ordered[ornt[:, 0].astype(int)] = sizes
    return turned.transpose(2, 1, 0), ordered[::-1]


def _cut(
    scan: Scan, entry: Entry, drawn: Mapping[tuple[str, str], NDArray[np.bool_]]
) -> Iterator[tuple[NDArray[np.uint8], dict[str, tuple[Mask, ...]]]]:
    """Yield pictures as they are looked at, with the masks of each object."""
    pieces = any(row.get("instances") == "components" for row in entry.get("masks", ()))
    if scan.affine_ras is None:
        yield _to_bytes(scan.array, entry), _collect(drawn, pieces)
        return
    voxels, sizes = _turn(scan)
    shown = _to_bytes(voxels, entry)
    axis = _choose_plane(voxels.shape, sizes)
    for index in range(voxels.shape[axis]):
        step = slice(None, None, 1 if axis == 0 else -1)
        regions = {which: np.take(one, index, axis)[step] for which, one in drawn.items()}
        yield np.take(shown, index, axis)[step], _collect(regions, pieces)


def _choose_plane(shape: tuple[int, ...], sizes: NDArray[np.float64]) -> int:
    """Return the axis across the plane of the smallest pixels; within 1 % the first."""
    if shape.count(1) == 1:
        return shape.index(1)
    areas = np.array([sizes[1] * sizes[2], sizes[0] * sizes[2], sizes[0] * sizes[1]])
    return int(np.flatnonzero(areas <= areas.min() * 1.01)[0])


def _to_bytes(array: NDArray[Any], entry: Entry) -> NDArray[np.uint8]:
    rule = entry.get("normalisation", "percentile")
    if array.dtype == np.uint8 and (rule == "none" or array.ndim == 2 or array.shape[2] == 3):
        return np.asarray(array)
    if rule == "minmax":
        return spread(array, float(array.min()), float(array.max()))
    return span_percentiles(array)


def _collect(
    drawn: Mapping[tuple[str, str], NDArray[np.bool_]], pieces: bool
) -> dict[str, tuple[Mask, ...]]:
    found: dict[str, list[Mask]] = defaultdict(list)
    for (name, _), region in drawn.items():
        if pieces:
            labels, count = ndimage.label(region, np.ones((3, 3), int))
            found[name] += [labels == piece for piece in range(1, count + 1)]
        else:
            found[name].append(np.ascontiguousarray(region))
    return {name: tuple(masks) for name, masks in found.items()}


Region = tuple[tuple[str, ...], str, NDArray[np.bool_]]


def _read_regions(source: str, path: str, rule: Entry) -> Iterator[Region]:
    """Yield (objects, what tells it from others, region) of one file of masks."""
    folder = SHARED / "data" / source
    for name in _expand(folder, path):
        scan = _read(source, name)
        array = scan.array if scan.affine_ras is None else _turn(scan)[0]
        separate = rule.get("instances")
        if "labels" in rule:
            for code in np.unique(array[array != 0]):
                objects = _find_code(rule["labels"], round(float(code)))
                yield objects, str(code) if separate else "", array == code
        elif "colours" in rule:
            yield from _match_colours(array, rule)
        else:
            part = re.sub(r"^.*?\d+_(?=[A-Za-z])|_\d{3}$", "", Path(name.partition(".")[0]).name)
            objects = _find_name(rule, part)
            key = {"files": name, "labels": part}.get(separate or "", "")
            yield objects, key, _threshold(array, rule)


def _expand(folder: Path, path: str) -> list[str]:
    if "*" not in path:
        return [path]
    return sorted(found.relative_to(folder).as_posix() for found in folder.glob(path))


def _threshold(array: NDArray[Any], rule: Entry) -> NDArray[np.bool_]:
    bright = array.max(axis=2) if array.ndim == 3 and array.shape[2] == 3 else array
    limit = rule.get("threshold", float(bright.max()) / 2)
    above: NDArray[np.bool_] = bright > limit
    return above


def _find_name(rule: Entry, part: str) -> tuple[str, ...]:
    if "names" not in rule:
        return (rule["object"],)
    return next((obj,) for pattern, obj in rule["names"].items() if fnmatchcase(part, pattern))


def _find_code(labels: Mapping[str, Any], code: int) -> tuple[str, ...]:
    for text, objects in labels.items():
        for span in text.split(","):
            low, _, high = span.partition("..")
            if text == "*" or int(low) <= code <= int(high or low):
                return (objects,) if isinstance(objects, str) else tuple(objects)
    return ()


def _match_colours(array: NDArray[np.uint8], rule: Entry) -> Iterator[Region]:
    """Yield the pixels to which each colour is the nearest, black being no object."""
    names = ["0,0,0", *rule["colours"]]
    palette = np.array([[int(part) for part in name.split(",")] for name in names])
    packed = array.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    used, places = np.unique(packed, return_inverse=True)
    colours = np.stack([used >> 16, used >> 8 & 255, used & 255], 1)
    away = ((colours[:, np.newaxis] - palette) ** 2).sum(axis=2)
    nearest = away.argmin(axis=1)[places].reshape(packed.shape)
    for position, name in enumerate(names[1:], 1):
        given = rule["colours"][name]
        objects = (given,) if isinstance(given, str) else tuple(given)
        yield objects, name if rule.get("instances") == "labels" else "", nearest == position
