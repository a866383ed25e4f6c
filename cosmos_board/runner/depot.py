"""Finished shards on any Arrow file system: where machines that share no disk meet.

URI/predictions/NAME.parquet, URI/scores/NAME.parquet and, last, URI/scores/NAME.json: the files of
a run folder. Closing an object of an object store puts it in place whole; elsewhere a file gets
its name by a move. A shard that is delivered twice is the same shard.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from cosmos_board.core.errors import InputError, StorageError
from cosmos_board.runner.folder import RunFolder
from cosmos_board.runner.shards import Shard
from cosmos_board.store.files import write_bytes

_STORES = frozenset({"abfs", "gcs", "s3"})
_SIDECAR = ".json"


class Depot:
    """Takes finished shards and gives them back.

    Args:
        uri: As `pyarrow.fs` reads it: a path, `s3://bucket/run?region=…`, `gs://…`, `hdfs://…`;
            credentials come from the environment.

    Raises:
        InputError: If there is no such file system.
        StorageError: If it cannot be reached or written.
    """

    def __init__(self, uri: str) -> None:
        self._shown = _without_secrets(uri)
        try:
            self._files, self._root = fs.FileSystem.from_uri(uri)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            want = "a path, or an address such as s3://bucket/run"
            raise InputError(
                "--depot", "", "is no Arrow file system", got=self._shown, want=want
            ) from error
        with self._explaining("write"):
            for name in ("scores", "predictions"):
                self._files.create_dir(f"{self._root}/{name}", recursive=True)

    def fill(self, folder: RunFolder, shards: Iterable[Shard]) -> None:
        """Bring into `folder` those of `shards` that were delivered and are not whole there.

        Raises:
            StorageError: If the file system or the disk fails.
        """
        delivered = self._list_names()
        for shard in shards:
            if shard.name in delivered and folder.read_sidecar(shard) is None:
                self._fetch(folder, shard)

    def bring(self, folder: RunFolder, shard: Shard) -> None:
        """Bring a shard into `folder` that a worker says it delivered.

        Raises:
            StorageError: If it is not there, or the file system or the disk fails.
        """
        if folder.read_sidecar(shard) is None and not self._fetch(folder, shard):
            raise StorageError(f"{self._shown}: shard {shard.name} was delivered and is gone")

    def _list_names(self) -> frozenset[str]:
        with self._explaining("list"):
            found = self._files.get_file_info(fs.FileSelector(f"{self._root}/scores"))
        names = (Path(one.path) for one in found)
        return frozenset(path.stem for path in names if path.suffix == _SIDECAR)

    def send(self, folder: RunFolder, shard: Shard) -> None:
        """Deliver a finished shard.

        Raises:
            StorageError: If the file system fails.
        """
        with self._explaining("write"):
            for path in folder.paths(shard):
                if path.exists():
                    self._put(path, f"{self._root}/{path.relative_to(folder.path).as_posix()}")

    def _fetch(self, folder: RunFolder, shard: Shard) -> bool:
        """Return whether a shard was delivered; what was altered on the way never was."""
        *tables, sidecar = folder.paths(shard)
        facts = self._read(folder, sidecar)
        if facts is None:
            return False
        for path in tables:
            content = self._read(folder, path)
            if path == folder.scores_path(shard) and not _is_described(content, facts):
                return False
            if content is not None:
                write_bytes(path, content)
        write_bytes(sidecar, facts)
        return True

    def _put(self, path: Path, target: str) -> None:
        if self._files.type_name in _STORES:
            fs.copy_files(str(path), target, destination_filesystem=self._files)
            return
        fs.copy_files(str(path), f"{target}.part", destination_filesystem=self._files)
        self._files.move(f"{target}.part", target)

    def _read(self, folder: RunFolder, path: Path) -> bytes | None:
        source = f"{self._root}/{path.relative_to(folder.path).as_posix()}"
        with self._explaining("read"):
            try:
                with self._files.open_input_stream(source) as stream:
                    content: bytes = stream.read()
            except FileNotFoundError:
                return None
        return content

    @contextmanager
    def _explaining(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = " ".join(str(error).split())
            raise StorageError(f"{self._shown}: {doing}: {reason}") from error


def _is_described(content: bytes | None, facts: bytes) -> bool:
    try:
        wanted = json.loads(facts)["sha256"]
    except (ValueError, KeyError, TypeError):
        return False
    return content is not None and hashlib.sha256(content).hexdigest() == wanted


def _without_secrets(uri: str) -> str:
    """Return an address without keys or options, for messages.

    Example:
        >>> _without_secrets("s3://key:secret@bucket/run?endpoint_override=localhost:9000")
        's3://bucket/run'
    """
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path
