"""Answers to what a run cannot know, each taken by the rule of its field in `submission.yaml`.

Every function here raises `ValueError` with one phrase that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.training_data import split_known
from cosmos_board.submissions.problems import quote

WHERE_IDS = "the number is at https://api.github.com/users/LOGIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a run cannot know of its model."""

    authors: tuple[Mapping[str, object], ...]
    """Each with name and github_id, optionally orcid and affiliation."""

    code_url: str
    licence: str
    training_data: tuple[str, ...] | None
    """Dataset names, those of the catalog by its names; None where unknown."""

    terms_accepted: bool
    contact: str | None = None
    name: str | None = None
    """On the board; None for the label of the model's card."""

    slug: str | None = None
    version: int = 1
    tier: str = "audited"
    weights_format: str = "other"
    notes: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)


def _reader(rule: Any) -> Callable[[str], str]:  # noqa: ANN401 - an annotated type
    adapter: TypeAdapter[Any] = TypeAdapter(rule)

    def read(text: str) -> str:
        return str(_take(adapter, text))

    return read


def _take(adapter: TypeAdapter[Any], value: object) -> Any:  # noqa: ANN401 - what the rule gives
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None


RULES: Mapping[str, Callable[[str], str]] = {
    "name": _reader(f.Name),
    "contact": _reader(f.Contact),
    "code_url": _reader(f.Url),
    "licence": _reader(f.Licence),
    "weights": _reader(f.Weights),
}
"""What takes an answer that is one text, by the name of its option."""

read_slug = _reader(f.Slug)
_read_person = _reader(f.Person)
_read_notes = _reader(f.Notes)


def read_author(text: str) -> dict[str, object]:
    """Return an author given as NAME:GITHUB-ID.

    Example:
        >>> read_author("Ada Lovelace:12345")
        {'name': 'Ada Lovelace', 'github_id': 12345}
    """
    name, _, number = text.rpartition(":")
    if not name or not (number.strip().isascii() and number.strip().isdecimal()):
        raise ValueError(f"{quote(text)}: want NAME:GITHUB-ID; {WHERE_IDS}")
    github_id = _take(TypeAdapter(f.UserId), int(number.strip()[:20]))
    return {"name": _read_person(name.strip()), "github_id": github_id}


def read_training(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the datasets that a model was trained on; None where it is unknown.

    A name that the catalog does not know is taken, as words.

    Example:
        >>> read_training(["none"]), read_training(["unknown"]), read_training(["camus"])
        ((), None, ('camus',))
    """
    found = tuple(dict.fromkeys(names))
    for word in ("none", "unknown"):
        if word in found and len(found) > 1:
            raise ValueError(f"'{word}' stands alone, without names of datasets")
    if found in (("none",), ("unknown",)):
        return () if found == ("none",) else None
    if not found:
        raise ValueError("want names of the catalog, or none, or unknown")
    _read_notes(", ".join(split_known(found)[1]))
    return found
