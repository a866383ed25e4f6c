"""`pack.json`: what a pack is, where it comes from, what may be done with it, and its hashes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from cosmos_board.core.cards import PROTOCOL, DatasetCard
from cosmos_board.core.errors import InputError, describe_unreadable
from cosmos_board.data.catalog.dataset import PERMISSIONS
from cosmos_board.data.validation import describe_error

INFO_VERSION = 2
"""Newest version of `pack.json`, that of packs with volumes; readers refuse a newer one."""

PLAIN_VERSION = 1
"""Version of a pack without volumes, which older programs read too."""

INFO_NAME = "pack.json"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LARGEST_BYTES = 16 << 20
_STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """One file of a pack with its size and hash, so that every changed byte is detected."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCount:
    """How much a pack holds of one target."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    modality: str
    object: str
    references: int
    images: int
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackCounts:
    """How much a pack holds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    images: int = 0
    references: int = 0
    clusters: int = 0
    targets: tuple[TargetCount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTargetCount:
    """How much the volumes of a pack hold of one target."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    modality: str
    object: str
    references: int
    volumes: int
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """What a pack that keeps volumes holds for the volume track."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    volumes: int
    slices: int
    references: int
    clusters: int
    targets: tuple[VolumeTargetCount, ...]
    content_sha256: str
    """Over ids, clusters, spacings, slices and volume references."""

    prompts_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackInfo(DatasetCard):
    """Facts about one pack. Counts, hashes and files are filled in by curation."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    schema_version: int = PLAIN_VERSION
    counts: PackCounts = PackCounts()
    volumes: VolumeFacts | None = None
    """None where the pack keeps no volumes."""

    files: tuple[PackFile, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(
                INFO_NAME, "name", "is no name", got=repr(self.name), want="words-with-hyphens"
            )
        if unknown := sorted(set(self.permissions) - set(PERMISSIONS)):
            raise InputError(
                INFO_NAME, "permissions", "are unknown", got=unknown, want=", ".join(PERMISSIONS)
            )

    @property
    def card(self) -> DatasetCard:
        """What runs and boards say of the dataset."""
        return DatasetCard(**{name: getattr(self, name) for name in DatasetCard.__slots__})


_ORDER = (
    "name", "label", "version", "licence", "source", "citation", "normalisation", "cluster_unit",
    "permissions", "synthetic", "subsample", "protocol", "schema_version", "counts", "expected",
    "observers", "content_sha256", "prompts_sha256", "volumes", "files",
)  # fmt: skip
"""Of the fields in `pack.json`, whose bytes are hashed."""


def dump_info(info: PackInfo) -> bytes:
    """Return the bytes of `pack.json`, which end with a hash over all that stands before it."""
    known = asdict(info)
    # Written only where there is something: the bytes of other packs stay as they were.
    optional = ("expected", "volumes")
    for row in known["expected"]:
        if not row["by_path"]:
            del row["by_path"]
    fields = {name: known[name] for name in _ORDER if name not in optional or known[name]}
    fields["info_sha256"] = hashlib.sha256(_dump(fields)).hexdigest()
    return _dump(fields)


def read_info(folder: Path) -> PackInfo:
    """Return what `pack.json` in `folder` says; InputError if it is absent, newer or not right."""
    path = folder / INFO_NAME
    fields = _read_fields(path)
    fields.pop("info_sha256", None)
    try:
        info = TypeAdapter(PackInfo).validate_json(json.dumps(fields))
    except ValidationError as error:
        raise describe_error(path, error.errors()[0]) from error
    if info.protocol != PROTOCOL:
        raise InputError(path, "protocol", "is another one", got=info.protocol, want=PROTOCOL)
    return info


def is_unaltered(folder: Path) -> bool:
    """Tell whether `pack.json` is byte for byte what was written."""
    data = (folder / INFO_NAME).read_bytes()
    return data == dump_info(read_info(folder))


def _dump(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


def _read_fields(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise InputError(path, "", "does not exist, so this is no pack")
    if not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
        raise InputError(path, "", "is no file, or a very large one", want="a JSON document")
    try:
        fields = json.loads(path.read_bytes())
    except OSError as error:
        raise describe_unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(path, "", f"is no JSON: {error}") from error
    if not isinstance(fields, dict) or type(fields.get("schema_version")) is not int:
        raise InputError(path, "schema_version", "is missing")
    if fields["schema_version"] > INFO_VERSION:
        problem, got = "is newer than this program", fields["schema_version"]
        raise InputError(path, "schema_version", problem, got=got, want=INFO_VERSION)
    return fields
