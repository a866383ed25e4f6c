"""The parts of images that their paths do not name, looked up in tables or ranges of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from cosmos_board.core.errors import InputError
from cosmos_board.data.imports.names import compose, show_path
from cosmos_board.data.imports.planning.archived import Problem
from cosmos_board.data.imports.planning.walk import Listing
from cosmos_board.data.imports.reading.job import ImageJob
from cosmos_board.data.imports.spec.models import ImageSpec
from cosmos_board.data.imports.spec.part_spec import PartSpec
from cosmos_board.data.imports.spec.patterns import Pattern, fill_template
from cosmos_board.data.imports.spec.rules import parse_codes
from cosmos_board.data.readers.regions.text_files import read_csv_table

_Find = Callable[[Mapping[str, str]], str]


def add_parts(
    spec: ImageSpec, jobs: Sequence[ImageJob], listing: Listing, problems: list[Problem]
) -> list[ImageJob]:
    """Return the images with their further parts; those that lack one are added to `problems`.

    Raises:
        InputError: If a table is not there, several fit, or it lacks a column.
    """
    finders = [(name, *_make_finder(spec, part, listing)) for name, part in spec.parts.items()]
    complete = []
    for job in jobs:
        parts = dict(job.parts)
        for name, find, where in finders:
            if not (value := find(job.parts)):
                problems.append((job.paths[0], f"has no {{{name}}}: {where(job.parts)}"))
                break
            parts[name] = value
        else:
            complete.append(replace(job, parts=parts))
    return complete


def name_column(heading: str) -> str:
    """Return the heading of a column as the name of a part.

    Example:
        >>> name_column(" Patient ID"), name_column("grade (GlaS)")
        ('patient_id', 'grade_glas')
    """
    return re.sub(r"[^a-z0-9]+", "_", compose(heading).casefold()).strip("_")


def _make_finder(spec: ImageSpec, part: PartSpec, listing: Listing) -> tuple[_Find, _Find]:
    """Return what finds a part, and what says where it looks."""
    if part.table:
        return _look_up_rows(spec, part, listing)
    spans = [(text, *parse_codes(text)[0]) for text in part.ranges]

    def find(parts: Mapping[str, str]) -> str:
        number = fill_template(part.number, parts)
        if not number.isdecimal():
            return ""
        return next((text for text, low, high in spans if low <= int(number) <= high), "")

    return find, lambda parts: f"{fill_template(part.number, parts)!r} is in none of the ranges"


def _look_up_rows(spec: ImageSpec, part: PartSpec, listing: Listing) -> tuple[_Find, _Find]:
    path = find_table(part.table, listing, ignore_case=spec.ignore_case)

    def fold(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(compose(text.casefold() if spec.ignore_case else text) for text in texts)

    columns = [name_column(heading) for heading in part.where]
    wanted = name_column(part.column)
    values: dict[tuple[str, ...], str] = {}
    for row in read_csv_table(listing.locate(path), path):
        cells = {name_column(heading): cell for heading, cell in row.items()}
        if missing := [name for name in (*columns, wanted) if name not in cells]:
            raise InputError(
                show_path(path), missing[0], "is no column", want=", ".join(map(repr, row))
            )
        key = fold(cells[column] for column in columns)
        if values.setdefault(key, cells[wanted]) != cells[wanted]:
            raise InputError(show_path(path), wanted, "differs in two rows", got=", ".join(key))

    def make_key(parts: Mapping[str, str]) -> tuple[str, ...]:
        return fold(fill_template(template, parts) for template in part.where.values())

    def find(parts: Mapping[str, str]) -> str:
        return values.get(make_key(parts), "")

    def tell(parts: Mapping[str, str]) -> str:
        return f"no row of {path} is called {', '.join(make_key(parts))}"

    return find, tell


def find_table(text: str, listing: Listing, *, ignore_case: bool = False) -> str:
    """Return the path of the one file that fits a pattern; InputError if none or several do."""
    pattern = Pattern(text, ignore_case=ignore_case)
    fitting = [path for path in listing.paths if pattern.match_pieces(compose(path)) is not None]
    if len(fitting) != 1:
        problem = "is not in the source folder" if not fitting else "is several files"
        got = " and ".join(show_path(path) for path in fitting[:2]) or None
        raise InputError(text, "table", problem, got=got)
    return fitting[0]
