"""A full disk, or a machine without open files, says nothing about the files that are read."""

from __future__ import annotations

import gzip
import resource
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cosmos_board.core.errors import StorageError
from cosmos_board.curation.curate import curate
from cosmos_board.data.imports.planning.plan import plan_import
from cosmos_board.data.imports.reading.files import read_raster
from cosmos_board.data.imports.spec.load import make_pack_info, parse_spec
from tests.data.hostile import write_spec
from tests.data.raw_files import (
    draw_noise,
    draw_square,
    make_dicom,
    png_bytes,
    save_nifti,
    save_picture,
)

LIMIT_BYTES = 1 << 16


@contextmanager
def limited(what: int, most: int) -> Iterator[None]:
    """Let the kernel refuse more than `most` of a resource."""
    before, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (before, hard))


def save_zip(folder: Path, image: bytes, mask: bytes) -> None:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("images/a.png", image)
        archive.writestr("masks/a.png", mask)


def save_tar(folder: Path, image: bytes, mask: bytes) -> None:
    for name, data in (("images", image), ("masks", mask)):
        (folder / f"u/{name}").mkdir(parents=True)
        (folder / f"u/{name}/a.png").write_bytes(data)
    shutil.make_archive(str(folder / "all"), "tar", folder / "u")
    shutil.rmtree(folder / "u")


def save_seven_zip(folder: Path, image: bytes, mask: bytes) -> None:
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(folder / "all.7z", "w") as archive:
        archive.writestr(image, "images/a.png")
        archive.writestr(mask, "masks/a.png")


def save_gzipped(folder: Path, image: bytes, mask: bytes) -> None:
    for name, data in (("images/a.png.gz", image), ("masks/a.png", mask)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize("save", [save_zip, save_tar, save_seven_zip, save_gzipped])
def test_a_full_folder_of_temporary_files_is_named_and_no_case_is_lost(
    save: Callable[[Path, bytes, bytes], None], tmp_path: Path
) -> None:
    """The kernel refuses files above 64 KiB; the only larger one is unpacked while it is read."""
    source = tmp_path / "in"
    source.mkdir()
    image = png_bytes(draw_noise((256, 300)))
    save(source, image, png_bytes(draw_square((256, 300)) * np.uint8(255)))
    ending = ".png.gz" if save is save_gzipped else ".png"
    text = write_spec(f"images/{{case}}{ending}", "masks/{case}.png")
    spec = parse_spec(f"archives = ['all.*']\n{text}", "spec.toml")
    plan = plan_import(spec, source)
    assert len(image) > LIMIT_BYTES

    with limited(resource.RLIMIT_FSIZE, LIMIT_BYTES), pytest.raises(StorageError, match="unpack"):
        curate(plan.units(), make_pack_info(spec), tmp_path / "pack", workers=1)

    assert not (tmp_path / "pack").exists()
    report = curate(plan.units(), make_pack_info(spec), tmp_path / "pack", workers=1)
    assert report.info.counts.images == 1


def save_array(path: Path) -> None:
    np.save(path, draw_noise())


def save_tiff(path: Path) -> None:
    pytest.importorskip("tifffile").imwrite(path, draw_noise())


def save_hdf5(path: Path) -> None:
    with pytest.importorskip("h5py").File(path, "w") as file:
        file["data"] = draw_noise()


def save_itk(path: Path) -> None:
    itk = pytest.importorskip("SimpleITK")
    itk.WriteImage(itk.GetImageFromArray(draw_noise((4, 32, 32))), str(path))


FILES: dict[str, Callable[[Path], object]] = {
    "a.png": lambda path: save_picture(path, draw_noise()),
    "a.png.gz": lambda path: path.write_bytes(gzip.compress(png_bytes(draw_noise()))),
    "a.tif": save_tiff,
    "a.npy": save_array,
    "a.h5": save_hdf5,
    "a.nii.gz": lambda path: save_nifti(path, draw_noise((32, 32, 4))),
    "a.nrrd": save_itk,
    "a.mha": save_itk,
    "a.dcm": lambda path: make_dicom(draw_noise().astype(np.uint16), 0.0, "1.2.3").save_as(path),
}


@pytest.mark.parametrize("name", FILES)
def test_no_reader_takes_a_machine_without_open_files_for_a_damaged_file(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    FILES[name](path)
    spec = parse_spec(write_spec(name, "masks.png"), "spec.toml").images[0]
    read_raster(spec, [path], None)

    with limited(resource.RLIMIT_NOFILE, 0), pytest.raises(StorageError, match="Too many open"):
        read_raster(spec, [path], None)
