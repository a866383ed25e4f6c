"""Finished shards on any Arrow file system, for machines that share no disk.

URI/predictions/NAME.parquet, URI/scores/NAME.parquet and, last, URI/scores/NAME.json: the files of
a run folder. A shard that is uploaded twice is the same shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.shards import Shard
from cosmos_board.store.files import write_bytes
from cosmos_board.store.records import parse_shard_record
from cosmos_board.store.remote import RemoteFolder

_SIDECAR = ".json"


class RemoteStore:
    """Uploads finished shards and downloads them.

    Args:
        uri: Address as `RemoteFolder` takes it.

    Raises:
        InputError: If there is no such file system.
        StorageError: If it cannot be reached or written.
    """

    def __init__(self, uri: str) -> None:
        self._remote = RemoteFolder(uri, "--remote")
        for name in ("scores", "predictions"):
            self._remote.make_folder(name)

    def synchronise(self, folder: RunFolder, shards: Iterable[Shard]) -> None:
        """Download what `folder` lacks of `shards`, and upload what it alone has.

        Raises:
            StorageError: If the file system or the disk fails.
        """
        files = self._remote.list_files("scores")
        uploaded = {path.stem for path in files if path.suffix == _SIDECAR}
        for shard in shards:
            whole = folder.read_sidecar(shard) is not None
            if whole and shard.name not in uploaded:
                self.upload(folder, shard)
            elif not whole and shard.name in uploaded:
                self._fetch(folder, shard)

    def download(self, folder: RunFolder, shard: Shard) -> None:
        """Download a shard into `folder` that a worker says it uploaded.

        Raises:
            StorageError: If it is not there, or the file system or the disk fails.
        """
        if folder.read_sidecar(shard) is None and not self._fetch(folder, shard):
            raise StorageError(f"{self._remote}: shard {shard.name} was delivered and is gone")

    def upload(self, folder: RunFolder, shard: Shard) -> None:
        """Upload a finished shard.

        Raises:
            StorageError: If the file system fails.
        """
        for path in folder.paths(shard):
            if path.exists():
                self._remote.upload(path, path.relative_to(folder.path))

    def _fetch(self, folder: RunFolder, shard: Shard) -> bool:
        """Download a shard; return whether it was there, whole and unaltered."""
        *tables, sidecar = folder.paths(shard)
        content = self._read(folder, sidecar)
        if content is None:
            return False
        try:
            record = parse_shard_record(content, "")
        except InputError:
            return False
        if record.shard not in ("", shard.name):
            return False
        for path, digest in zip(tables, (record.predictions_sha256, record.sha256), strict=True):
            table = self._read(folder, path)
            if _hash(table) != digest:
                return False
            if table is not None:
                write_bytes(path, table)
        write_bytes(sidecar, content)
        return True

    def _read(self, folder: RunFolder, path: Path) -> bytes | None:
        return self._remote.read(path.relative_to(folder.path))


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
