"""Pixels of DICOM files: decoded, in colour as RGB, in grey after the modality transformation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from cosmos_board.core.errors import InputError, find_machine_failure
from cosmos_board.data.readers.dicom.files import count_pixel_frames, get_size
from cosmos_board.data.readers.dicom.frames import find_group
from cosmos_board.data.readers.guard import reading

_GREY = ("MONOCHROME1", "MONOCHROME2")
_PACKAGES = {
    **dict.fromkeys(JPEGTransferSyntaxes, "python-gdcm"),
    **dict.fromkeys(JPEG2000TransferSyntaxes, "python-gdcm"),
    **dict.fromkeys(JPEGLSTransferSyntaxes, "python-gdcm"),
    JPEGExtended12Bit: "pylibjpeg pylibjpeg-libjpeg",
    **dict.fromkeys((HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL), "pylibjpeg pylibjpeg-openjpeg"),
}
"""What to install for pixels that are compressed like this."""


@dataclass(frozen=True, slots=True, eq=False)
class DicomPixels:
    """The frames of one file."""

    array: NDArray[Any]
    """Axes (frame, Y, X), or with `colour` (frame, Y, X, 3)."""

    colour: bool = False
    palette: NDArray[np.uint8] | None = None
    """RGB of each index, shape (n, 3), where `array` holds indices."""

    lossy: bool = False
    """Whether they were compressed with losses."""

    padded: bool = False
    """Whether some pixels have the padding value, which means that nothing was measured there."""


def decode_stored(path: Path, dataset: Dataset) -> tuple[NDArray[Any], str]:
    """Return (stored values, colour space as decoded), always with a first axis of frames.

    Bits above `BitsStored` are cleared (old files keep overlays there); YBR comes as RGB.

    Raises:
        InputError: If there are no pixels, no decoder for them, or they are damaged.
    """
    with reading(path):
        syntax = UID(dataset.file_meta.TransferSyntaxUID)
        _check_decoder(path, syntax)
        if not any(name in dataset for name in ("PixelData", "FloatPixelData",
                                                "DoubleFloatPixelData")):  # fmt: skip
            raise InputError(path, "PixelData", "is missing")
        high = dataset.get("HighBit")
        if high is not None and int(high) != int(dataset.BitsStored) - 1:
            raise InputError(path, "HighBit", "is not read", got=high, want=dataset.BitsStored - 1)
        try:
            array, facts = get_decoder(syntax).as_array(dataset)
        except Exception as error:
            if isinstance(error, MemoryError) or find_machine_failure(error):
                raise
            want = f"pip install {_PACKAGES[syntax]}" if syntax == JPEGExtended12Bit else None
            raise InputError(path, "pixels", f"cannot be read: {error}", want=want) from error
    frames = count_pixel_frames(dataset)
    if frames == 1:
        array = array[np.newaxis]
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.shape[:3] != (frames, *get_size(dataset)):
        raise InputError(
            path, "pixels", "differ in size", got=array.shape, want=(frames, *get_size(dataset))
        )
    return array, str(facts["photometric_interpretation"])


def read_pixels(path: Path, dataset: Dataset) -> DicomPixels:
    """Return the pixels of every frame; grey ones after rescaling or the modality LUT.

    Raises:
        InputError: If they cannot be decoded, or their colour space is not read.
    """
    array, space = decode_stored(path, dataset)
    with reading(path):
        if space in _GREY and array.ndim == 3:
            padded = _find_padding(array, dataset)
            return DicomPixels(
                _transform(path, array, dataset), lossy=_is_lossy(dataset), padded=padded
            )
        if space == "PALETTE COLOR" and array.ndim == 3:
            indices, palette = _look_up(path, array, dataset)
            return DicomPixels(indices, palette=palette)
        if space == "RGB" and array.ndim == 4 and array.shape[3] == 3:
            return DicomPixels(array, colour=True, lossy=_is_lossy(dataset))
    raise InputError(
        path, "PhotometricInterpretation", "is not read", got=space,
        want="MONOCHROME1, MONOCHROME2, RGB, YBR or PALETTE COLOR",
    )  # fmt: skip


def is_inverted(header: Dataset) -> bool:
    """Return whether small values are to be shown bright."""
    shape = str(header.get("PresentationLUTShape") or "")
    return str(header.get("PhotometricInterpretation")) == "MONOCHROME1" or shape == "INVERSE"


def _is_lossy(dataset: Dataset) -> bool:
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax == JPEG2000:
        return str(dataset.get("LossyImageCompression") or "") == "01"
    return syntax in (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)


def _check_decoder(path: Path, syntax: UID) -> None:
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        package = _PACKAGES.get(syntax)
        raise InputError(
            path, "TransferSyntaxUID", "cannot be decoded here", got=syntax.name,
            want=f"pip install {package}" if package else "uncompressed pixels",
        )  # fmt: skip


def _transform(path: Path, array: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Return grey values in the unit of the modality: each frame's own rule, else the file's."""
    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(array, dataset))
    rules = []
    for frame in range(len(array)):
        group = find_group(dataset, frame, "PixelValueTransformationSequence")
        rules.append(_find_rescale(path, dataset if group is None else group))
    if set(rules) == {(1.0, 0.0)}:
        return array
    rescaled = np.empty(array.shape, np.float32)
    for frame, (slope, intercept) in enumerate(rules):
        if slope == 0 and array[frame].any():
            raise InputError(path, "RescaleSlope", "is 0")
        rescaled[frame] = array[frame] * slope + intercept
    return rescaled


def _find_rescale(path: Path, item: Dataset) -> tuple[float, float]:
    slope, intercept = item.get("RescaleSlope"), item.get("RescaleIntercept")
    rule = (1.0 if slope is None else float(slope), float(intercept or 0))
    if not np.isfinite(rule).all():
        raise InputError(path, "RescaleSlope", "is no number", got=rule)
    return rule


def _find_padding(array: NDArray[Any], dataset: Dataset) -> bool:
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int) or array.dtype.kind not in "iu":
        return False
    # Some files write a signed value as the unsigned number of the same bits.
    bits = 8 * array.dtype.itemsize
    same = (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))
    return bool((array == value).any() or (array == same).any())


def _look_up(
    path: Path, array: NDArray[Any], dataset: Dataset
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    entries, first, _ = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor)
    count = entries or 1 << 16
    wanted = np.arange(first, first + count)
    table = np.asarray(apply_color_lut(wanted.reshape(1, -1), dataset))[0, :, :3]
    if table.dtype == np.uint16 and table.max() > 255:
        table = table >> 8
    if len(table) != count:
        raise InputError(path, "PALETTE COLOR", "has a damaged table")
    return np.clip(array.astype(np.int64) - first, 0, count - 1), table.astype(np.uint8)
