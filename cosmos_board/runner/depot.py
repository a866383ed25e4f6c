"""Finished shards on any Arrow file system: where machines that share no disk meet.

URI/predictions/NAME.parquet, URI/scores/NAME.parquet and, last, URI/scores/NAME.json: the files of
a run folder. A shard that is delivered twice is the same shard.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from cosmos_board.core.errors import StorageError
from cosmos_board.runner.folder import RunFolder
from cosmos_board.runner.shards import Shard
from cosmos_board.store.files import write_bytes
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
        facts = self._read(folder, sidecar)
        if facts is None:
            return False
        for path in tables:
            content = self._read(folder, path)
            key = "sha256" if path == folder.scores_path(shard) else "predictions_sha256"
            if not _is_described(content, facts, key):
                return False
            if content is not None:
                write_bytes(path, content)
        write_bytes(sidecar, facts)
        return True

    def _read(self, folder: RunFolder, path: Path) -> bytes | None:
        return self._place.read(path.relative_to(folder.path))


def _is_described(content: bytes | None, facts: bytes, key: str) -> bool:
    try:
        wanted: str | None = json.loads(facts)[key]
    except (ValueError, KeyError, TypeError):
        return False
    return (None if content is None else hashlib.sha256(content).hexdigest()) == wanted
