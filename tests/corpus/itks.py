"""NRRD and MetaImage, written by SimpleITK and pynrrd, read again by the other one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from tests.corpus.case import AS_STORED, Case, Made, Reading, Slice, write_spec
from tests.corpus.drawing import SHAPE, cut_slices, draw_letters, draw_noise, one_slice

VOXELS = draw_noise(SHAPE)
DRAWN = draw_letters()
SLICES = cut_slices(VOXELS, DRAWN)
LABELS = 'labels = { 1 = "lesion" }'
SPACING = (0.7, 0.8, 3.0)


def make_image(voxels: NDArray[Any], factor: float = 1.0) -> Any:  # noqa: ANN401
    """Return voxels with axes (Z, Y, X) to the head, the back and the left."""
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing([size * factor for size in SPACING])
    image.SetOrigin([-20.3 * factor, 11.7 * factor, 100.2 * factor])
    return image


def _spec(image: str, mask: str, meaning: str = LABELS) -> str:
    return write_spec(image, mask, meaning, AS_STORED)


def read_nrrd(path: Path) -> NDArray[Any]:
    """Return voxels with axes (Z, Y, X), by pynrrd."""
    return np.asarray(nrrd.read(str(path))[0]).T


def read_itk(path: Path) -> NDArray[Any]:
    """Return voxels turned to the head, the back and the left, by SimpleITK."""
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    found: NDArray[Any] = sitk.GetArrayFromImage(image)
    return found


def _turned(ending: str, code: str, mask_code: str, folder: Path) -> Made:
    sitk.WriteImage(sitk.DICOMOrient(make_image(VOXELS), code), str(folder / f"a.{ending}"))
    mask = sitk.DICOMOrient(make_image(DRAWN.astype(np.uint8)), mask_code)
    sitk.WriteImage(mask, str(folder / f"m.{ending}"))
    reading = Reading("SimpleITK", partial(read_itk, folder / f"a.{ending}"), VOXELS)
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _packed(ending: str, folder: Path) -> Made:
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        sitk.WriteImage(make_image(voxels), str(folder / f"{name}.{ending}"), True)
    reading = Reading("SimpleITK", partial(read_itk, folder / f"a.{ending}"), VOXELS)
    if ending == "nrrd":
        reading = Reading("pynrrd", partial(read_nrrd, folder / "a.nrrd"), VOXELS)
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _header(space: str) -> dict[str, Any]:
    signs = {"left-posterior-superior": (1, 1), "right-anterior-superior": (-1, -1),
             "left-anterior-superior": (1, -1)}[space]  # fmt: skip
    turn = np.diag([signs[0], signs[1], 1])
    return {
        "space": space,
        "space directions": np.diag(SPACING) @ turn,
        "space origin": turn @ np.array([-20.3, 11.7, 100.2]),
    }


def _by_pynrrd(encoding: str, space: str, detached: bool, folder: Path) -> Made:
    """Directions are given in the space that the header names."""
    names = []
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        names.append(f"{name}.{'nhdr' if detached else 'nrrd'}")
        header = {**_header(space), "encoding": encoding}
        nrrd.write(
            str(folder / names[-1]), voxels.T, header, detached_header=detached,
            relative_data_path=True,
        )  # fmt: skip
    reading = Reading("SimpleITK", partial(read_itk, folder / names[0]), VOXELS)
    return Made(spec=_spec(*names), slices=SLICES, readings=(reading,))


def _unplaced(folder: Path) -> Made:
    """Only distances: neither file says where it lies, so arrays are taken as they are."""
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        nrrd.write(str(folder / f"{name}.nrrd"), voxels.T, {"spacings": list(SPACING)})
    reading = Reading("SimpleITK", partial(read_itk, folder / "a.nrrd"), VOXELS)
    return Made(spec=_spec("a.nrrd", "m.nrrd"), slices=SLICES, readings=(reading,))


def _placed_against_unplaced(folder: Path) -> Made:
    """An image with a place and a mask without: turned wrongly it would be mirrored."""
    image = sitk.DICOMOrient(make_image(VOXELS), "RAS")
    sitk.WriteImage(image, str(folder / "a.nrrd"))
    stored = np.ascontiguousarray(DRAWN[:, ::-1, ::-1]).astype(np.uint8)
    nrrd.write(str(folder / "m.nrrd"), stored.T, {"spacings": list(SPACING)})
    reading = Reading("SimpleITK", partial(read_itk, folder / "a.nrrd"), VOXELS)
    return Made(
        spec=_spec("a.nrrd", "m.nrrd"), slices=SLICES, refusal="geometry|place|lies",
        readings=(reading,),
    )  # fmt: skip


def _oblique(ending: str, folder: Path) -> Made:
    """A transform that turns by 17 degrees; the mask is stored along other axes."""
    cos, sin = np.cos(np.deg2rad(17.0)), np.sin(np.deg2rad(17.0))
    for name, voxels, code in (("a", VOXELS, ""), ("m", DRAWN.astype(np.uint8), "RAS")):
        image = make_image(voxels)
        image.SetDirection([1, 0, 0, 0, cos, -sin, 0, sin, cos])
        sitk.WriteImage(sitk.DICOMOrient(image, code) if code else image,
                        str(folder / f"{name}.{ending}"))  # fmt: skip
    reading = Reading("SimpleITK", partial(read_itk, folder / f"m.{ending}"),
                      DRAWN.astype(np.uint8))  # fmt: skip
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _elsewhere(ending: str, folder: Path) -> Made:
    sitk.WriteImage(make_image(VOXELS), str(folder / f"a.{ending}"))
    mask = make_image(DRAWN.astype(np.uint8))
    mask.SetOrigin([-20.3, 11.7, 103.2])
    sitk.WriteImage(mask, str(folder / f"m.{ending}"))
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), refusal="geometry|elsewhere")


def _against_nifti(ending: str, folder: Path) -> Made:
    """Image and mask in two formats that count directions otherwise."""
    sitk.WriteImage(make_image(VOXELS), str(folder / "a.nii.gz"))
    sitk.WriteImage(make_image(DRAWN.astype(np.uint8)), str(folder / f"m.{ending}"))
    reading = Reading("SimpleITK", partial(read_itk, folder / f"m.{ending}"),
                      DRAWN.astype(np.uint8))  # fmt: skip
    return Made(spec=_spec("a.nii.gz", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _numbers(ending: str, dtype: str, folder: Path) -> Made:
    sitk.WriteImage(make_image(VOXELS.astype(dtype)), str(folder / f"a.{ending}"))
    sitk.WriteImage(make_image(DRAWN.astype(np.uint8)), str(folder / f"m.{ending}"))
    reading = Reading("SimpleITK", partial(read_itk, folder / f"a.{ending}"), VOXELS.astype(dtype))
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _big_endian(folder: Path) -> Made:
    header = {**_header("left-posterior-superior"), "endian": "big", "encoding": "raw"}
    nrrd.write(str(folder / "a.nrrd"), VOXELS.astype(">u2").T, header)
    nrrd.write(str(folder / "m.nrrd"), DRAWN.astype(np.uint8).T, _header("left-posterior-superior"))
    reading = Reading("SimpleITK", partial(read_itk, folder / "a.nrrd"), VOXELS.astype(np.uint16))
    return Made(spec=_spec("a.nrrd", "m.nrrd"), slices=SLICES, readings=(reading,))


def _flat(ending: str, folder: Path) -> Made:
    for name, pixels in (("a", VOXELS[1]), ("m", DRAWN[1].astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(folder / f"{name}.{ending}"))
    found = folder / f"a.{ending}"
    reading = Reading("SimpleITK", lambda: sitk.GetArrayFromImage(sitk.ReadImage(str(found))),
                      VOXELS[1])  # fmt: skip
    return Made(
        spec=_spec(f"a.{ending}", f"m.{ending}"), slices=one_slice(VOXELS[1], DRAWN[1]),
        readings=(reading,),
    )  # fmt: skip


def _colour(ending: str, folder: Path) -> Made:
    """Three channels a pixel: colours, or refused."""
    colour = draw_noise((*SHAPE[1:], 3), 2)
    sitk.WriteImage(sitk.GetImageFromArray(colour, isVector=True), str(folder / f"a.{ending}"))
    mask = sitk.GetImageFromArray(DRAWN[1].astype(np.uint8))
    sitk.WriteImage(mask, str(folder / f"m.{ending}"))
    found = folder / f"a.{ending}"
    reading = Reading("SimpleITK", lambda: sitk.GetArrayFromImage(sitk.ReadImage(str(found))),
                      colour)  # fmt: skip
    return Made(
        spec=_spec(f"a.{ending}", f"m.{ending}"), slices=one_slice(colour, DRAWN[1]),
        refusal="channel|colour", readings=(reading,),
    )  # fmt: skip


def _film(folder: Path) -> Made:
    film = sitk.JoinSeries([make_image(VOXELS), make_image(draw_noise(SHAPE, 4))])
    sitk.WriteImage(film, str(folder / "a.nrrd"))
    sitk.WriteImage(make_image(DRAWN.astype(np.uint8)), str(folder / "m.nrrd"))
    return Made(spec=_spec("a.nrrd", "m.nrrd"), refusal="dimension|size|frame")


def _segments(layers: int, by_name: bool, folder: Path) -> Made:
    """A segmentation of 3D Slicer: one layer of codes, or several that overlap."""
    sitk.WriteImage(make_image(VOXELS), str(folder / "a.nrrd"))
    liver = np.roll(DRAWN, (6, -3), axis=(1, 2)) & ~(DRAWN if layers == 1 else np.False_)
    header: dict[str, Any] = dict(_header("left-posterior-superior"))
    for position, (name, value, layer) in enumerate((("Tumour", 1, 0), ("Liver", 2, 1))):
        header[f"Segment{position}_ID"] = f"Segment_{position}"
        header[f"Segment{position}_Name"] = name
        code = value if layers == 1 else 1
        header[f"Segment{position}_LabelValue"] = str(code)
        header[f"Segment{position}_Layer"] = str(layer if layers == 2 else 0)
    stored = np.where(DRAWN, 1, np.where(liver, 2, 0)).astype(np.uint8).T
    if layers == 2:
        stored = np.stack([DRAWN.T, liver.T]).astype(np.uint8)
        header["kinds"] = ["list", "domain", "domain", "domain"]
        header["space directions"] = np.vstack([[np.nan] * 3, header["space directions"]])
    nrrd.write(str(folder / "m.seg.nrrd"), stored, header)
    meaning = 'labels = { 1 = "lesion", 2 = "liver" }'
    if by_name:
        meaning = 'kind = "nrrd-seg"\nnames = { Tumour = "lesion", Liver = "liver" }'
    slices = tuple(
        Slice(VOXELS[z], {"lesion": (DRAWN[z],), "liver": (liver[z],)})
        for z in range(SHAPE[0]) if DRAWN[z].any()
    )  # fmt: skip
    reading = Reading("pynrrd", lambda: nrrd.read(str(folder / "m.seg.nrrd"))[0], stored)
    spec = _spec("a.nrrd", "m.seg.nrrd", meaning)
    if layers == 2 and not by_name:
        return Made(spec=spec, refusal="layer|channel|dimension|segment", readings=(reading,))
    return Made(spec=spec, slices=slices, readings=(reading,))


def _cropped_segments(folder: Path) -> Made:
    """3D Slicer stores the part of a segmentation in which something is drawn."""
    sitk.WriteImage(make_image(VOXELS), str(folder / "a.nrrd"))
    header: dict[str, Any] = dict(_header("left-posterior-superior"))
    header["space origin"] = header["space origin"] + np.array([4 * 0.7, 3 * 0.8, 3.0])
    header |= {"Segment0_ID": "S", "Segment0_Name": "Tumour", "Segment0_LabelValue": "1"}
    header["Segment0_Layer"] = "0"
    part = np.s_[1:5, 3:, 4:]
    assert DRAWN[part].sum() == DRAWN.sum()
    nrrd.write(str(folder / "m.seg.nrrd"), DRAWN[part].astype(np.uint8).T, header)
    spec = _spec("a.nrrd", "m.seg.nrrd", 'kind = "nrrd-seg"\nnames = { Tumour = "lesion" }')
    reading = Reading("pynrrd", partial(read_nrrd, folder / "m.seg.nrrd"), DRAWN[part])
    return Made(spec=spec, slices=SLICES, readings=(reading,))


def _tiny(ending: str, folder: Path) -> Made:
    """Micrometres written in millimetres."""
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        sitk.WriteImage(make_image(voxels, 1e-5), str(folder / f"{name}.{ending}"))
    reading = Reading("SimpleITK", partial(read_itk, folder / f"a.{ending}"), VOXELS)
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), slices=SLICES, readings=(reading,))


def _cut_off(ending: str, folder: Path) -> Made:
    for name, voxels in (("a", VOXELS), ("m", DRAWN.astype(np.uint8))):
        sitk.WriteImage(make_image(voxels), str(folder / f"{name}.{ending}"))
    data = (folder / f"a.{ending}").read_bytes()
    (folder / f"a.{ending}").write_bytes(data[: len(data) // 2])
    return Made(spec=_spec(f"a.{ending}", f"m.{ending}"), refusal="damaged|cut off")


BOTH = ("nrrd", "mha")
LPS_SPACE = "left-posterior-superior"

CASES = (
    *(
        Case(f"{ending}-{code.lower()}", partial(_turned, ending, code, "LPS"))
        for ending in (*BOTH, "mhd")
        for code in ("LPS", "RAS", "PSR")
    ),
    *(Case(f"{ending}-mask-asl", partial(_turned, ending, "LPS", "ASL")) for ending in BOTH),
    *(Case(f"{ending}-compressed", partial(_packed, ending)) for ending in (*BOTH, "mhd")),
    *(
        Case(f"nrrd-{encoding}", partial(_by_pynrrd, encoding, LPS_SPACE, False))
        for encoding in ("raw", "gzip", "ascii")
    ),
    *(
        Case(f"nrrd-in-{space}", partial(_by_pynrrd, "raw", space, False))
        for space in ("right-anterior-superior", "left-anterior-superior")
    ),
    *(
        Case(f"nhdr-{encoding}", partial(_by_pynrrd, encoding, LPS_SPACE, True))
        for encoding in ("raw", "gzip")
    ),
    Case("nrrd-unplaced", _unplaced),
    Case("nrrd-mask-unplaced", _placed_against_unplaced),
    *(Case(f"{ending}-oblique", partial(_oblique, ending)) for ending in BOTH),
    *(Case(f"{ending}-elsewhere", partial(_elsewhere, ending)) for ending in BOTH),
    *(Case(f"{ending}-against-nifti", partial(_against_nifti, ending)) for ending in BOTH),
    *(
        Case(f"{ending}-{dtype}", partial(_numbers, ending, dtype))
        for ending in BOTH
        for dtype in ("int16", "float32")
    ),
    Case("nrrd-big-endian", _big_endian),
    *(Case(f"{ending}-flat", partial(_flat, ending)) for ending in BOTH),
    *(Case(f"{ending}-colour", partial(_colour, ending)) for ending in BOTH),
    Case("nrrd-4-d", _film),
    Case("seg-nrrd-codes", partial(_segments, 1, False)),
    Case("seg-nrrd-names", partial(_segments, 1, True)),
    Case("seg-nrrd-two-layers-codes", partial(_segments, 2, False)),
    Case("seg-nrrd-two-layers-names", partial(_segments, 2, True)),
    Case("seg-nrrd-cropped", _cropped_segments),
    *(Case(f"{ending}-tiny-spacing", partial(_tiny, ending)) for ending in BOTH),
    *(Case(f"{ending}-cut-off", partial(_cut_off, ending)) for ending in BOTH),
)
