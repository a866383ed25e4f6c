"""Objects and what they are called in each language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class ObjectName:
    """One object of the controlled list."""

    name: str
    """Key in files, URLs and on the command line."""

    label: str
    """English heading."""

    label_zh: str
    """Chinese heading."""

    in_cosmos: bool
    """Whether one of the study's datasets has it; its own list of 84 is not to be had."""


@cache
def load_objects() -> Mapping[str, ObjectName]:
    """Return the controlled list by name, in the order of the file."""
    text = files("cosmos_board.data.catalog").joinpath("objects.toml").read_text("utf-8")
    return {
        name: ObjectName(name, entry["en"], entry["zh"], entry["cosmos"])
        for name, entry in tomllib.loads(text).items()
    }


def get_object_label(name: str, language: str = "en") -> str:
    """Return the heading of an object; one that is not in the list is headed by its own name.

    Example:
        >>> get_object_label("liver"), get_object_label("my-own-thing")
        ('Liver', 'My own thing')
    """
    known = load_objects().get(name)
    if known is None:
        return name.replace("-", " ").capitalize()
    return known.label_zh if language == "zh" else known.label
