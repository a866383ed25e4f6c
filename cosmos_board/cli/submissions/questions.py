"""What `submit new` asks: each answer is checked when it is given, by the rule of its field."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_board.core.cards import ModelCard
from cosmos_board.core.errors import InputError

if TYPE_CHECKING:
    from cosmos_board.submissions.draft.draft import Metadata

_Answer = TypeVar("_Answer")
_TERMS = (
    "Was all data used under its terms, is nothing restricted uploaded, and will nobody be"
    " re-identified"
)


def ask_model(models: tuple[str, ...]) -> str:
    """Return which of a run's models is meant."""
    try:
        chosen: str = click.prompt("Model", type=click.Choice(models), err=True)
    except click.Abort:
        raise _explain("--model") from None
    return chosen


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
    from cosmos_board.cli.submissions.option_rules import read_author, read_training
    from cosmos_board.submissions.draft.draft import Metadata

    said = _read_options(given, out)
    find = _Finder(said, card).find
    name = find("name", "label", "Name on the board")
    author = "Author (NAME:GITHUB-ID)"
    authors = said["authors"] or (_ask("--author", author, read_author),)
    code_url = find("code_url", "source", "Where is the code (https address)")
    licence = find("licence", "licence", "Licence of the model (SPDX)")
    if given["trained_on"]:
        trained = said["trained_on"]
    elif card.training_data is not None:
        trained = card.training_data
    else:
        question = "Trained on (catalog names, or none, or unknown)"
        trained = _ask("--trained-on", question, lambda text: read_training(_split(text)))
    _warn_of_others(trained or ())
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


def _read_options(given: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return the options as the manifest takes them; None where one was not given."""
    from cosmos_board.cli.submissions import option_rules as rules

    texts = {name: given[name] for name in rules.RULES}
    return {
        "slug": _read("--out", rules.read_slug, out.absolute().name),
        "authors": tuple(_read("--author", rules.read_author, one) for one in given["authors"]),
        "trained_on": given["trained_on"]
        and _read("--trained-on", rules.read_training, given["trained_on"]),
        **{
            name: value and _read(_option(name), rules.RULES[name], value)
            for name, value in texts.items()
        },
    }


class _Finder:
    """Finds what the options say, else what the card knows, else what is answered."""

    def __init__(self, said: Mapping[str, Any], card: ModelCard) -> None:
        self._said = said
        self._card = card

    def find(self, name: str, known: str, question: str) -> str:
        """Return one answer by the name of its option; `known` is the card's word for it."""
        from cosmos_board.cli.submissions.option_rules import RULES

        if self._said[name]:
            return str(self._said[name])
        try:
            return RULES[name](str(getattr(self._card, known)))
        except ValueError:  # a card may say what no manifest can
            return _ask(_option(name), question, RULES[name])


def _warn_of_others(names: tuple[str, ...]) -> None:
    from cosmos_board.submissions.format.training_data import describe_other, split_known

    for name in split_known(names)[1]:
        words = "allowed, as other training data"
        click.echo(f"--trained-on: {describe_other(name)}; {words}", err=True)


def _accept_terms() -> bool:
    try:
        accepted = click.confirm(_TERMS, err=True)
    except click.Abort:
        raise _explain("--accept-terms") from None
    if not accepted:
        raise InputError("--accept-terms", "", "was answered with no, so nothing is written")
    return True


def _ask(option: str, question: str, read: Callable[[str], _Answer]) -> _Answer:
    """Ask until the answer is right; click says why where it is not."""

    def take(text: str) -> _Answer:
        try:
            return read(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    try:
        answer: _Answer = click.prompt(question, value_proc=take, err=True)
    except click.Abort:
        raise _explain(option) from None
    return answer


def _explain(option: str) -> Exception:
    """Return what an end of the answers means: a key that stopped us, or nobody there."""
    if sys.stdin.isatty():
        return click.Abort()
    return InputError(option, "", "was not given, and nobody is there to ask")


def _read(option: str, read: Callable[[Any], _Answer], value: object) -> _Answer:
    try:
        return read(value)
    except ValueError as error:
        raise InputError(option, "", str(error)) from None


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()
