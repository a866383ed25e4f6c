"""Pixel values: every encoding gives what its writer meant, or one line that says why not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    convert_color_space,
)
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    MPEG2MPML,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    RLELossless,
)

from cosmos_board.core.errors import InputError
from cosmos_board.data.readers.dicom.images import read_dicom
from cosmos_board.data.readers.raster import Raster
from tests.data.dicom_makers import item, number_slice, save
from tests.data.raw_files import draw_noise, make_dicom

GREY = number_slice(0)
RGB = draw_noise((32, 32, 3))


def _make_picture(pixels: NDArray[Any] = GREY, **tags: object) -> FileDataset:
    """Return a grey picture without a place, whose values are stored as they are."""
    dataset = make_dicom(pixels, 0.0, "1.2.3", **tags)
    del dataset.ImagePositionPatient, dataset.RescaleSlope, dataset.RescaleIntercept
    if pixels.dtype.itemsize == 1:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def _make_colour(pixels: NDArray[np.uint8], space: str, planar: int = 0) -> FileDataset:
    dataset = _make_picture(pixels[..., 0].copy(), SamplesPerPixel=3)
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = space, planar
    dataset.PixelData = (pixels.transpose(2, 0, 1) if planar else pixels).tobytes()
    return dataset


def _read(dataset: FileDataset, folder: Path) -> Raster:
    return read_dicom([save(dataset, folder / "a.dcm")])


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_plain_encoding_gives_the_same_pixels(tmp_path: Path, syntax: str) -> None:
    dataset = _make_picture()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = GREY.astype(">u2").tobytes()
        dataset["PixelData"].VR = "OW"
    pydicom.dcmwrite(
        tmp_path / "a.dcm", dataset, implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )  # fmt: skip

    assert np.array_equal(read_dicom([tmp_path / "a.dcm"]).array, GREY)


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000", "JPEGLS"])
def test_lossless_pixels_of_another_library_are_decoded(tmp_path: Path, compressor: str) -> None:
    """GDCM within SimpleITK writes JPEG lossless, JPEG 2000 and JPEG-LS."""
    noise = draw_noise((1, 32, 32)).astype(np.int16) * 9 - 1000
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "a.dcm"))
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.Execute(sitk.GetImageFromArray(noise))

    assert pydicom.dcmread(tmp_path / "a.dcm").file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(np.squeeze(read_dicom([tmp_path / "a.dcm"]).array), noise[0])


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000", "JPEGLS"])
def test_lossless_colour_of_another_library_is_decoded(tmp_path: Path, compressor: str) -> None:
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(tmp_path / "a.dcm"))
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    writer.Execute(sitk.GetImageFromArray(RGB, isVector=True))

    image = read_dicom([tmp_path / "a.dcm"])

    assert image.in_colour
    assert np.array_equal(image.array, RGB)


_SHIPPED = Path(pydicom.__file__).parent / "data"


def test_the_files_that_pydicom_ships_are_read_as_pydicom_reads_them() -> None:
    paths = [path for path in sorted(_SHIPPED.rglob("*.dcm")) if path.is_file()]
    read, refusals = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in paths:
            try:
                image = read_dicom([path])
            except InputError as error:
                refusals.append(str(error))
                continue
            dataset = pydicom.dcmread(path, force=True)
            expected = pixel_array(dataset)
            if image.palette is not None:
                assert np.array_equal(
                    image.palette[image.array], apply_color_lut(expected, dataset) >> 8
                )
            elif image.in_colour:
                assert np.array_equal(image.array, expected), path
            else:
                expected = apply_modality_lut(expected, dataset)
                assert np.allclose(np.squeeze(image.array), expected), path
            read += 1
    assert read > 50
    assert all(line.isprintable() for line in refusals)


@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_run_length_encoded_pixels_are_decoded(tmp_path: Path, kind: str) -> None:
    dataset = _make_picture() if kind == "grey" else _make_colour(RGB, "RGB")
    dataset.compress(RLELossless)

    image = _read(dataset, tmp_path)

    assert np.array_equal(image.array, GREY if kind == "grey" else RGB)


@pytest.mark.parametrize(
    ("syntax", "advice"),
    [
        (HTJ2KLossless, "pip install pylibjpeg pylibjpeg-openjpeg"),
        (JPEGExtended12Bit, "pip install pylibjpeg pylibjpeg-libjpeg"),
        (MPEG2MPML, "uncompressed pixels"),
        ("1.2.840.10008.1.2.4.94", "uncompressed pixels"),
    ],
)
def test_pixels_without_a_decoder_are_refused_in_one_line(
    tmp_path: Path, syntax: str, advice: str
) -> None:
    dataset = _make_picture()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + b"\0" * 40])
    dataset["PixelData"].is_undefined_length = True

    with pytest.raises(InputError) as caught:
        _read(dataset, tmp_path)

    assert str(caught.value).isprintable()
    assert advice in str(caught.value)


def test_an_overlay_above_the_stored_bits_is_cut_off(tmp_path: Path) -> None:
    spoilt = GREY | (draw_noise(GREY.shape) % 2).astype(np.uint16) << 15
    dataset = _make_picture(spoilt, BitsStored=12, HighBit=11)

    assert np.array_equal(_read(dataset, tmp_path).array, GREY)


def test_signed_values_of_twelve_bits_keep_their_sign(tmp_path: Path) -> None:
    values = GREY.astype(np.int16) - 1024
    dataset = _make_picture((values & 0xFFF).astype(np.uint16), BitsStored=12, HighBit=11,
                            PixelRepresentation=1)  # fmt: skip

    assert np.array_equal(_read(dataset, tmp_path).array, values)


def test_stored_bits_that_do_not_begin_at_the_lowest_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"HighBit: is not read \(got 15, want 11\)"):
        _read(_make_picture(BitsStored=12, HighBit=15), tmp_path)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("space", ["RGB", "YBR_FULL"])
def test_colour_is_read_as_rgb(tmp_path: Path, space: str, planar: int) -> None:
    stored = RGB if space == "RGB" else convert_color_space(RGB, "RGB", "YBR_FULL")

    image = _read(_make_colour(stored, space, planar), tmp_path)

    assert image.in_colour
    assert np.abs(image.array.astype(int) - RGB).max() <= (0 if space == "RGB" else 2)


def test_colour_with_shared_chroma_is_read_as_rgb(tmp_path: Path) -> None:
    """YBR_FULL_422 without compression: Y Y Cb Cr for each two pixels."""
    flat = np.repeat(RGB[:, ::2], 2, axis=1)
    ybr = convert_color_space(flat, "RGB", "YBR_FULL")
    packed = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], -1)
    dataset = _make_colour(ybr, "YBR_FULL_422")
    dataset.PixelData = packed.tobytes()

    assert np.abs(_read(dataset, tmp_path).array.astype(int) - flat).max() <= 2


def test_a_jpeg_in_ybr_is_read_as_rgb(tmp_path: Path) -> None:
    import io

    from PIL import Image
    from pydicom.uid import JPEGBaseline8Bit

    smooth = np.zeros((32, 32, 3), np.uint8)
    smooth[:, 16:] = (200, 40, 90)
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, "JPEG", quality=95)
    dataset = _make_colour(smooth, "YBR_FULL_422")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = pydicom.encaps.encapsulate([file.getvalue()])
    dataset["PixelData"].is_undefined_length = True

    array = _read(dataset, tmp_path).array.astype(int)

    assert np.abs(array[4:28, 4:12]).max() <= 4
    assert np.abs(array[4:28, 20:28] - [200, 40, 90]).max() <= 4


def test_a_colour_space_that_is_not_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"PhotometricInterpretation: is not read \(got HSV"):
        _read(_make_colour(RGB, "HSV"), tmp_path)


def test_grey_of_three_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not read"):
        _read(_make_colour(RGB, "MONOCHROME2"), tmp_path)


def test_a_palette_is_looked_up_from_its_first_value(tmp_path: Path) -> None:
    indices = np.array([[0, 10, 11], [12, 13, 255]], np.uint8)
    dataset = _make_picture(indices, PhotometricInterpretation="PALETTE COLOR")
    tables = {"Red": [0, 60, 120], "Green": [255, 5, 6], "Blue": [1, 2, 3]}
    for name, table in tables.items():
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [3, 10, 16])
        data = (np.array(table, np.uint16) << 8).tobytes()
        setattr(dataset, f"{name}PaletteColorLookupTableData", data)

    image = _read(dataset, tmp_path)

    assert image.palette is not None
    colours = np.stack([tables["Red"], tables["Green"], tables["Blue"]], 1)
    expected = colours[np.array([[0, 0, 1], [2, 2, 2]])]
    assert np.array_equal(image.palette[image.array], expected)


def test_a_modality_table_is_applied_and_a_window_is_not(tmp_path: Path) -> None:
    table = item(LUTDescriptor=[60, 1000, 16], ModalityLUTType="OD")
    table.add_new("LUTData", "US", list(range(5000, 5000 - 60 * 7, -7)))
    dataset = _make_picture(WindowCenter=100, WindowWidth=20)
    dataset.ModalityLUTSequence = [table]

    assert np.array_equal(_read(dataset, tmp_path).array, 5000 - 7 * (GREY.astype(int) - 1000))


def test_floating_point_pixels_are_read(tmp_path: Path) -> None:
    values = GREY.astype(np.float32) / 7
    dataset = _make_picture()
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.BitsAllocated = 32
    dataset.FloatPixelData = values.tobytes()

    assert np.array_equal(_read(dataset, tmp_path).array, values)


def test_pixels_of_one_bit_are_true_or_false(tmp_path: Path) -> None:
    drawn = draw_noise() > 99
    dataset = _make_picture(drawn.astype(np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = np.packbits(drawn.ravel(), bitorder="little").tobytes()

    array = _read(dataset, tmp_path).array

    assert array.dtype == np.bool_
    assert np.array_equal(array, drawn)


@pytest.mark.parametrize(
    ("tags", "inverted"),
    [
        ({"PhotometricInterpretation": "MONOCHROME2"}, False),
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "IDENTITY"}, False),
    ],
)
@pytest.mark.parametrize("placed", [True, False])
def test_whether_small_values_are_bright_is_seen_with_and_without_a_place(
    tmp_path: Path, tags: dict[str, str], placed: bool, inverted: bool
) -> None:
    dataset = make_dicom(GREY, 0.0, "1.2.3", **tags)
    if not placed:
        del dataset.ImagePositionPatient

    assert _read(dataset, tmp_path).inverted == inverted


@pytest.mark.parametrize("value", [1003, -2000])
def test_padding_is_kept_and_said(tmp_path: Path, value: int) -> None:
    """The second value is written as unsigned, as some scanners do for signed pixels."""
    values = GREY.astype(np.int16)
    values[0, :3] = value
    dataset = _make_picture(values, PixelRepresentation=1)
    dataset.add_new("PixelPaddingValue", "US", value % 65536)

    image = _read(dataset, tmp_path)

    assert np.array_equal(image.array, values)
    assert image.notes == ("pixel padding kept as it is",)


def test_pixels_that_are_missing_or_too_few_are_refused(tmp_path: Path) -> None:
    dataset = _make_picture()
    dataset.PixelData = dataset.PixelData[:20]
    with pytest.raises(InputError, match="pixels: cannot be read"):
        _read(dataset, tmp_path)
    del dataset.PixelData
    with pytest.raises(InputError, match="PixelData: is missing"):
        _read(dataset, tmp_path)


def test_a_slope_of_nought_is_refused(tmp_path: Path) -> None:
    dataset = make_dicom(GREY, 0.0, "1.2.3", RescaleSlope=0)

    with pytest.raises(InputError, match="RescaleSlope: is 0"):
        _read(dataset, tmp_path)
