"""The sentences of the site in each language: English ones are the keys of a gettext catalogue.

A catalogue is `locale/<language>/LC_MESSAGES/site.po`; `make messages` collects the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from cosmos_board.site.language.numbers import number

LANGUAGES = ("en", "zh")
LOCALE = Path(__file__).parent / "locale"


def mark_plural(one: str, many: str) -> tuple[str, str]:
    """Return a sentence for one thing and for many, marked for extraction."""
    return one, many


NOUNS = {
    "case": mark_plural("{n} case", "{n} cases"),
    "claim": mark_plural("{n} claim", "{n} claims"),
    "cluster": mark_plural("{n} cluster", "{n} clusters"),
    "contour": mark_plural("{n} contour", "{n} contours"),
    "dataset": mark_plural("{n} dataset", "{n} datasets"),
    "finding": mark_plural("{n} finding", "{n} findings"),
    "image": mark_plural("{n} image", "{n} images"),
    "model": mark_plural("{n} model", "{n} models"),
    "picture": mark_plural("{n} picture", "{n} pictures"),
    "reference": mark_plural("{n} reference mask", "{n} reference masks"),
    "target": mark_plural("{n} target", "{n} targets"),
}
"""What pages count: for one, and for any other number."""


class MissingTranslationError(KeyError):
    """A sentence of the site that its catalogue does not hold."""


class _NoTranslations(NullTranslations):
    """Stands behind a catalogue: a page never mixes languages."""

    def gettext(self, message: str) -> str:
        raise MissingTranslationError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise MissingTranslationError(msgid1)


@dataclass(frozen=True, slots=True)
class Words:
    """Translates the generator's sentences; `{name}` fields are filled after translation."""

    language: str = "en"
    catalogue: NullTranslations = field(default_factory=NullTranslations, compare=False)

    def __call__(self, sentence: str, **fields: object) -> str:
        """Return `sentence` in the language of the page, its fields filled.

        Raises:
            MissingTranslationError: If the catalogue lacks it.

        Example:
            >>> Words()("{n} models", n=3)
            '3 models'
        """
        text = self.catalogue.gettext(sentence)
        return text.format(**fields) if fields else text

    def plural(self, count: int, one: str, many: str, **fields: object) -> str:
        """Return the form for `count` things; all forms may use `{n}`.

        Example:
            >>> Words().plural(1, "{n} target", "{n} targets")
            '1 target'
        """
        text = self.catalogue.ngettext(one, many, count)
        return text.format(**({"n": count} | fields))

    def count(self, n: int, noun: str) -> str:
        """Return how many of one of `NOUNS`, so that no page says “1 targets”.

        Example:
            >>> Words().count(1, "target"), Words().count(0, "target")
            ('1 target', '0 targets')
        """
        return self.plural(n, *NOUNS[noun], n=number(n, 0))

    def listing(self, items: Iterable[str]) -> str:
        """Return `items` one after the other, as the language separates them.

        Example:
            >>> Words().listing(["CT", "X-ray"])
            'CT, X-ray'
        """
        return self.pick(", ", "、").join(items)

    def separate(self, phrases: Iterable[str]) -> str:
        """Return phrases, which may have commas inside, one after the other."""
        return self.pick("; ", "；").join(phrases)

    def yes_no(self, value: bool) -> str:
        """Return whether something is so."""
        words = self
        return words("yes") if value else words("no")

    @property
    def shared(self) -> str:
        """The way from the root of this language to that of the whole site."""
        return "" if self.language == "en" else "../"

    def term(self, term: str) -> str:
        """Return a word of the data, such as a verdict; as it is where the catalogue lacks it.

        Data may hold words of its own (a submitted kind, a new tier); they are no sentence of ours.
        """
        try:
            return self.catalogue.gettext(term) if term else ""
        except MissingTranslationError:
            return term

    def pick(self, english: str, chinese: str) -> str:
        """Return the label of something that carries both, such as a modality."""
        return chinese if self.language == "zh" else english


@cache
def words_for(language: str) -> Words:
    """Return the words of `language`, its catalogue compiled in memory."""
    if language == "en":
        return Words()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (LOCALE / language / "LC_MESSAGES" / "site.po").open("rb") as file:
        catalogue, compiled = read_po(file, locale=language), BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    translations = GNUTranslations(compiled)
    translations.add_fallback(_NoTranslations())
    return Words(language, translations)
