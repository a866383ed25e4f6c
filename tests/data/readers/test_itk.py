"""NRRD and MetaImage files of every layout: read as pynrrd and SimpleITK say, or refused."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.itk import read_itk
from cosmos_board.data.source import SourceImage
from tests.data.hostile import write_spec
from tests.data.imports.test_reading import read_all
from tests.data.raw_files import draw_noise, draw_square, save_nifti

STORED = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
"""Axes (Z, Y, X)."""

SHAPE = (16, 14, 4)
LPS = {"space": "left-posterior-superior", "space origin": [1.0, 2.0, 3.0]}


def save_nrrd(path: Path, header: dict[str, Any], stored: NDArray[Any] = STORED) -> None:
    """Write a volume (z, y, x)."""
    nrrd.write(str(path), stored.transpose(2, 1, 0), header)


def save_meta(path: Path, fields: str, data: bytes = STORED.tobytes(), size: str = "5 4 3") -> None:
    """Write a MetaImage file of 16 bit by hand, for fields that libraries do not write."""
    head = f"ObjectType = Image\nNDims = {len(size.split())}\nDimSize = {size}\n{fields}\n"
    if "ElementType" not in fields:
        head += "ElementType = MET_SHORT\n"
    if "ElementDataFile" not in fields:
        head += "ElementDataFile = LOCAL\n"
    lines = sorted(head.splitlines(), key=lambda line: line.startswith("ElementDataFile"))
    path.write_bytes("\n".join([*lines, ""]).encode() + data)


def refuse(path: Path, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_itk(path)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "ascii"])
@pytest.mark.parametrize("ending", ["nrrd", "nhdr"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_every_encoding_of_nrrd_gives_the_same_voxels(
    tmp_path: Path, encoding: str, ending: str, order: str
) -> None:
    path = tmp_path / f"a.{ending}"
    save_nrrd(path, {"encoding": encoding, "endian": order, **LPS, "space directions": np.eye(3)})

    assert np.array_equal(read_itk(path).volume.voxels, STORED)


def test_an_encoding_that_is_not_read_is_refused(tmp_path: Path) -> None:
    save_nrrd(tmp_path / "a.nrrd", {"encoding": "bzip2"})

    refuse(tmp_path / "a.nrrd", "bzip2 encoding not available")


@pytest.mark.parametrize("skip", ["line skip: 1\nbyte skip: 4", "byte skip: -1"])
def test_what_comes_before_the_voxels_of_a_detached_file_is_skipped(
    tmp_path: Path, skip: str
) -> None:
    (tmp_path / "a.nhdr").write_text(
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 4 3\nencoding: raw\nendian: little\n"
        f"{skip}\ndata file: a.raw\n"
    )
    (tmp_path / "a.raw").write_bytes(b"line\nabcd" + STORED.tobytes())

    assert np.array_equal(read_itk(tmp_path / "a.nhdr").volume.voxels, STORED)


@pytest.mark.parametrize(
    ("space", "flips"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
    ],
)
def test_every_named_space_becomes_left_posterior_superior(
    tmp_path: Path, space: str, flips: tuple[int, ...]
) -> None:
    directions = np.array([[0.5, 0, 0], [0, 0.0, 2.0], [0, 0.75, 0]])
    save_nrrd(
        tmp_path / "a.nrrd",
        {"space": space, "space directions": directions, "space origin": [1.0, 2.0, 3.0]},
    )

    volume = read_itk(tmp_path / "a.nrrd").volume

    assert volume.placed
    np.testing.assert_allclose(volume.affine_lps[:3, :3], np.diag(flips) @ directions.T)
    np.testing.assert_allclose(volume.affine_lps[:3, 3], np.diag(flips) @ [1, 2, 3])


def test_axes_that_are_not_at_right_angles_keep_their_directions(tmp_path: Path) -> None:
    """As converters write the slices of a tilted gantry."""
    directions = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0.9, 2.8]])
    save_nrrd(tmp_path / "a.nrrd", {**LPS, "space directions": directions})

    np.testing.assert_allclose(
        read_itk(tmp_path / "a.nrrd").volume.affine_lps[:3, :3], directions.T
    )


@pytest.mark.parametrize("spacings", [None, [1.0, 2.0, 3.0]])
def test_a_nrrd_file_without_directions_has_no_place(
    tmp_path: Path, spacings: list[float] | None
) -> None:
    save_nrrd(tmp_path / "a.nrrd", {"spacings": spacings} if spacings else {})

    volume = read_itk(tmp_path / "a.nrrd").volume

    assert not volume.placed
    assert volume.spacing_mm == tuple(spacings[::-1] if spacings else [1.0] * 3)


def test_a_mask_without_a_place_is_refused_on_an_image_with_one(tmp_path: Path) -> None:
    save_nifti(tmp_path / "image.nii.gz", draw_noise(SHAPE))
    nrrd.write(str(tmp_path / "mask.nrrd"), draw_square(SHAPE, 1, 11))

    with pytest.raises(InputError, match=r"not say where it lies.*only the image does"):
        read_pair(tmp_path)
    images = read_pair(tmp_path, more="geometry = 'ignore'")
    assert sum(image.masks["lesion"][0].sum() for image in images) == 10 * 10 * 3


def read_pair(
    folder: Path, meaning: str = "labels = { 1 = 'lesion' }", more: str = ""
) -> list[SourceImage]:
    return read_all(folder, write_spec("image.nii.gz", "mask.nrrd", meaning, more))


@pytest.mark.parametrize("kind", ["RGB-color", "vector", "list"])
def test_several_channels_are_refused(tmp_path: Path, kind: str) -> None:
    stored = np.zeros((3, 5, 6, 7), np.uint8)
    nrrd.write(str(tmp_path / "a.nrrd"), stored, {"kinds": [kind, *["domain"] * 3]})
    colours = sitk.GetImageFromArray(np.zeros((5, 6, 3), np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / "a.mha"))

    refuse(tmp_path / "a.nrrd", "holds several channels .got 3, want one, or a picture")
    refuse(tmp_path / "a.mha", "holds several channels .got 3")


def test_four_dimensions_and_complex_numbers_are_refused(tmp_path: Path) -> None:
    nrrd.write(str(tmp_path / "a.nrrd"), np.zeros((5, 6, 7, 2), np.uint8))
    sitk.WriteImage(sitk.Image([5, 6, 7, 2], sitk.sitkUInt8), str(tmp_path / "a.mha"))
    pairs = {"kinds": ["complex", *["domain"] * 3]}
    nrrd.write(str(tmp_path / "c.nrrd"), np.zeros((2, 5, 6, 7), np.float32), pairs)

    refuse(tmp_path / "a.nrrd", "size: is not two- or three-dimensional")
    refuse(tmp_path / "a.mha", "size: is not two- or three-dimensional")
    refuse(tmp_path / "c.nrrd", "voxels: are no real numbers .got complex64")


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        pytest.param("BinaryDataByteOrderMSB = False", STORED.tobytes(), id="little-endian"),
        pytest.param(
            "BinaryDataByteOrderMSB = True", STORED.astype(">i2").tobytes(), id="big-endian"
        ),
        pytest.param(
            f"CompressedData = True\nCompressedDataSize = {len(zlib.compress(STORED.tobytes()))}",
            zlib.compress(STORED.tobytes()),
            id="compressed",
        ),
        pytest.param(
            "BinaryData = False", (" ".join(map(str, STORED.ravel())) + "\n").encode(), id="text"
        ),
    ],
)
def test_every_encoding_of_metaimage_gives_the_same_voxels_and_is_refused_if_cut(
    tmp_path: Path, fields: str, data: bytes
) -> None:
    fields = fields if "BinaryData =" in fields else f"BinaryData = True\n{fields}"
    save_meta(tmp_path / "a.mha", fields, data)
    save_meta(tmp_path / "cut.mha", fields, data[: len(data) * 2 // 3])

    assert np.array_equal(read_itk(tmp_path / "a.mha").volume.voxels, STORED)
    refuse(tmp_path / "cut.mha", "cut off")


@pytest.mark.parametrize("size", [16, -1])
def test_a_header_before_the_voxels_of_a_metaimage_is_skipped(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.raw").write_bytes(b"x" * 16 + STORED.tobytes())
    save_meta(tmp_path / "a.mhd", f"HeaderSize = {size}\nElementDataFile = a.raw", b"")

    assert np.array_equal(read_itk(tmp_path / "a.mhd").volume.voxels, STORED)


def test_the_axes_of_a_metaimage_are_the_rows_of_its_matrix(tmp_path: Path) -> None:
    matrix = "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 7 8 9\nElementSpacing = 2 3 4"
    save_meta(tmp_path / "a.mha", matrix)
    save_meta(tmp_path / "b.mha", "ElementSpacing = 2 3 4")

    volume = read_itk(tmp_path / "a.mha").volume

    assert volume.placed
    np.testing.assert_array_equal(
        volume.affine_lps, [[0, -3, 0, 7], [2, 0, 0, 8], [0, 0, 4, 9], [0, 0, 0, 1]]
    )
    assert not read_itk(tmp_path / "b.mha").placed


@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_flat_files_with_very_small_pixels_are_volumes_of_one_slice(
    tmp_path: Path, ending: str
) -> None:
    image = sitk.GetImageFromArray(STORED[0])
    image.SetSpacing((1e-7, 1e-7))
    sitk.WriteImage(image, str(tmp_path / f"a.{ending}"))

    assert np.array_equal(read_itk(tmp_path / f"a.{ending}").volume.voxels, STORED[:1])


@pytest.mark.parametrize("spacing", [1e-6, 1e-3, 1e3])
@pytest.mark.parametrize("ending", ["nrrd", "mha"])
def test_very_small_and_very_large_voxels_are_placed(
    tmp_path: Path, spacing: float, ending: str
) -> None:
    image = sitk.GetImageFromArray(STORED)
    image.SetSpacing([spacing] * 3)
    sitk.WriteImage(image, str(tmp_path / f"a.{ending}"))

    assert read_itk(tmp_path / f"a.{ending}").volume.spacing_mm == pytest.approx([spacing] * 3)


def test_codes_of_64_bit_keep_their_value(tmp_path: Path) -> None:
    codes = STORED.astype(np.uint64) << np.uint64(40)
    save_nrrd(tmp_path / "a.nrrd", {}, codes)

    assert np.array_equal(read_itk(tmp_path / "a.nrrd").volume.voxels, codes)


def test_a_compressed_detached_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    save_nrrd(tmp_path / "a.nhdr", {"encoding": "gzip"}, np.arange(6000).reshape(10, 20, 30))
    data = next(path for path in tmp_path.iterdir() if path.suffix != ".nhdr")
    assert gzip.decompress(data.read_bytes())
    data.write_bytes(data.read_bytes()[:-400])

    refuse(tmp_path / "a.nhdr", "cut off")
