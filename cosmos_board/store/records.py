"""JSON documents that carry their version and the sha256 of what they say.

Run records and the sidecars of shards are written and read here alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from cosmos_board.core.errors import InputError, describe_os_error
from cosmos_board.core.run_record import RunRecord, ShardRecord
from cosmos_board.store.files import write_bytes
from cosmos_board.store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DIGEST = "document_sha256"
RUN_RECORD = "run.json"
"""Name of the record in a run folder."""

_T = TypeVar("_T")
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}
"""Made once for a type, which takes a while."""


class DamagedError(InputError):
    """A file that we wrote is no longer what we wrote."""


def write_run_record(folder: Path, record: RunRecord) -> None:
    """Write what a run says of itself, whole or not at all; StorageError where the disk fails."""
    write_bytes(folder / RUN_RECORD, dump_record(asdict(record)))


def read_run_record(folder: Path) -> RunRecord:
    """Return what a run says of itself.

    Raises:
        DamagedError: If it was altered, or says something else than a run.
        InputError: If it is absent, or newer than this program.
        StorageError: If it cannot be read.
    """
    path = folder / RUN_RECORD
    if not path.exists():
        raise InputError(path, "", "does not exist, so this is no run")
    return _check(RunRecord, read_record(path), path)


def write_shard_record(path: Path, record: ShardRecord) -> None:
    """Write the sidecar of a shard, whole or not at all; StorageError where the disk fails."""
    write_bytes(path, dump_record(asdict(record)))


def read_shard_record(path: Path) -> ShardRecord:
    """Return what the sidecar of a shard says; errors as in `read_run_record`."""
    return _check(ShardRecord, read_record(path), path)


def parse_shard_record(content: bytes, where: object) -> ShardRecord:
    """Return what the bytes of a sidecar say; errors as in `read_run_record`."""
    return _check(ShardRecord, parse_record(content, where), where)


def _check(kind: type[_T], document: dict[str, Any], where: object) -> _T:
    """Return a document as the type that it must have; fields that are unknown are left out."""
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[_T] = _ADAPTERS.get(kind) or TypeAdapter(kind)
    _ADAPTERS[kind] = adapter
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            raise DamagedError(where, place, "is missing, so the file is damaged") from error
        got = repr(first["input"])[:60]
        raise DamagedError(where, place, f"is damaged: {first['msg']}", got=got) from error


def dump_record(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON, with `schema_version` and the hash of all the rest.

    Example:
        >>> sorted(json.loads(dump_record({"rows": 3})))
        ['document_sha256', 'rows', 'schema_version']
    """
    rest = {key: value for key, value in document.items() if key != DIGEST}
    text = json.dumps({"schema_version": SCHEMA_VERSION, **rest}, default=str, allow_nan=False)
    plain = json.loads(text)
    plain[DIGEST] = _hash(plain)
    return json.dumps(plain, indent=1, sort_keys=True).encode()


def read_record(path: Path) -> dict[str, Any]:
    """Return a document as it was written; one without a hash is of an earlier version.

    Raises:
        DamagedError: If it was altered, or is no such document.
        InputError: If it is absent, no file, or newer than this program.
        StorageError: If it cannot be read.
    """
    if path.is_dir():
        raise DamagedError(path, "", "is a folder where a file belongs")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(path, "", "does not exist") from None
    except OSError as error:
        raise describe_os_error(path, "read", error) from error
    return parse_record(content, path)


def parse_record(content: bytes, where: object) -> dict[str, Any]:
    """Return the document in `content`; errors as in `read_record`."""
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
        version = int(document.get("schema_version", 1))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(where, "", f"is damaged: {error}") from error
    if version > SCHEMA_VERSION:
        raise InputError(
            where, "schema_version", "is newer than this program", got=version, want=SCHEMA_VERSION
        )
    if DIGEST in document and document[DIGEST] != _hash(document):
        raise DamagedError(where, DIGEST, "is not that of what was written: the file was altered")
    return dict(document)


def _hash(document: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in document.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
