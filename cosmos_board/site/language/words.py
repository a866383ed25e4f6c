"""The words of the site in each language: English sentences are the keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cosmos_board.site.language.numbers import number

LANGUAGES = ("en", "zh")
NOUNS = {
    "claim": ("{n} claim", "{n} claims"),
    "cluster": ("{n} cluster", "{n} clusters"),
    "contour": ("{n} contour", "{n} contours"),
    "dataset": ("{n} dataset", "{n} datasets"),
    "finding": ("{n} finding", "{n} findings"),
    "image": ("{n} image", "{n} images"),
    "model": ("{n} model", "{n} models"),
    "reference": ("{n} reference mask", "{n} reference masks"),
    "target": ("{n} target", "{n} targets"),
}
"""What pages count: for one, and for any other number."""


class MissingTranslationError(KeyError):
    """A sentence of the site that its catalog does not hold."""


@dataclass(frozen=True, slots=True)
class Words:
    """Translates the generator's sentences; `{name}` fields are filled after translation."""

    language: str = "en"
    catalog: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    def __call__(self, sentence: str, **fields: object) -> str:
        """Return `sentence` in the language of the page, its fields filled.

        Raises:
            MissingTranslationError: If the catalog lacks it; a page never mixes languages.

        Example:
            >>> Words()("{n} models", n=3)
            '3 models'
        """
        text = sentence
        if self.language != "en":
            if sentence not in self.catalog:
                raise MissingTranslationError(f"{self.language}: {sentence}")
            text = self.catalog[sentence]
        return text.format(**fields) if fields else text

    def plural(self, count: int, one: str, many: str, **fields: object) -> str:
        """Return `one` for a single thing, else `many`; both may use `{n}`.

        Example:
            >>> Words().plural(1, "{n} target", "{n} targets")
            '1 target'
        """
        return self(one if count == 1 else many, **({"n": count} | fields))

    def count(self, n: int, noun: str) -> str:
        """Return how many of one of `NOUNS`, so that no page says “1 targets”.

        Example:
            >>> Words().count(1, "target"), Words().count(0, "target")
            ('1 target', '0 targets')
        """
        one, many = NOUNS[noun]
        return self.plural(n, one, many, n=number(n, 0))

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
        return self("yes") if value else self("no")

    @property
    def shared(self) -> str:
        """The way from the root of this language to that of the whole site."""
        return "" if self.language == "en" else "../"

    def term(self, term: str) -> str:
        """Return a word of the data, such as a verdict; as it is where the catalog lacks it.

        Data may hold words of its own (a submitted kind, a new tier); they are no sentence of ours.
        """
        return self.catalog.get(term, term)

    def pick(self, english: str, chinese: str) -> str:
        """Return the label of something that carries both, such as a modality."""
        return chinese if self.language == "zh" else english


@cache
def words_for(language: str) -> Words:
    """Return the words of `language`."""
    if language == "en":
        return Words()
    text = (Path(__file__).parent / "catalogs" / f"{language}.json").read_text("utf-8")
    return Words(language, json.loads(text))
