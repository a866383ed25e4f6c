"""`submissions/decisions.toml`: what maintainers decided after a submission was merged.

A decision is added and never changed: the file of today begins with that of yesterday.
"""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes
from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.problems import make_ascii

DECISIONS = "decisions.toml"
PLACE = f"submissions/{DECISIONS}"
LARGEST_BYTES = 1 << 20

Word: TypeAlias = Literal["withdrawn", "taken-down", "released", "audited", "re-run"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Maintainer(_Part):
    """Who may add decisions."""

    name: f.Person
    github_id: f.UserId


class Decision(_Part):
    """One word on one submission."""

    slug: f.Slug
    version: f.Number
    """The newest version when it was said."""

    word: Word
    """`withdrawn`: off the boards, still listed. `taken-down`: removed from every board, earlier
    ones too; its slug and the reason stay listed. `released`: shown although it was held, or again
    after `withdrawn`. `audited`, `re-run`: vouched for by whoever holds the data, or ran the model.
    """

    who: f.UserId
    when: datetime
    why: f.Notes

    @field_validator("when")
    @classmethod
    def _has_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("want a time with its zone, such as 2026-01-31T12:00:00Z")
        return value


class Decisions(_Part):
    """The whole file."""

    schema_version: f.FormatVersion
    maintainers: Annotated[list[Maintainer], Field(max_length=100)]
    decisions: Annotated[list[Decision], Field(max_length=10_000)] = []

    @property
    def maintainer_ids(self) -> frozenset[int]:
        """Numeric GitHub ids of the maintainers."""
        return frozenset(one.github_id for one in self.maintainers)

    def find_state(self, slug: str) -> Decision | None:
        """Return the last decision that takes `slug` off the boards, unless it was released."""
        words = ("withdrawn", "taken-down", "released")
        found = [one for one in self.decisions if one.slug == slug and one.word in words]
        if any(one.word == "taken-down" for one in found):
            return next(one for one in found if one.word == "taken-down")
        return found[-1] if found and found[-1].word == "withdrawn" else None

    def says(self, slug: str, version: int, word: Word) -> bool:
        """Return whether `word` was said of exactly this version."""
        return any((one.slug, one.version, one.word) == (slug, version, word)
                   for one in self.decisions)  # fmt: skip


NONE = Decisions(schema_version=1, maintainers=[])
"""Where there is no such file."""


def parse_decisions(data: bytes) -> Decisions:
    """Return what the file says.

    Raises:
        InputError: If any of it is wrong: nothing is published by half of the decisions.
    """
    if len(data) > LARGEST_BYTES:
        raise InputError(PLACE, "", "is too large", got=len(data), want=LARGEST_BYTES)
    try:
        return Decisions.model_validate(tomllib.loads(data.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(PLACE, "", f"is no TOML: {make_ascii(str(error), 80)}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(PLACE, make_ascii(place, 60), make_ascii(first["msg"], 120)) from error


def add_decision(root: Path, slug: str, version: int, word: str, who: int, why: str) -> Path:
    """Add a decision to the file in the submissions folder `root` and return its path.

    Raises:
        InputError: If the decision, or the file, is not right.
        StorageError: If the disk fails.
    """
    path = root / DECISIONS
    before = path.read_bytes() if path.exists() else b"schema_version = 1\nmaintainers = []\n"
    parse_decisions(before)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    lines = (
        "", "[[decisions]]", f"slug = {json.dumps(slug)}", f"version = {version}",
        f"word = {json.dumps(word)}", f"who = {who}", f"when = {when}",
        f"why = {json.dumps(why, ensure_ascii=False)}", "",
    )  # fmt: skip
    data = before + "\n".join(lines).encode()
    parse_decisions(data)
    write_bytes(path, data)
    return path


def find_new(old: Decisions, new: Decisions) -> list[Decision]:
    """Return the decisions that `new` adds.

    Raises:
        InputError: If one of `old` was changed, moved or dropped.
    """
    count = len(old.decisions)
    if new.decisions[:count] != old.decisions:
        raise InputError(PLACE, "decisions", "were changed", want="new ones below the old ones")
    return new.decisions[count:]
