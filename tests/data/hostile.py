"""Sixty and more inputs that are damaged, lie about themselves or mean harm."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import show_path
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.spec.load import parse_spec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    make_dicom,
    png_bytes,
    png_with_size,
    save_nifti,
    save_picture,
    save_rtstruct,
    save_seg,
    save_series,
)

Maker = Callable[[Path], object]
WHOLE = "object = 'lesion'"
CODES = "labels = { 1 = 'lesion' }"


@dataclass(frozen=True)
class HostileInput:
    """A folder of raw files and the import file that somebody points at it."""

    name: str
    make: Maker
    spec: str


def write_spec(images: str, masks: str = "", meaning: str = WHOLE, more: str = "") -> str:
    """Return an import file of one entry."""
    masks = masks or images.replace("image", "mask")
    return (
        f"schema_version = 1\nname = 'hostile'\n[[images]]\nfiles = '{images}'\nmodality = 'ct'\n"
        f"{more}\n[[images.masks]]\nfiles = '{masks}'\n{meaning}\n"
    )


def find_refusals(case: HostileInput, folder: Path) -> list[str]:
    """Return what an import says about a folder: problems of the plan, quarantine, refusal."""
    folder.mkdir()
    case.make(folder)
    lines = []
    try:
        plan = plan_import(parse_spec(case.spec, "spec.toml"), folder)
        lines += [f"{show_path(path)}: {reason}" for path, reason in plan.problems]
        for unit in plan.units():
            list(unit.read())
    except InputError as error:
        lines.append(str(error))
    return lines


CASES: list[HostileInput] = []


def _add(name: str, spec: str) -> Callable[[Maker], Maker]:
    def register(make: Maker) -> Maker:
        CASES.append(HostileInput(name, make, spec))
        return make

    return register


def _case(name: str, make: Maker, spec: str) -> None:
    CASES.append(HostileInput(name, make, spec))


def _write(name: str, data: bytes, *, mask: bool = True) -> Maker:
    """Write bytes as the image and a good mask of the same ending (or PNG) beside it."""

    def make(folder: Path) -> None:
        (folder / name).write_bytes(data)
        if mask:
            save_picture(folder / "mask.png", draw_square() * 255)

    return make


def _picture(name: str, data: bytes) -> None:
    suffix = name.split()[-1]
    _case(name, _write(f"image.{suffix}", data), write_spec(f"image.{suffix}", "mask.png"))


_GOOD = png_bytes(draw_noise())
_JPEG = io.BytesIO()
Image.fromarray(draw_noise()).save(_JPEG, "JPEG")
_BMP = io.BytesIO()
Image.fromarray(draw_noise()).save(_BMP, "BMP")
_TIFF = io.BytesIO()
tifffile.imwrite(_TIFF, draw_noise())
_GIFS = [Image.fromarray(draw_noise(seed=seed)) for seed in range(3)]
_ANIMATED = io.BytesIO()
_GIFS[0].save(_ANIMATED, "GIF", save_all=True, append_images=_GIFS[1:])

_picture("cut off png", _GOOD[: len(_GOOD) // 2])
_picture("cut within its header png", _GOOD[:20])
_picture("of no bytes png", b"")
_picture("a JPEG called png", _JPEG.getvalue())
_picture("a PNG called jpg", _GOOD)
_picture("a text called png", b"Doe, Jane, 1970-01-01\n" * 40)
_picture("a program called png", b"MZ" + b"\0" * 600)
_picture("a bomb of 60,000 by 60,000 png", png_with_size(60_000, 60_000))
_picture("a bomb of 13,000 by 13,000 png", png_with_size(13_000, 13_000))
_picture("of no width png", png_with_size(0, 32))
_picture("of negative width png", png_with_size(0xFFFFFFFE, 32))
_picture("with flipped bits png", _GOOD[:60] + bytes(255 - b for b in _GOOD[60:120]) + _GOOD[120:])
_picture("cut off jpg", _JPEG.getvalue()[:200])
_picture("animated gif", _ANIMATED.getvalue())
_picture("cut off bmp", _BMP.getvalue()[:300])
_picture(
    "of negative width bmp", _BMP.getvalue()[:18] + struct.pack("<i", -32) + _BMP.getvalue()[22:]
)
_picture("of huge size ppm", b"P6 99999999 99999999 255\n" + b"\0" * 99)
_picture("cut off tif", _TIFF.getvalue()[:-400])
_picture("with wrong magic tif", b"II\x2b\x01" + b"\0" * 300)
_picture("of numbers that are none tif", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 300)


@_add("a TIFF that claims a huge size", write_spec("image.tif", "mask.png"))
def _(folder: Path) -> None:
    data = bytearray(_TIFF.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        for tag in ("ImageWidth", "ImageLength"):
            offset = file.pages[0].tags[tag].valueoffset
            data[offset : offset + 4] = struct.pack("<I", 2_000_000)
    _write("image.tif", bytes(data))(folder)


def _tiff_bytes(compression: str, **tags: int) -> bytes:
    """Return a TIFF file of tiles, some of whose tags lie."""
    file = io.BytesIO()
    tifffile.imwrite(file, draw_noise(), compression=compression, tile=(32, 32))
    data = bytearray(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as opened:
        for name, value in tags.items():
            tag = opened.pages.first.tags[name]
            size = "<H" if tag.dtype == 3 else "<I"
            data[tag.valueoffset : tag.valueoffset + struct.calcsize(size)] = struct.pack(
                size, value
            )
    return bytes(data)


_SWELLING = zlib.compress(bytes(200_000_000), 9)
_LENGTH = len(_tiff_bytes("deflate"))
_picture(
    "that swells tif",
    _tiff_bytes("deflate", TileOffsets=_LENGTH, TileByteCounts=len(_SWELLING)) + _SWELLING,
)
_picture("of huge tiles tif", _tiff_bytes("lzw", TileWidth=32768, TileLength=32768))
_picture("of a photometric that is none tif", _tiff_bytes("lzw", PhotometricInterpretation=77))
_HUGE_JPEG = _tiff_bytes("jpeg")
_AT = _HUGE_JPEG.index(b"\xff\xc0") + 5
_picture(
    "of JPEG data of another size tif",
    _HUGE_JPEG[:_AT] + struct.pack(">HH", 60_000, 60_000) + _HUGE_JPEG[_AT + 4 :],
)


@_add("a picture with infinite values", write_spec("image.tif", "mask.png"))
def _(folder: Path) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.full((32, 32), np.inf, np.float32))
    _write("image.tif", file.getvalue())(folder)


def _mask(name: str, array: object, meaning: str, suffix: str = "png") -> None:
    def make(folder: Path) -> None:
        save_picture(folder / "image.png", draw_noise())
        if suffix == "npy":
            np.save(folder / "mask.npy", np.asarray(array))
        else:
            save_picture(folder / f"mask.{suffix}", np.asarray(array))

    _case(name, make, write_spec("image.png", f"mask.{suffix}", meaning))


_mask("a mask of another size", draw_square((30, 32)), WHOLE)
_mask("a lossy mask without a threshold", draw_square() * 255, WHOLE, "jpg")
_mask("a lossy mask of codes", draw_square() * 255, CODES, "jpg")
_mask("a coloured mask read as codes", np.dstack([draw_square()] * 2 + [draw_noise()]), CODES)
_mask("a code that means nothing", draw_square() * 7, CODES)
_mask("several codes called one object", draw_square() + draw_square(low=12), WHOLE)
_mask("codes that are no whole numbers", draw_square() * 0.4, CODES, "npy")
_mask("codes that are no numbers", np.where(draw_square(), np.nan, 0.0), CODES, "npy")
_mask("a soft mask that is no number", np.where(draw_square(), np.nan, 0.0), WHOLE, "npy")
_mask("codes beyond all counting", draw_square() * 1e300, CODES, "npy")


def _array(name: str, data: bytes, suffix: str = "npy", more: str = "") -> None:
    spec = write_spec(f"image.{suffix}", "mask.png", more=more)
    _case(name, _write(f"image.{suffix}", data), spec)


def _npy(shape: str, dtype: str = "'<f8'", data: bytes = b"\0" * 64) -> bytes:
    head = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


_array("an array cut off", _npy("(32, 32)"))
_array("an array of pickled objects", _npy("(1,)", "'|O'", b"cos\nsystem\n(S'true'\ntR."))
_array("an array of huge shape", _npy("(100000, 100000, 100000)"))
_array("an array of negative shape", _npy("(-32, -32)"))
_array("an array of text", _npy("(4, 4)", "'<U2'", b"\0" * 200))
_array("an array with a program for a header", _npy("__import__('os').getcwd()"))
_array("a text called an array", b"not an array at all")
_array("a text called an archive", b"not an archive at all", "npz", "key = 'imgs'")


def _zip(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


_array("an archive with names that lead out", _zip(("../../evil.npy", _npy("(2, 2)"))), "npz",
       "key = 'imgs'")  # fmt: skip
_array("an archive that swells", _zip(("imgs.npy", b"\0" * 30_000_000)), "npz", "key = 'imgs'")
_array("an archive without the array", _zip(("other.npy", _npy("(2, 2)"))), "npz", "key = 'imgs'")


def _volume(name: str, make: Maker, more: str = "", suffix: str = "nii.gz") -> None:
    def make_both(folder: Path) -> None:
        save_nifti(folder / "mask.nii.gz", draw_square((16, 16, 4), 2, 12))
        make(folder)

    _case(name, make_both, write_spec(f"image.{suffix}", "mask.nii.gz", CODES, more))


def _nifti_bytes(**header: object) -> bytes:
    image = nib.Nifti1Image(draw_noise((16, 16, 4)), np.eye(4))
    data = bytearray(image.to_bytes())
    if "dim" in header:
        data[40:56] = struct.pack("<8h", *header["dim"])  # type: ignore[misc]
    if "nowhere" in header:
        data[252:256] = struct.pack("<2h", 0, 1)
        data[280:328] = b"\0" * 48
    if "magic" in header:
        data[344:348] = b"bad\0"
    return bytes(data)


def _save_gz(data: bytes, cut: int | None = None) -> Maker:
    return lambda folder: (folder / "image.nii.gz").write_bytes(gzip.compress(data)[:cut])


_volume("a volume cut off", _save_gz(_nifti_bytes(), 500))
_volume("a volume of no bytes", lambda folder: (folder / "image.nii.gz").write_bytes(b""))
_volume("a volume with wrong magic", _save_gz(_nifti_bytes(magic=True)))
_volume("a volume of negative size", _save_gz(_nifti_bytes(dim=(3, -16, 16, 4, 1, 1, 1, 1))))
_volume("a volume of huge size", _save_gz(_nifti_bytes(dim=(3, 30000, 30000, 30000, 1, 1, 1, 1))))
_volume("a volume that claims more than it holds",
        _save_gz(_nifti_bytes(dim=(3, 512, 512, 100, 1, 1, 1, 1))))  # fmt: skip


def _save_volume(array: NDArray[Any], spacing: float = 1.0) -> Maker:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    return lambda folder: save_nifti(folder / "image.nii.gz", array, affine)


_ONE_NAN = draw_noise((16, 16, 4)).astype(np.float64)
_ONE_NAN[9, 9, 2] = np.nan
_volume("a volume without numbers", _save_volume(np.full((16, 16, 4), np.nan, np.float32)))
_volume("a volume with NaN where something is drawn", _save_volume(_ONE_NAN))
_volume("a volume that lies nowhere", _save_gz(_nifti_bytes(nowhere=True)))
_volume("a volume that lies elsewhere than its mask", _save_volume(draw_noise((16, 16, 4)), 2.0))
_volume("a volume of four dimensions without a frame", _save_volume(draw_noise((16, 16, 4, 3))))
_volume("a frame that is not there", _save_volume(draw_noise((16, 16, 4, 3))), "frame = 3")
_volume("a volume of five dimensions", _save_volume(draw_noise((16, 16, 4, 3, 2))))

_NRRD = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: {sizes}\nencoding: raw\n{more}\n"


def _itk(name: str, head: str, suffix: str, data: bytes = b"\0" * 1024) -> None:
    _volume(
        name,
        lambda folder: (folder / f"image.{suffix}").write_bytes(head.encode() + data),
        suffix=suffix,
    )


_itk("a NRRD cut off", _NRRD.format(sizes="64 64 64", more=""), "nrrd")
_itk("a NRRD of negative size", _NRRD.format(sizes="-16 16 4", more=""), "nrrd")
_itk("a NRRD of huge size", _NRRD.format(sizes="99999 99999 99999", more=""), "nrrd")
_itk(
    "a NRRD that points at another file",
    _NRRD.format(sizes="16 16 4", more="data file: /etc/passwd"),
    "nrrd",
    b"",
)
_itk(
    "a NRRD that hides behind comments what it points at",
    _NRRD.format(sizes="16 16 4", more="# nothing\n" * 7000 + "data file: ../secret.raw"),
    "nrrd",
    b"",
)
_itk("a NRRD of nothing", "NRRD0009\n", "nrrd", b"")


def _meta_image(name: str, place: str, size: str = "16 16 4", data: bytes = b"") -> None:
    head = f"ObjectType = Image\nNDims = 3\nDimSize = {size}\nElementType = MET_UCHAR\n"
    _itk(name, f"{head}ElementDataFile = {place}\n", "mhd", data)


_meta_image("a MetaImage that points out of its folder", "../../../etc/passwd")
_meta_image("a MetaImage without its data", "gone.raw")
_meta_image("a MetaImage cut off", "LOCAL", data=b"\0" * 1000)
_meta_image("a MetaImage of huge size", "LOCAL", "99999 99999 99999", b"\0" * 1024)
_meta_image("a MetaImage of a list of files", "LIST\n/etc/passwd")

_SERIES = "ct/*.dcm"
_BOX = [4.0, 4.0, 2.0, 12.0, 4.0, 2.0, 12.0, 12.0, 2.0, 4.0, 12.0, 2.0]
_ROI = "kind = 'rtstruct'\nnames = { 'GTV*' = 'lesion' }"


def _series(name: str, spoil: Maker, *, masks: str = "", meaning: str = _ROI) -> None:
    def make(folder: Path) -> None:
        save_series(folder / "ct")
        save_rtstruct(folder / "rs.rt", {"GTV-1": [_BOX]})
        spoil(folder)

    _case(name, make, write_spec(_SERIES, masks or "rs.rt", meaning))


def _save_slice(folder: Path, name: str, z_mm: float, series: str, **tags: object) -> None:
    dataset = make_dicom(draw_noise().astype(np.uint16), z_mm, series, **tags)
    dataset.save_as(folder / "ct" / name, enforce_file_format=True)


_series("a slice that is no DICOM", lambda f: (f / "ct/00.dcm").write_bytes(b"x" * 900))
_series("a slice cut off", lambda f: os.truncate(f / "ct/01.dcm", 1500))
_series("two series in one folder", lambda f: _save_slice(f, "09.dcm", 40.0, "1.2.3.4"))
_series("a series with a gap", lambda f: (f / "ct/01.dcm").unlink())
_series("a slice of huge size", lambda f: _save_slice(f, "00.dcm", 0.0, "1.2", Rows=60000))
_series(
    "a slice without a place", lambda f: _save_slice(f, "00.dcm", 0.0, "1.2", PixelSpacing=None)
)
_FAR = [99.0 if position % 3 == 2 else value for position, value in enumerate(_BOX)]
_series("a contour on no slice", lambda f: save_rtstruct(f / "rs.rt", {"GTV": [_FAR]}))
_series("a region that means nothing", lambda f: save_rtstruct(f / "rs.rt", {"Heart": [_BOX]}))
_series("contours that are no DICOM", lambda f: (f / "rs.rt").write_bytes(b"{}"))
_series("a SEG that is none", lambda f: (f / "seg").write_bytes(b"DICM"), masks="seg",
        meaning="kind = 'dicom-seg'\nlabels = { 1 = 'lesion' }")  # fmt: skip


@_add("a SEG of another place",
      write_spec(_SERIES, "seg", "kind = 'dicom-seg'\nlabels = { 1 = 'lesion' }"))  # fmt: skip
def _(folder: Path) -> None:
    save_series(folder / "other", z_mm=3.0)
    save_series(folder / "ct")
    save_seg(folder / "seg", folder / "other", draw_square((4, 32, 32)).astype(bool))


def _coco(name: str, text: str) -> None:
    def make(folder: Path) -> None:
        save_picture(folder / "image.png", draw_noise())
        (folder / "coco.json").write_text(text)

    meaning = "kind = 'coco'\nnames = { '*' = 'lesion' }"
    _case(name, make, write_spec("image.png", "coco.json", meaning))


def _coco_text(segmentation: object, width: int = 32, category: int = 1) -> str:
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": "image.png", "height": 32, "width": width}],
            "annotations": [{"image_id": 1, "category_id": category, "segmentation": segmentation}],
            "categories": [{"id": 1, "name": "lesion"}],
        }
    )


_coco("annotations that are no JSON", "{")
_coco("annotations nested without end", "[" * 100_000)
_coco("annotations without pictures", "{}")
_coco("a polygon far away", _coco_text([[0, 0, 1e9, 0, 1e9, 1e9]]))
_coco("a polygon of two points", _coco_text([[0, 0, 9, 9]]))
_coco("run lengths that overflow", _coco_text({"size": [32, 32], "counts": [5, 2**40]}))
_coco("run lengths that are garbage", _coco_text({"size": [32, 32], "counts": "zzzzzz~~"}))
_coco("annotations of another size", _coco_text([[0, 0, 9, 0, 9, 9]], width=99))
_coco("a category that is none", _coco_text([[0, 0, 9, 0, 9, 9]], category=4))


def _runs(name: str, text: str) -> None:
    def make(folder: Path) -> None:
        save_picture(folder / "image.png", draw_noise())
        (folder / "runs.csv").write_text(text)

    meaning = "kind = 'runs'\nruns = 'absolute'\nname = 'image'\nobject = 'lesion'"
    _case(name, make, write_spec("image.png", "runs.csv", meaning))


_runs("runs that leave the picture", "image,1000 99999")
_runs("runs that overflow", f"image,1 {2**70}")
_runs("runs without an end", "image,1 2 3")
_runs("runs that are words", "image,one two")
_runs("a table that is none", "image")


def _name(name: str, make: Maker) -> None:
    def make_all(folder: Path) -> None:
        (folder / "images").mkdir()
        (folder / "masks").mkdir()
        make(folder)

    _case(name, make_all, write_spec("images/{case}.png", "masks/{case}.png"))


def _pair(folder: Path, name: bytes) -> None:
    for place in (b"images", b"masks"):
        with open(os.fsencode(folder) + b"/" + place + b"/" + name, "wb") as file:
            file.write(png_bytes(draw_square() * np.uint8(255)))


_name("a name that is no text", lambda f: _pair(f, b"\xff\xfe.png"))
_name("a name with a line break", lambda f: _pair(f, b"a\nb.png"))
_name("a name that moves the cursor", lambda f: _pair(f, b"a\x1b[2Jb.png"))
_name("a link out of the folder", lambda f: (f / "images/a.png").symlink_to("/etc/hostname"))
_name("a link to nowhere", lambda f: (f / "images/a.png").symlink_to("gone.png"))
_name("a circle of links", lambda f: (f / "images/a.png").symlink_to("a.png"))
_name("a linked folder", lambda f: (f / "images/more").symlink_to(f.parent))
_name("a pipe", lambda f: os.mkfifo(f / "images/a.png"))

_case("a folder of nothing", lambda f: None, write_spec("image.png"))


@_add("images that cannot be told apart", write_spec("*.png", "*.tif"))
def _(folder: Path) -> None:
    for name in ("a.png", "b.png"):
        save_picture(folder / name, draw_noise())


_case("an import file that leads out", lambda f: None, write_spec("../image.png"))
_case("an import file with a root path", lambda f: None, write_spec("/etc/{case}.png"))
_case("an import file that is no TOML", lambda f: None, "schema_version = = 1")
_case(
    "an import file of another time", lambda f: None, "schema_version = 99\nname = 'x'\nimages = []"
)
_case("an import file with a broken expression", lambda f: None, write_spec("{case:(}.png"))


@_add("a table that leads out",
      write_spec("{image}", "{mask}", more="table = 'pairs.csv'"))  # fmt: skip
def _(folder: Path) -> None:
    (folder / "pairs.csv").write_text("image,mask\n../../etc/hostname,/etc/hostname\n")
