"""Opening DICOM files: what is no image, or must not be read, is refused with one line."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTStructureSetStorage,
    SegmentationStorage,
)

from cosmos_board.core.errors import InputError
from cosmos_board.data.limits import LARGEST_VOLUME_PX, check_size
from cosmos_board.data.readers.guard import reading

SEGMENTATIONS = (SegmentationStorage, UID("1.2.840.10008.5.1.4.1.1.66.7"))
"""DICOM SEG, and its later form for label maps."""


def open_image_header(path: Path) -> Dataset:
    """Return the header of a file that holds pixels, without the pixels.

    Raises:
        InputError: If it is damaged, no image, too large, or says that a patient is written in it.
    """
    with reading(path):
        header = open_dataset(path, stop_before_pixels=True)
        kind = get_sop_class(header)
        if kind in SEGMENTATIONS:
            raise InputError(
                path, "SOPClassUID", "is a DICOM SEG", want="kind = 'dicom-seg' in images.masks"
            )
        if "Rows" not in header or "Columns" not in header:
            want = "kind = 'rtstruct' in images.masks" if kind == RTStructureSetStorage else None
            raise InputError(
                path, "SOPClassUID", "holds no image", got=kind.name or "nothing", want=want
            )
        refuse_burned_in(path, header)
        check_size(path, (count_pixel_frames(header), *get_size(header)), LARGEST_VOLUME_PX)
    return header


def open_dataset(path: Path, *, stop_before_pixels: bool = False) -> Dataset:
    """Return what a DICOM file holds, also without preamble; InputError if it is none."""
    with reading(path):
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=stop_before_pixels)
        except InvalidDicomError:
            dataset = pydicom.dcmread(path, stop_before_pixels=stop_before_pixels, force=True)
            if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
                raise InputError(
                    path, "", "is damaged or no DICOM file: it has no DICOM header"
                ) from None
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit, little = dataset.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
        return dataset


def get_sop_class(dataset: Dataset) -> UID:
    """Return what kind of object a file holds; empty where it does not say."""
    meta = getattr(dataset, "file_meta", Dataset())
    return UID(dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID") or "")


def get_size(dataset: Dataset) -> tuple[int, int]:
    """Return (rows, columns)."""
    return int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)


def count_pixel_frames(dataset: Dataset) -> int:
    """Return `NumberOfFrames`, 1 where it is missing."""
    return int(dataset.get("NumberOfFrames") or 1)


def refuse_burned_in(path: Path, header: Dataset) -> None:
    """Refuse (InputError) pixels in which, as the file itself says, a patient can be read."""
    if str(header.get("BurnedInAnnotation") or "").strip().upper() == "YES":
        raise InputError(path, "BurnedInAnnotation", "is YES: a patient may be read in the pixels")
