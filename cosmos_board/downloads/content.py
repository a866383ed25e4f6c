"""Is a file what was published, what was fetched before, and at least a whole archive?"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, cast

from cosmos_board.core.errors import InputError, describe_unreadable, find_machine_failure
from cosmos_board.downloads.files import RemoteFile

_SEVEN_ZIP_HEADER_BYTES = 32
_TAR_BLOCK_BYTES = 512
_CHUNK_BYTES = 1 << 20

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NIFTI = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
_FIRST_BYTES = {
    ".7z": (b"7z\xbc\xaf\x27\x1c",),
    ".rar": (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".h5": (b"\x89HDF\r\n\x1a\n",),
    ".hdf5": (b"\x89HDF\r\n\x1a\n",),
    ".nii": _NIFTI,
    ".nii.gz": _NIFTI,
    ".nrrd": (b"NRRD",),
}
"""How a file begins, decompressed, by its ending: as the descriptions of the formats have it."""

_COMPRESSED: dict[str, Callable[[Path], object]] = {
    ".gz": gzip.GzipFile,
    ".tgz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".tbz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".txz": lzma.LZMAFile,
}
_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def check_content(path: Path, file: RemoteFile, where: object, wanted_sha256: str = "") -> str:
    """Return the sha256 of the file at `path` after checking all that is known of `file`.

    Args:
        path: Where it lies.
        file: What was published of it.
        where: Its address or path, for messages.
        wanted_sha256: What it hashed to when it was first fetched; empty if it never was.

    Raises:
        InputError: If it is empty, has another size or sum, or is not what its ending says.
        StorageError: If the disk fails.
    """
    size = path.stat().st_size
    if not size:
        raise InputError(where, "size", "is 0: the file is empty")
    if file.size_bytes is not None and size != file.size_bytes:
        raise InputError(where, "size", "is not the published one", got=size, want=file.size_bytes)
    sha256, md5 = _hash(path, with_md5=bool(file.md5))
    for name, got, want in (("sha256", sha256, file.sha256), ("md5", md5, file.md5)):
        if want and got != want:
            raise InputError(where, name, "is not the published one", got=got, want=want)
    if wanted_sha256 and not file.varies and sha256 != wanted_sha256:
        problem = "is not that of the file that was fetched before"
        raise InputError(where, "sha256", problem, got=sha256, want=wanted_sha256)
    if not file.is_pinned and (problem := find_format_problem(path, file.path)):
        raise InputError(where, "", problem)
    return sha256


def find_format_problem(path: Path, name: str) -> str:
    """Return what is wrong with a file, judged by the ending of `name`; "" if nothing is seen.

    A truncated archive is found: zip and 7z have their list at the end, a tar ends with a block of
    zeros, and what is compressed is read through. Nothing is unpacked to the disk.

    Raises:
        StorageError: If the disk fails.
    """
    ending = name.lower()
    opener = next((how for end, how in _COMPRESSED.items() if ending.endswith(end)), None)
    try:
        if ending.endswith((".zip", ".npz")):
            with zipfile.ZipFile(path):
                return ""
        if ending.endswith(_TARS):
            tarfile.open(path).close()  # reads the first header
        with cast("BinaryIO", opener(path)) if opener else path.open("rb") as stream:
            first = stream.read(_SEVEN_ZIP_HEADER_BYTES)
            for end, beginnings in _FIRST_BYTES.items():
                if ending.endswith(end) and not first.startswith(beginnings):
                    return f"is no {end} file"
            if ending.endswith(".tar"):
                return _find_cut_tar(stream)
            while opener and stream.read(_CHUNK_BYTES):
                pass
        if ending.endswith(".7z"):
            return _find_cut_seven_zip(path, first)
        return _find_cut_tiff(path, first) if first.startswith(_TIFF) else ""
    except (
        zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError
    ) as error:  # fmt: skip
        if failure := find_machine_failure(error):
            raise describe_unreadable(path, failure) from error
        return f"is no whole file of its kind: {error}"


def _find_cut_tar(stream: BinaryIO) -> str:
    """Tell whether a block of zeros follows the members, whose content is skipped."""
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for _ in archive:
            pass
        stream.seek(archive.offset)
        whole = stream.read(_TAR_BLOCK_BYTES) == bytes(_TAR_BLOCK_BYTES)
    return "" if whole else "is no whole archive: its end is missing"


def _find_cut_seven_zip(path: Path, first: bytes) -> str:
    offset, size = (int.from_bytes(first[at : at + 8], "little") for at in (12, 20))
    whole = _SEVEN_ZIP_HEADER_BYTES + offset + size
    return "is no whole archive: its end is missing" if path.stat().st_size < whole else ""


def _find_cut_tiff(path: Path, first: bytes) -> str:
    """Tell whether the file reaches to where it describes its first picture."""
    order: Literal["little", "big"] = "little" if first.startswith(b"II") else "big"
    place = first[8:16] if b"+" in first[:4] else first[4:8]
    lies_in = int.from_bytes(place, order) < path.stat().st_size
    return "" if lies_in else "is no whole TIFF file: its end is missing"


def _hash(path: Path, *, with_md5: bool) -> tuple[str, str]:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            if with_md5:
                md5.update(chunk)
    return sha256.hexdigest(), md5.hexdigest()
