"""The options of `submit new`, each taken by the rule of its field in `submission.toml`.

Every function here raises `ValueError` with one phrase that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.training_data import split_known
from cosmos_board.submissions.problems import quote

WHERE_IDS = "the number is at https://api.github.com/users/LOGIN"


def _reader(rule: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - an annotated type
    adapter: TypeAdapter[Any] = TypeAdapter(rule)

    def read(value: object) -> object:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["ctx"]["error"])) from None

    return read


RULES: Mapping[str, Callable[[str], str]] = {
    "name": _reader(f.Name),
    "contact": _reader(f.Contact),
    "code_url": _reader(f.Url),
    "licence": _reader(f.Licence),
    "weights": _reader(f.Weights),
}
"""What takes an option that is one text, by its name."""

read_slug: Callable[[str], str] = _reader(f.Slug)
_read_user_id = _reader(f.UserId)
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
    github_id = _read_user_id(int(number.strip()[:20]))
    return {"name": _read_person(name.strip()), "github_id": github_id}


def read_training(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the datasets that a model was trained on; None where it is unknown.

    A name that the catalog does not know is taken, as words.

    Example:
        >>> read_training(["none"]), read_training(["unknown"]), read_training(["camus"])
        ((), None, ('camus',))
    """
    unique = tuple(dict.fromkeys(names))
    if not unique:
        raise ValueError("want names of the catalog, or none, or unknown")
    for word in ("none", "unknown"):
        if word in unique and len(unique) > 1:
            raise ValueError(f"'{word}' stands alone, without names of datasets")
    if unique in (("none",), ("unknown",)):
        return () if unique == ("none",) else None
    _read_notes(", ".join(split_known(unique)[1]))
    return unique
