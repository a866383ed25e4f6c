"""Rules that say which objects the codes, colours and names in raw masks stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cosmos_board.data.imports.names import compose

_RANGE = re.compile(r"(-?\d+)(?:\.\.(-?\d+))?")
_COLOUR = re.compile(r"\d{1,3},\d{1,3},\d{1,3}")
_LARGEST_CODE = 2**31 - 1

Objects = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeRule:
    """Codes low … high of a label picture or volume."""

    low: int
    high: int
    objects: Objects

    @property
    def is_any(self) -> bool:
        """Whether it stands for every code above 0."""
        return (self.low, self.high) == (1, _LARGEST_CODE)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class ColourRule:
    """One colour of a label picture."""

    rgb: tuple[int, int, int]
    objects: Objects


@dataclass(frozen=True, slots=True)
class NameRule:
    """Names of files, segments, regions or categories; may hold `*` and `?`."""

    pattern: str
    objects: Objects


@dataclass(frozen=True, slots=True)
class JoinRule:
    """Codes, colours or names that are one reference together."""

    pattern: str
    """Codes, a colour, or a name that may hold `*` and `?`."""

    word: str
    """The same for all that are joined."""


@dataclass(frozen=True, slots=True)
class ArchiveRule:
    """Archives that are read as if they were unpacked."""

    pattern: str
    """Of their paths; may name parts."""

    folder: str
    """Template of the folder beside them into which they would be unpacked; empty: beside."""


def parse_codes(text: str) -> list[tuple[int, int]]:
    """Return the ranges that `text` names; an empty list where it names none.

    Example:
        >>> parse_codes("3"), parse_codes("2..5"), parse_codes("1,10"), parse_codes("x")
        ([(3, 3)], [(2, 5)], [(1, 1), (10, 10)], [])
    """
    if text == "*":
        return [(1, _LARGEST_CODE)]
    ranges = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            return []
        low, high = int(match[1]), int(match[2] or match[1])
        if low > high:
            return []
        ranges.append((low, high))
    return ranges


def parse_colour(text: str) -> tuple[int, int, int] | None:
    """Return (red, green, blue), 0 … 255 each, or None where `text` is no colour.

    Example:
        >>> parse_colour("255, 0, 128"), parse_colour("red")
        ((255, 0, 128), None)
    """
    packed = text.replace(" ", "")
    if not _COLOUR.fullmatch(packed):
        return None
    red, green, blue = (int(part) for part in packed.split(","))
    return (red, green, blue) if max(red, green, blue) <= 255 else None


def find_code(code: int, rules: Iterable[CodeRule]) -> Objects | None:
    """Return the objects of `code` by the first rule that holds it."""
    return next((rule.objects for rule in rules if rule.low <= code <= rule.high), None)


def find_name(name: str, rules: Iterable[NameRule], *, ignore_case: bool = False) -> Objects | None:
    """Return the objects of `name` by the first rule that fits it.

    Example:
        >>> find_name("rib_left_9", [NameRule("rib_*", ("rib",))])
        ('rib',)
    """
    return next(
        (rule.objects for rule in rules if fits_name(name, rule.pattern, ignore_case=ignore_case)),
        None,
    )


def fits_name(name: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """Return whether a name fits a pattern: `*` is anything, `?` one character, all else itself.

    Example:
        >>> fits_name("organ [left]", "organ [left]"), fits_name("organ l", "organ [left]")
        (True, False)
    """
    return _compile_name(pattern, ignore_case).fullmatch(compose(name)) is not None


@lru_cache(maxsize=1024)
def _compile_name(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    letters = (wild.get(letter, re.escape(letter)) for letter in compose(pattern))
    return re.compile("".join(letters), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def is_skipped(name: str, skip: Iterable[str], *, ignore_case: bool = False) -> bool:
    """Return whether a code, colour or name is one of those that are skipped on purpose."""
    if any(fits_name(name, pattern, ignore_case=ignore_case) for pattern in skip):
        return True
    ranges = [span for pattern in skip for span in parse_codes(pattern)]
    return name.lstrip("-").isdigit() and any(low <= int(name) <= high for low, high in ranges)


def find_joined(name: str, rules: Iterable[JoinRule], *, ignore_case: bool = False) -> str:
    """Return the word under which a code, colour or name is joined with others, else itself.

    Example:
        >>> rules = [JoinRule("*_left", "left"), JoinRule("10..12", "right")]
        >>> find_joined("lobe_left", rules), find_joined("11", rules), find_joined("13", rules)
        ('left', 'right', '13')
    """
    fitting = (
        rule.word for rule in rules if is_skipped(name, (rule.pattern,), ignore_case=ignore_case)
    )
    return next(fitting, name)
