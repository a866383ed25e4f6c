"""Small DICOM files whose content is known: series, multi-frame images and SEG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import EnhancedCTImageStorage, SegmentationStorage, generate_uid

from tests.data.raw_files import make_dicom

ROWS, COLUMNS = 6, 8
AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
FRAME_OF_REFERENCE = "1.2.4"


def number_slice(value: int) -> NDArray[np.uint16]:
    """Return a slice that no other is equal to; its first pixel is 1000 + `value`."""
    grid = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS)
    return (grid + 1000 + value).astype(np.uint16)


def save_slices(
    folder: Path, corners: Sequence[Sequence[float] | NDArray[np.float64]], **tags: object
) -> list[Path]:
    """Write one file a corner, named in the order of `corners`; slice i has `number_slice(i)`.

    A tag whose value is a list of as many values as there are files, in a tuple, varies by file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, corner in enumerate(corners):
        own = {name: value[i] if isinstance(value, tuple) else value
               for name, value in tags.items()}  # fmt: skip
        dataset = make_dicom(
            number_slice(i), float(i), "1.2.3",
            **{"ImagePositionPatient": list(corner), "FrameOfReferenceUID": FRAME_OF_REFERENCE,
               **own},
        )  # fmt: skip
        paths.append(save(dataset, folder / f"{i:02d}.dcm"))
    return paths


def save(dataset: Dataset, path: Path) -> Path:
    """Write a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def item(**values: object) -> Dataset:
    """Return a dataset with these values."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def place(corner: Sequence[float] | NDArray[np.float64], **groups: object) -> Dataset:
    """Return the functional groups of one frame at a corner."""
    return item(PlanePositionSequence=[item(ImagePositionPatient=list(corner))], **groups)


def shared_geometry(
    orientation: Sequence[float] = AXIAL, spacing: Sequence[float] = (0.5, 0.5)
) -> Dataset:
    """Return the functional groups that all frames share."""
    return item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(orientation))],
        PixelMeasuresSequence=[item(PixelSpacing=list(spacing))],
    )


def make_enhanced(
    frames: NDArray[Any], groups: Sequence[Dataset], shared: Dataset | None = None, **tags: object
) -> FileDataset:
    """Return a multi-frame image; `frames` has axes (frame, Y, X), one of `groups` a frame."""
    dataset = make_dicom(frames[0].astype(np.uint16), 0.0, "1.2.3")
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
                 "RescaleSlope", "RescaleIntercept"):  # fmt: skip
        delattr(dataset, name)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = frames.astype(np.uint16).tobytes()
    dataset.SharedFunctionalGroupsSequence = [shared_geometry() if shared is None else shared]
    dataset.PerFrameFunctionalGroupsSequence = list(groups)
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def make_seg(
    frames: NDArray[Any],
    groups: Sequence[Dataset],
    labels: dict[int, str],
    kind: str = "LABELMAP",
    shared: Dataset | None = None,
    **tags: object,
) -> FileDataset:
    """Return a SEG with 8 bits a pixel (one bit where it is BINARY), written tag by tag."""
    dataset = make_enhanced(frames, groups, shared)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    dataset.SegmentationType = kind
    dataset.SegmentSequence = [
        item(SegmentNumber=number, SegmentLabel=label) for number, label in labels.items()
    ]
    bits = 1 if kind == "BINARY" else 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    stored = np.packbits(frames.ravel(), bitorder="little") if bits == 1 else frames
    data = stored.astype(np.uint8).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def identify_segment(number: int) -> list[Dataset]:
    """Return the functional group that names the segment of a frame."""
    return [item(ReferencedSegmentNumber=number)]


def read_headers(paths: Sequence[Path]) -> list[FileDataset]:
    """Return the files as highdicom wants source images: with every attribute of a patient."""
    datasets = [pydicom.dcmread(path) for path in paths]
    for dataset in datasets:
        for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID",
                     "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName",
                     "SeriesNumber", "InstanceNumber"):  # fmt: skip
            if name not in dataset:
                setattr(dataset, name, None)
        dataset.StudyInstanceUID, dataset.SliceThickness = "1.2.3", 1.0
    return datasets


def save_highdicom_seg(
    path: Path, slices: Sequence[Path], masks: NDArray[Any], kind: str, labels: Sequence[str],
    **options: object,
) -> Path:  # fmt: skip
    """Write a SEG by highdicom; `masks` as it wants them."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    descriptions = [
        hd.seg.SegmentDescription(
            number, label, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, label in enumerate(labels, 1)
    ]  # fmt: skip
    segmentation = hd.seg.Segmentation(
        read_headers(slices), masks, kind, descriptions, generate_uid(), 1, generate_uid(), 1,
        "us", "drawing", "1", "1", **options,
    )  # fmt: skip
    segmentation.save_as(path)
    return path
