"""The types of the fields of an import file: each says what it wants in one phrase."""

from __future__ import annotations

import re
from math import inf
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.spec.patterns import Pattern
from cosmos_board.data.imports.spec.rules import (
    ArchiveRule,
    CodeRule,
    ColourRule,
    JoinRule,
    NameRule,
    Objects,
    parse_codes,
    parse_colour,
)
from cosmos_board.data.intensities import parse_normalisation
from cosmos_board.data.validation import FieldError, Rows, want

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WORDS = "words-with-hyphens"
_AXES = ("zyx", "yx", "zyxc", "yxc")


WARNINGS = {
    "swapped": "image and mask look swapped",
    "crossed": "several masks belong to several images at once: a part of their paths differs",
    "shared": "one mask belongs to several images",
    "inverted": "masks cover most of their image and its whole border",
    "borders": "masks follow the whole border of their image",
    "clusters": "files look like several of one patient, and cluster is not given",
    "blank": "images of one value are left out",
    "ct-percentile": "CT is normalised by percentiles, where a window (40/400) is usual",
    "objects": "an object is not in the catalog and near one that is",
    "other-picture": "a JSON file of regions names another picture than the one beside it",
}
"""Warnings of a plan by the word that accepts them."""


def want_tables(rows: object) -> object:
    """Return the rows of a table array, one at least; FieldError if they are none."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FieldError("are no tables", want="[[images]]")
    if not rows:
        raise FieldError("are missing")
    return rows


def list_texts(value: object) -> object:
    """Return a text as a list of one; whatever else as it is."""
    return [value] if isinstance(value, str) else value


def check_pattern(text: str) -> str:
    """Return a path pattern; FieldError if it is none."""
    try:
        Pattern(text)
    except ValueError as error:
        raise FieldError(str(error), got=repr(text)) from error
    return text


def _check_normalisation(text: str) -> str:
    try:
        return text if text == "none" else str(parse_normalisation(text)) and text
    except InputError as error:
        known = "none, minmax, percentile or window CENTRE/WIDTH"
        raise FieldError("is unknown", got=repr(text), want=known) from error


def _is_frame(value: object) -> bool:
    return value == "all" or (type(value) is int and value >= 0)


def _read_spacing(value: object) -> tuple[float, ...]:
    lengths = value if isinstance(value, list | tuple) else ()
    known = all(type(length) in (int, float) and 0 < length < inf for length in lengths)
    if not known or len(lengths) != 3:
        expected = "[z, y, x] in mm, such as [5.0, 0.7, 0.7]"
        raise FieldError("are no distances", got=repr(value), want=expected)
    return tuple(float(length) for length in lengths)


def _is_tolerance(value: object) -> bool:
    return value == "nearest" or (type(value) is int and 0 <= value <= 255)


def _read_channels(value: object) -> tuple[int, ...] | str:
    if value == "labels":
        return value
    channels = value if isinstance(value, list | tuple) else ()
    known = all(type(channel) is int and channel >= 0 for channel in channels)
    if not known or len(channels) not in (1, 3):
        expected = '[0] for grey, [0, 1, 2] for RGB, "labels" where each is a mask'
        raise FieldError("are no positions", got=repr(value), want=expected)
    return tuple(channels)


def _read_objects(value: object) -> Objects:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise FieldError("is no object", got=repr(value))
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise FieldError("is no object", got=repr(name), want=_WORDS)
    return tuple(names)


def _read_table(value: object) -> dict[str, Objects]:
    """Return a table of code, colour or name → objects, in its order."""
    if not isinstance(value, dict) or not value:
        raise FieldError("is no table of code = object")
    rules = {}
    for text, names in value.items():
        try:
            rules[text] = _read_objects(names)
        except FieldError as error:
            raise FieldError(error.problem, field=text, got=error.got, want=error.want) from error
    return rules


def _read_labels(value: object) -> tuple[CodeRule, ...]:
    rules = []
    for text, objects in _read_table(value).items():
        ranges = parse_codes(text)
        if not ranges:
            raise FieldError("is no code", got=repr(text), want='1, "2..5", "1,10" or "*"')
        rules += [CodeRule(low, high, objects) for low, high in ranges]
    return tuple(rules)


def _read_colours(value: object) -> tuple[ColourRule, ...]:
    rules = []
    for text, objects in _read_table(value).items():
        rgb = parse_colour(text)
        if rgb is None:
            raise FieldError("is no code", got=repr(text), want="255,0,0")
        rules.append(ColourRule(rgb, objects))
    return tuple(rules)


def _read_names(value: object) -> tuple[NameRule, ...]:
    return tuple(NameRule(text, objects) for text, objects in _read_table(value).items())


def _read_joins(value: object) -> tuple[JoinRule, ...]:
    if not isinstance(value, dict):
        return ()
    return tuple(JoinRule(text.replace(", ", ","), word) for text, word in _read_words(value))


def _read_archives(value: object) -> tuple[ArchiveRule, ...]:
    if isinstance(value, list | tuple | str):
        every = [value] if isinstance(value, str) else value
        value = {text: "" for text in every if isinstance(text, str)}
        if len(value) != len(every):
            raise FieldError("are no names", got=repr(every), want='["data.zip"]')
    if not isinstance(value, dict):
        raise FieldError("are no names", got=repr(value), want='["data.zip"]')
    for text, folder in _read_words(value):
        check_pattern(text)
        if folder.startswith("/") or ".." in folder.split("/"):
            raise FieldError("leads out of the source folder", field=text, got=repr(folder))
    return tuple(ArchiveRule(text, folder.strip("/")) for text, folder in value.items())


def _read_words(table: dict[str, object]) -> list[tuple[str, str]]:
    rows = [(text, word) for text, word in table.items() if isinstance(word, str)]
    if len(rows) != len(table):
        raise FieldError("hold what is no text", got=repr(table)[:60])
    return rows


Name = Annotated[str, want(lambda v: isinstance(v, str) and NAME.fullmatch(v) is not None,
                           "is no name", _WORDS)]  # fmt: skip
WarningWord = Annotated[str, want(WARNINGS.__contains__, "is unknown", ", ".join(WARNINGS))]
PathPattern = Annotated[str, AfterValidator(check_pattern)]
PathPatterns = Annotated[Rows[PathPattern], BeforeValidator(list_texts)]
NormalisationRule = Annotated[str, AfterValidator(_check_normalisation)]
Axes = Annotated[
    str,
    want(
        lambda v: v == "" or (isinstance(v, str) and sorted(v) in map(sorted, _AXES)),
        "are unknown",
        "the letters z, y, x and c",
    ),
]
Frame = Annotated[int | str | None, want(_is_frame, "is no position", '0, 1, … or "all"')]
Tolerance = Annotated[int | str, want(_is_tolerance, "is no distance", '0 … 255 or "nearest"')]
Channels = Annotated[tuple[int, ...] | Literal["labels"], BeforeValidator(_read_channels)]
Spacing = Annotated[tuple[float, float, float] | tuple[()], BeforeValidator(_read_spacing)]
JoinRules = Annotated[tuple[JoinRule, ...], BeforeValidator(_read_joins)]
ArchiveRules = Annotated[tuple[ArchiveRule, ...], BeforeValidator(_read_archives)]
ObjectNames = Annotated[Objects, BeforeValidator(_read_objects)]
CodeRules = Annotated[tuple[CodeRule, ...], BeforeValidator(_read_labels)]
ColourRules = Annotated[tuple[ColourRule, ...], BeforeValidator(_read_colours)]
NameRules = Annotated[tuple[NameRule, ...], BeforeValidator(_read_names)]
