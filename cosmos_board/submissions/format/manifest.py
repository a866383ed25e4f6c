"""`submission.yaml`: what a submission says of itself. Never a score: those are computed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.safe_yaml import LARGEST_BYTES, YamlError, load_yaml
from cosmos_board.submissions.problems import Problem, quote

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MANIFEST = "submission.yaml"

_WHY_UNKNOWN = {
    "score": " (scores are always computed)",
    "verified": " (set by maintainers only)",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Author(_Part):
    """One author; the numeric GitHub id is what ownership rests on."""

    name: f.Person
    github_id: f.UserId
    orcid: f.Orcid | None = None
    affiliation: f.Person | None = None


class Checkpoint(_Part):
    """The weights, which are never part of a submission."""

    sha256: f.Hex
    format: f.Weights
    url: f.Url | None = None


class Model(_Part):
    """What the board says of the model."""

    name: f.Name
    family: f.Words
    kind: f.Kind
    prompts: Annotated[tuple[f.PromptName, ...], f.want_list(6, 1)]
    code_url: f.Url
    parameters: f.Parameters | None = None
    input_size_px: f.SidePx | None = None
    checkpoint: Checkpoint | None = None


class Run(_Part):
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


class PackUse(_Part):
    """One pack that was predicted on, and exactly which version of it."""

    name: f.Slug
    content_sha256: f.Hex
    prompts_sha256: f.Hex
    sample_sha256: f.Hex


class ManifestFile(_Part):
    """One data file, in the folder or, with an address, elsewhere."""

    path: f.Path
    sha256: f.Hex
    size_bytes: f.SizeBytes
    url: f.External | None = None


class Manifest(_Part):
    """Everything that `submission.yaml` says."""

    schema_version: f.FormatVersion
    slug: f.Slug
    version: f.Number
    track: f.Track
    tier: f.Tier
    protocol: f.Protocol
    model: Model
    authors: Annotated[tuple[Author, ...], f.want_list(50, 1)]
    contact: f.Contact | None = None
    """Beyond the GitHub ids, through which everybody can be reached."""

    licence: f.Licence
    training_data: Annotated[tuple[f.Dataset, ...], f.want_list(200)] | None
    other_training_data: f.Notes | None = None
    run: Run
    packs: Annotated[tuple[PackUse, ...], f.want_list(200, 1)]
    files: Annotated[tuple[ManifestFile, ...], f.want_list(2, 1)]
    notes: f.Notes | None = None
    terms_accepted: bool

    @model_validator(mode="after")
    def _hang_together(self) -> Manifest:
        names = [use.name for use in self.packs]
        if len(set(names)) < len(names):
            raise ValueError("packs: a pack is there twice")
        paths = sorted(file.path for file in self.files)
        wanted = [f.PREDICTIONS] if self.track == "core" else [f.COUNTS, f.PREDICTIONS]
        if paths != wanted:
            raise ValueError(f"files: track {self.track} wants {' and '.join(wanted)}")
        if self.track == "core" and self.files[0].url is not None:
            raise ValueError("files[0].url: track core wants the file in the folder")
        if not self.terms_accepted:
            raise ValueError(
                "terms_accepted: want true (data used under its terms, nothing restricted uploaded)"
            )
        return self


def parse_manifest(data: bytes, where: str) -> tuple[Manifest | None, list[Problem]]:
    """Return what `submission.yaml` says, or None and everything that is wrong with it.

    Args:
        data: The file.
        where: Its path, for messages.
    """
    try:
        document = load_yaml(data)
    except YamlError as error:
        return None, [Problem(where, "", str(error))]
    try:
        return Manifest.model_validate(document), []
    except ValidationError as error:
        return None, [_describe(where, one) for one in error.errors(include_url=False)]


def read_pack_names(folder: Path) -> tuple[str, ...]:
    """Return the packs that a submission names, without judging it; none where it is unreadable."""
    try:
        return tuple(str(use["name"]) for use in read_unjudged(_read(folder))["packs"])
    except (KeyError, TypeError):
        return ()


def read_track(folder: Path) -> str:
    """Return the track that a submission names, without judging it; empty where unreadable."""
    return str(read_unjudged(_read(folder)).get("track", ""))


def read_unjudged(data: bytes) -> dict[str, Any]:
    """Return what a manifest says, without judging it; nothing where it is unreadable."""
    try:
        document = load_yaml(data)
    except YamlError:
        return {}
    return document if isinstance(document, dict) else {}


def _read(folder: Path) -> bytes:
    try:
        with (folder / MANIFEST).open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError:
        return b""


def check_against_folder(manifest: Manifest, slug: str, where: str, now: datetime) -> list[Problem]:
    """Return what contradicts the folder's name or the clock."""
    found: list[Problem] = []
    if manifest.slug != slug:
        text = f"{quote(manifest.slug)} does not match the folder {quote(slug)}"
        found.append(Problem(where, "slug", text))
    if datetime.fromisoformat(manifest.run.finished_at) > now.astimezone(UTC) + timedelta(days=1):
        found.append(Problem(where, "run.finished_at", "lies in the future"))
    return found


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the file that says `manifest`, in the order of its fields."""
    fields: dict[str, Any] = manifest.model_dump(mode="json", exclude_none=True)
    if manifest.training_data is None:
        fields["training_data"] = None
    text: str = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def _describe(where: str, error: ErrorDetails) -> Problem:
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]
    ).removeprefix(".")
    kind = error["type"]
    if kind == "value_error":
        text = str(error["ctx"]["error"])
    elif kind == "extra_forbidden":
        text = f"unknown field{_WHY_UNKNOWN.get(str(error['loc'][-1]), '')}"
    elif kind == "missing":
        text = "missing"
    else:
        message = error["msg"]
        text = message[0].lower() + message[1:]
    if not place and kind == "value_error":
        place, _, text = text.partition(": ")
    elif place == "run" and text.startswith("finished_at: "):
        place, text = "run.finished_at", text.removeprefix("finished_at: ")
    return Problem(where, place, text)
