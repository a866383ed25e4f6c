"""What `submit new` asks: each answer is taken by the rule of its field in `submission.toml`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError
from cosmos_board.submissions.draft.draft import Metadata
from cosmos_board.submissions.format import fields as f
from cosmos_board.submissions.format.training_data import describe_other, split_known
from cosmos_board.submissions.problems import quote

WHERE_IDS = "the number is at https://api.github.com/users/LOGIN"
_Answer = TypeVar("_Answer")
_TERMS = (
    "Was all data used under its terms, is nothing restricted uploaded, and will nobody be"
    " re-identified"
)


def _reader(rule: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - an annotated type
    """Return what takes a value by a rule, or raises `ValueError` with one phrase."""
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


def read_author(text: str) -> dict[str, object]:
    """Return an author given as NAME:GITHUB-ID, or raise `ValueError`.

    Example:
        >>> read_author("Ada Lovelace:12345")
        {'name': 'Ada Lovelace', 'github_id': 12345}
    """
    name, _, number = text.rpartition(":")
    if not name or not (number.strip().isascii() and number.strip().isdecimal()):
        raise ValueError(f"{quote(text)}: want NAME:GITHUB-ID; {WHERE_IDS}")
    github_id = _reader(f.UserId)(int(number.strip()[:20]))
    return {"name": _reader(f.Person)(name.strip()), "github_id": github_id}


def read_training(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the datasets that a model was trained on; None where it is unknown.

    A name that the catalog does not know is taken, as words. Raises `ValueError` like the others.

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
    _reader(f.Notes)(", ".join(split_known(unique)[1]))
    return unique


def ask_model(models: tuple[str, ...]) -> str:
    """Return which of a run's models is meant."""
    with _answering("--model"):
        return str(click.prompt("Model", type=click.Choice(models), err=True))


def ask(given: Mapping[str, Any], card: ModelCard, *, out: Path, version: int) -> Metadata:
    """Return what the options say, and what is asked where neither they nor the card do.

    Args:
        given: Values of the options, by name.
        card: What the run says of the model.
        out: The submission's folder.
        version: Of the submission.

    Raises:
        InputError: If an option is refused by the rule of its field, before anything is asked,
            or there is nobody to ask.
    """
    _read("--out", _reader(f.Slug), out.absolute().name)
    authors = tuple(_read("--author", read_author, text) for text in given["authors"])
    names = given["trained_on"]
    trained = _read("--trained-on", read_training, names) if names else card.training_data
    said = {name: given[name] and _read(_option(name), rule, given[name])
            for name, rule in RULES.items()}  # fmt: skip

    def find(name: str, known: str, question: str) -> str:
        """Return what the option says, else what the card knows, else what is answered."""
        try:
            return said[name] or RULES[name](str(getattr(card, known)))
        except ValueError:  # a card may say what no manifest can
            return _ask(_option(name), question, RULES[name])

    name = find("name", "label", "Name on the board")
    authors = authors or (_ask("--author", "Author (NAME:GITHUB-ID)", read_author),)
    code_url = find("code_url", "source", "Where is the code (https address)")
    licence = find("licence", "licence", "Licence of the model (SPDX)")
    if not names and trained is None:
        question = "Trained on (catalog names, or none, or unknown)"
        trained = _ask(
            "--trained-on", question, lambda text: read_training(text.replace(",", " ").split())
        )
    for other in split_known(trained or ())[1]:
        words = "allowed, as other training data"
        click.echo(f"--trained-on: {describe_other(other)}; {words}", err=True)
    return Metadata(
        name=name,
        authors=authors,
        contact=said["contact"],
        code_url=code_url,
        licence=licence,
        training_data=trained,
        terms_accepted=given["accept_terms"] or _accept_terms(),
        weights_format=said["weights"],
        version=version,
    )


def _accept_terms() -> bool:
    with _answering("--accept-terms"):
        if click.confirm(_TERMS, err=True):
            return True
    raise InputError("--accept-terms", "", "was answered with no, so nothing is written")


def _ask(option: str, question: str, read: Callable[[str], _Answer]) -> _Answer:
    """Ask until the answer is right; click says why where it is not."""

    def take(text: str) -> _Answer:
        try:
            return read(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    with _answering(option):
        answer: _Answer = click.prompt(question, value_proc=take, err=True)
    return answer


@contextmanager
def _answering(option: str) -> Iterator[None]:
    """Tell the two ends of answers apart: a key that stopped us, and nobody there."""
    try:
        yield
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise InputError(option, "", "was not given, and nobody is there to ask") from None


def _read(option: str, read: Callable[[Any], _Answer], value: object) -> _Answer:
    try:
        return read(value)
    except ValueError as error:
        raise InputError(option, "", str(error)) from None


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
