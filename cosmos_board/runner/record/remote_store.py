"""Finished shards on any Arrow file system: where machines that share no disk meet.

URI/predictions/NAME.parquet, URI/scores/NAME.parquet and, last, URI/scores/NAME.json: the files of
a run folder. A shard that is delivered twice is the same shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.core.run_record import ShardRecord
from cosmos_board.runner.record.folder import RunFolder
from cosmos_board.runner.record.shards import Shard
from cosmos_board.store.files import write_bytes
from cosmos_board.store.records import parse_shard_record
from cosmos_board.store.remote import RemoteFolder

_SIDECAR = ".json"


class Depot:
    """Takes finished shards and gives them back.

    Args:
        uri: Address as `RemoteFolder` takes it.

    Raises:
        InputError: If there is no such file system.
        StorageError: If it cannot be reached or written.
    """

    def __init__(self, uri: str) -> None:
        self._place = RemoteFolder(uri, "--depot")
        for name in ("scores", "predictions"):
            self._place.make(name)

    def exchange(self, folder: RunFolder, shards: Iterable[Shard]) -> None:
        """Bring into `folder` what it lacks of `shards`, and deliver what it alone has.

        Raises:
            StorageError: If the file system or the disk fails.
        """
        files = self._place.list_files("scores")
        delivered = {path.stem for path in files if path.suffix == _SIDECAR}
        for shard in shards:
            whole = folder.read_sidecar(shard) is not None
            if whole and shard.name not in delivered:
                self.send(folder, shard)
            elif not whole and shard.name in delivered:
                self._fetch(folder, shard)

    def bring(self, folder: RunFolder, shard: Shard) -> None:
        """Bring a shard into `folder` that a worker says it delivered.

        Raises:
            StorageError: If it is not there, or the file system or the disk fails.
        """
        if folder.read_sidecar(shard) is None and not self._fetch(folder, shard):
            raise StorageError(f"{self._place}: shard {shard.name} was delivered and is gone")

    def send(self, folder: RunFolder, shard: Shard) -> None:
        """Deliver a finished shard.

        Raises:
            StorageError: If the file system fails.
        """
        for path in folder.paths(shard):
            if path.exists():
                self._place.put(path, path.relative_to(folder.path))

    def _fetch(self, folder: RunFolder, shard: Shard) -> bool:
        """Return whether a shard was delivered; what was altered on the way never was."""
        *tables, sidecar = folder.paths(shard)
        content = self._read(folder, sidecar)
        record = None if content is None else _parse(content)
        if content is None or record is None or record.shard not in ("", shard.name):
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
        return self._place.read(path.relative_to(folder.path))


def _parse(content: bytes) -> ShardRecord | None:
    try:
        return parse_shard_record(content, "")
    except InputError:
        return None


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
