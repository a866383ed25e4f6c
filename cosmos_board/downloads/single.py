"""Fetches one file of its own, such as the weights of a model."""

from __future__ import annotations

from pathlib import Path

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.hashes import hash_file
from cosmos_board.core.processes import hold_lock
from cosmos_board.downloads.files import Patience, RemoteFile, Report
from cosmos_board.downloads.hosts import Hosts
from cosmos_board.downloads.transfer import Transfer


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    report: Report | None = None,
    patience: Patience | None = None,
    private: bool = False,
) -> Path:
    """Fetch `url` into `target` and return it; a file that is there already is only checked.

    A broken transfer is taken up where it stopped, by this call or the next one. What was
    fetched is moved into place after its hash was compared (in hex; None where nobody published
    it).

    Raises:
        InputError: If the server refuses, the transfer breaks or the content is not the
            published one.
        StorageError: If the disk is full or cannot be written.
        InUseError: If another process is fetching the same file.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise describe_os_error(target, "write", error) from error
    if target.exists():
        check_sha256(target, sha256)
        return target
    file = RemoteFile(path=target.name, urls=(url,), sha256=sha256 or "", private=private)
    lock = target.with_name(f"{target.name}.lock")
    with hold_lock(lock, f"{target}: another process is fetching it"):
        transfer = Transfer(
            file,
            target,
            Hosts(),
            patience=patience or Patience(),
            report=report or (lambda done, total: None),
        )
        transfer.run("")
    return target


def check_sha256(path: Path, sha256: str | None) -> None:
    """Raise unless the file at `path` has the given hash; None means that nobody knows it.

    Raises:
        InputError: If it hashes to something else.
    """
    if sha256 is not None and (found := hash_file(path)) != sha256:
        raise InputError(path, "sha256", "is not the published one", got=found, want=sha256)
