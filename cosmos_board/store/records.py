"""JSON documents that carry their version and the sha256 of what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import describe_os_error
from cosmos_board.store.schema import SCHEMA_VERSION

DIGEST = "document_sha256"


class DamagedError(InputError):
    """A file that we wrote is no longer what we wrote."""


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
