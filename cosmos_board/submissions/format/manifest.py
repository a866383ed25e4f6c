"""`submission.toml`: what a submission says of itself. Never a score: those are computed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cosmos_board.core.tracks import CORE
from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.toml import LARGEST_BYTES, TomlError, load_toml
from cosmos_board.submissions.problems import Problem, quote

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MANIFEST = "submission.toml"
UNKNOWN = "unknown"
"""As training data: TOML has no word for nothing."""

_WHY_UNKNOWN = {
    "score": " (scores are always computed)",
    "verified": " (set by maintainers only)",
}


class StrictModel(BaseModel):
    """Takes no field that it does not know and no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Author(StrictModel):
    """One author; the numeric GitHub id is what ownership rests on."""

    name: f.Person
    github_id: f.UserId
    orcid: f.Orcid | None = None
    affiliation: f.Person | None = None


class Checkpoint(StrictModel):
    """The weights, which are never part of a submission."""

    sha256: f.Hex
    format: f.Weights
    url: f.Url | None = None


class Model(StrictModel):
    """What the board says of the model."""

    name: f.Name
    family: f.Words
    kind: f.Kind
    prompts: Annotated[tuple[f.PromptName, ...], f.want_list(6, 1)]
    code_url: f.Url
    parameters: f.Parameters | None = None
    input_size_px: f.SidePx | None = None
    checkpoint: Checkpoint | None = None


class Run(StrictModel):
    """How the predictions came to be."""

    device: f.Words
    dtype: f.Precision
    batch_size: f.BatchSize
    started_at: f.Time
    finished_at: f.Time
    wall_s: f.Seconds
    versions: dict[f.Version, f.Version] = Field(default_factory=dict, max_length=40)

    @model_validator(mode="after")
    def _in_order(self) -> Run:
        if datetime.fromisoformat(self.finished_at) < datetime.fromisoformat(self.started_at):
            raise ValueError("finished_at: earlier than started_at")
        return self


class PackUse(StrictModel):
    """One pack that was predicted on, and exactly which version of it."""

    name: f.Slug
    content_sha256: f.Hex
    prompts_sha256: f.Hex
    sample_sha256: f.Hex


class ManifestFile(StrictModel):
    """One data file, in the folder or, with an address, elsewhere."""

    path: f.Path
    sha256: f.Hex
    size_bytes: f.SizeBytes
    url: f.External | None = None


class Manifest(StrictModel):
    """Everything that `submission.toml` says."""

    schema_version: f.FormatVersion
    slug: f.Slug
    version: f.Number
    track: f.Track
    tier: f.Tier
    """Who attests the scores: the submitter; we, who scored the predictions; whoever re-ran it."""

    protocol: f.Protocol
    model: Model
    authors: Annotated[tuple[Author, ...], f.want_list(50, 1)]
    contact: f.Contact | None = None
    """Beyond the GitHub ids, through which everybody can be reached."""

    licence: f.Licence
    training_data: Annotated[
        Annotated[tuple[f.Dataset, ...], f.want_list(200)] | None,
        BeforeValidator(lambda value: None if value == UNKNOWN else value),
    ]
    other_training_data: f.Notes | None = None
    run: Run
    packs: Annotated[tuple[PackUse, ...], f.want_list(200, 1)]
    files: Annotated[tuple[ManifestFile, ...], f.want_list(2, 1)]
    notes: f.Notes | None = None
    terms_accepted: bool

    @property
    def author_ids(self) -> frozenset[int]:
        """Numeric GitHub ids of the authors."""
        return frozenset(author.github_id for author in self.authors)

    @model_validator(mode="after")
    def _check_fields_agree(self) -> Manifest:
        names = [use.name for use in self.packs]
        if len(set(names)) < len(names):
            raise ValueError("packs: a pack is there twice")
        paths = sorted(file.path for file in self.files)
        wanted = [f.PREDICTIONS] if self.track == CORE else [f.COUNTS, f.PREDICTIONS]
        if paths != wanted:
            raise ValueError(f"files: track {self.track} wants {' and '.join(wanted)}")
        if self.track == CORE and self.files[0].url is not None:
            raise ValueError("files[0].url: track core wants the file in the folder")
        if not self.terms_accepted:
            raise ValueError(
                "terms_accepted: want true (data used under its terms, nothing restricted uploaded)"
            )
        return self


def parse_manifest(data: bytes, where: str) -> tuple[Manifest | None, list[Problem]]:
    """Return what `submission.toml` says, or None and everything that is wrong with it."""
    try:
        return Manifest.model_validate(load_toml(data)), []
    except TomlError as error:
        return None, [Problem(where, "", str(error))]
    except ValidationError as error:
        return None, [_describe(where, detail) for detail in error.errors(include_url=False)]


def read_manifest(folder: Path) -> bytes | None:
    """Return the start of a folder's manifest; None where it is no regular file.

    Raises:
        OSError: If it cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        return None
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:
        return file.read(LARGEST_BYTES + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else None


def read_unchecked(data: bytes | None) -> dict[str, Any]:
    """Return what a manifest says, right or wrong; nothing where it is unreadable."""
    try:
        return load_toml(data or b"")
    except TomlError:
        return {}


def read_track(folder: Path) -> str:
    """Return the track that a submission names, right or wrong; `core` where unreadable."""
    return str(read_unchecked(read_manifest(folder)).get("track", CORE))


def read_pack_names(folder: Path) -> tuple[str, ...]:
    """Return the packs that a submission names, right or wrong; none where it is unreadable."""
    try:
        return tuple(str(use["name"]) for use in read_unchecked(read_manifest(folder))["packs"])
    except (KeyError, TypeError, OSError):
        return ()


def check_against_folder(manifest: Manifest, slug: str, where: str, now: datetime) -> list[Problem]:
    """Return what contradicts the folder's name or the clock."""
    problems = []
    if manifest.slug != slug:
        text = f"{quote(manifest.slug)} does not match the folder {quote(slug)}"
        problems.append(Problem(where, "slug", text))
    if datetime.fromisoformat(manifest.run.finished_at) > now.astimezone(UTC) + timedelta(days=1):
        problems.append(Problem(where, "run.finished_at", "lies in the future"))
    return problems


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the file that says `manifest`."""
    unknown = {"training_data": UNKNOWN} if manifest.training_data is None else {}
    return dump_fields({**manifest.model_dump(), **unknown})


def dump_fields(fields: Mapping[str, Any]) -> bytes:
    """Return a file with these fields; those that are None are left out."""
    return tomli_w.dumps(_drop_none(fields)).encode()


def _drop_none(value: Any) -> Any:  # noqa: ANN401 - nested plain data
    if isinstance(value, Mapping):
        return {key: _drop_none(part) for key, part in value.items() if part is not None}
    return [_drop_none(part) for part in value] if isinstance(value, list | tuple) else value


def _describe(where: str, error: ErrorDetails) -> Problem:
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]
    ).removeprefix(".")
    if error["type"] == "value_error":
        text = str(error["ctx"]["error"])
        if not place or text.startswith("finished_at: "):  # a rule about several fields
            field, _, text = text.partition(": ")
            place = f"{place}.{field}".removeprefix(".")
    elif error["type"] == "extra_forbidden":
        text = f"unknown field{_WHY_UNKNOWN.get(str(error['loc'][-1]), '')}"
    elif error["type"] == "missing":
        text = "missing"
    else:
        text = error["msg"][:1].lower() + error["msg"][1:]
    return Problem(where, place, text)
