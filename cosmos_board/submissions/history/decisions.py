"""`submissions/decisions.toml`: what maintainers decided after a submission was merged.

A decision is added and never changed: the file of today begins with that of yesterday.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tomli_w
from pydantic import AwareDatetime, Field, ValidationError

from cosmos_board.core.errors import InputError
from cosmos_board.store.files import write_bytes
from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.manifest import StrictModel
from cosmos_board.submissions.format.toml import TomlError, load_toml
from cosmos_board.submissions.problems import make_ascii

DECISIONS = "decisions.toml"
PLACE = f"submissions/{DECISIONS}"
LARGEST_BYTES = 1 << 20

Word: TypeAlias = Literal["withdrawn", "taken-down", "released", "audited", "re-run"]


class Maintainer(StrictModel):
    """Who may add decisions."""

    name: f.Person
    github_id: f.UserId


class Decision(StrictModel):
    """What a maintainer decided on one submission."""

    slug: f.Slug
    version: f.Number
    """The newest version at that time."""

    word: Word
    """`withdrawn`: off the boards, still listed. `taken-down`: removed from every board, earlier
    ones too; its slug and the reason stay listed. `released`: shown although it was held, or again
    after `withdrawn`. `audited`, `re-run`: attested by whoever holds the data, or ran the model.
    """

    who: f.UserId
    when: AwareDatetime
    why: f.Notes


class Decisions(StrictModel):
    """The whole file."""

    schema_version: f.FormatVersion
    maintainers: Annotated[list[Maintainer], Field(max_length=100)]
    decisions: Annotated[list[Decision], Field(max_length=10_000, default_factory=list)]

    @property
    def maintainer_ids(self) -> frozenset[int]:
        """Numeric GitHub ids of the maintainers."""
        return frozenset(maintainer.github_id for maintainer in self.maintainers)

    def find_state(self, slug: str) -> Decision | None:
        """Return the last decision that takes `slug` off the boards, unless it was released."""
        state = None
        for decision in self.decisions:
            if decision.slug != slug or (state and state.word == "taken-down"):  # that is for good
                continue
            if decision.word in ("withdrawn", "taken-down", "released"):
                state = decision if decision.word != "released" else None
        return state

    def says(self, slug: str, version: int, word: Word) -> bool:
        """Return whether `word` was said of exactly this version."""
        said = {(decision.slug, decision.version, decision.word) for decision in self.decisions}
        return (slug, version, word) in said


NONE = Decisions(schema_version=1, maintainers=[], decisions=[])
"""Where there is no such file."""


def parse_decisions(data: bytes) -> Decisions:
    """Return what the file says.

    Raises:
        InputError: If any of it is wrong: nothing is published by half of the decisions.
    """
    try:
        return Decisions.model_validate(load_toml(data, LARGEST_BYTES, LARGEST_BYTES))
    except TomlError as error:
        raise InputError(PLACE, "", str(error)) from error
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
    fields = {"slug": slug, "version": version, "word": word, "who": who,
              "when": datetime.now(UTC).replace(microsecond=0), "why": why}  # fmt: skip
    data = before + b"\n[[decisions]]\n" + tomli_w.dumps(fields).encode()
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
