"""Small raw files of every format, made anew for a test."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

SIDE = 32


def draw_square(shape: tuple[int, ...] = (SIDE, SIDE), low: int = 8, high: int = 20) -> Any:  # noqa: ANN401
    """Return a square (or a cube) of ones in zeros, uint8."""
    drawn = np.zeros(shape, np.uint8)
    drawn[tuple(slice(min(low, size - 1), max(high, 1)) for size in shape)] = 1
    return drawn


def draw_noise(shape: tuple[int, ...] = (SIDE, SIDE), seed: int = 0) -> NDArray[np.uint8]:
    """Return noise that differs from pixel to pixel."""
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def save_picture(path: Path, array: NDArray[Any], **options: Any) -> None:  # noqa: ANN401
    """Write a picture in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def png_bytes(array: NDArray[Any], **options: Any) -> bytes:  # noqa: ANN401
    """Return a PNG file."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", **options)
    return file.getvalue()


def png_with_size(width: int, height: int) -> bytes:
    """Return a PNG file whose header claims this size and whose data is nearly nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")


def save_nifti(
    path: Path, array: NDArray[Any], affine: NDArray[np.float64] | None = None, descrip: str = ""
) -> None:
    """Write a NIfTI file; `array` has the file's axes (x, y, z)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array, np.eye(4) if affine is None else affine)
    image.header["descrip"] = descrip.encode()
    nib.save(image, path)


def make_dicom(pixels: NDArray[Any], z_mm: float, series: str, **tags: object) -> FileDataset:
    """Return one CT slice; `tags` are set by their keyword."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(z_mm)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = series
    dataset.Modality = "CT"
    dataset.ImagePositionPatient = [0.0, 0.0, z_mm]
    dataset.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1000
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype(np.uint16).tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def save_series(folder: Path, slices: int = 4, *, z_mm: float = 2.0, **tags: object) -> str:
    """Write a CT series and return its series UID."""
    folder.mkdir(parents=True, exist_ok=True)
    series = generate_uid(entropy_srcs=[str(folder), str(z_mm)])
    for z in range(slices):
        dataset = make_dicom(draw_noise(seed=z) + np.uint16(900), z * z_mm, series, **tags)
        dataset.save_as(folder / f"{z:02d}.dcm", enforce_file_format=True)
    return str(series)


def save_rtstruct(path: Path, contours: dict[str, list[list[float]]], **tags: object) -> None:
    """Write an RTSTRUCT; contours are flat lists x, y, z, x, y, z … in millimetres."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence = Sequence()
    dataset.ROIContourSequence = Sequence()
    for number, (name, drawn) in enumerate(contours.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName = number, name
        dataset.StructureSetROISequence.append(roi)
        region = Dataset()
        region.ReferencedROINumber = number
        region.ContourSequence = Sequence()
        for points in drawn:
            contour = Dataset()
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(points) // 3
            contour.ContourData = points
            region.ContourSequence.append(contour)
        dataset.ROIContourSequence.append(region)
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)


def save_seg(path: Path, series: Path, drawn: NDArray[np.bool_]) -> None:
    """Write a DICOM SEG of one segment on a series, by another library than we read it with."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    slices = [pydicom.dcmread(file) for file in sorted(series.glob("*.dcm"))]
    for dataset in slices:
        for name in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID",
                     "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName",
                     "SeriesNumber", "InstanceNumber"):  # fmt: skip
            if name not in dataset:
                setattr(dataset, name, None)
        dataset.StudyInstanceUID = "1.2.3"
        dataset.SliceThickness = 1.0
        dataset.FrameOfReferenceUID = "1.2.4"
    description = hd.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion,
        hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    segmentation = hd.seg.Segmentation(
        slices, drawn.astype(np.uint8), hd.seg.SegmentationTypeValues.BINARY, [description],
        generate_uid(), 1, generate_uid(), 1, "us", "drawing", "1", "1", omit_empty_frames=True,
    )  # fmt: skip
    segmentation.save_as(path)
