"""Does what was published follow from the rows? Every file is derived again and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Difference:
    """A published value that does not follow from the rows."""

    path: str
    """File, from the root of the site."""

    where: str
    """Which value: a path of keys in JSON, a line in anything else; empty for the whole file."""

    published: str
    derived: str

    def __str__(self) -> str:
        values = f"(got {self.published}, want {self.derived})"
        return f"{self.path}: {self.where}: is not what the rows give {values}"


def verify_files(derived: Mapping[str, bytes], site: Path) -> list[Difference]:
    """Return the first difference of every published file that is not what the rows give.

    Args:
        derived: What should be there, by path from the root of the site.
        site: The published folder.
    """
    found = []
    for path in sorted(derived):
        file = site / path
        if not file.is_file():
            found.append(Difference(path, "file", "nothing", f"{len(derived[path])} bytes"))
        elif (published := file.read_bytes()) != derived[path]:
            found.append(_locate(path, published, derived[path]))
    return found


def _locate(path: str, published: bytes, derived: bytes) -> Difference:
    if path.endswith(".json"):
        try:
            where = _walk(json.loads(published), json.loads(derived), ())
        except ValueError:
            return Difference(path, "file", "no JSON", "JSON")
        if where is not None:
            return Difference(path, *where)
    lines = zip_longest(published.split(b"\n"), derived.split(b"\n"), fillvalue=b"")
    for number, (got, want) in enumerate(lines, 1):
        if got != want:
            return Difference(path, f"line {number}", *_excerpts(got, want))
    raise AssertionError("equal files are not located")


def _excerpts(got: bytes, want: bytes) -> tuple[str, str]:
    """Return both lines from shortly before the first byte in which they differ."""
    pairs = enumerate(zip_longest(got, want))
    first = next(index for index, (one, other) in pairs if one != other)
    start = max(0, first - 20)
    texts = (line[start : start + 60].decode(errors="replace") for line in (got, want))
    return repr(next(texts)), repr(next(texts))


def _walk(got: object, want: object, place: tuple[str, ...]) -> tuple[str, str, str] | None:
    """Return the first place in which two documents differ, and both values."""
    for key, one, two in _members(got, want):
        if (found := _walk(one, two, (*place, key))) is not None:
            return found
    if type(got) is type(want) and got == want:
        return None
    return "/".join(place), _short(got), _short(want)


def _members(got: object, want: object) -> list[tuple[str, object, object]]:
    """Return what two documents of one shape are made of, side by side."""
    if isinstance(got, dict) and isinstance(want, dict):
        keys = sorted(got.keys() | want.keys())
        return [(key, got.get(key, ...), want.get(key, ...)) for key in keys]
    if isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        return [(_name(two, i), got[i], two) for i, two in enumerate(want)]
    return []


def _name(row: object, index: int) -> str:
    """Return a row's model where it has one: easier to find than its number."""
    if isinstance(row, dict) and isinstance(row.get("model"), str):
        return str(row["model"])
    return str(index)


def _short(value: object) -> str:
    return "nothing" if value is ... else json.dumps(value, ensure_ascii=False)[:80]
