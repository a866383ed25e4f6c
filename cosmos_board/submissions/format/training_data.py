"""Training data that the catalog does not know: taken as words, and matched with no dataset.

A model is not ranked on data that it was trained on. A name that is misspelt is matched with
nothing, so whoever writes or checks a submission is told the nearest names that would be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from cosmos_board.data.catalog.load import load_catalog
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem, quote

_MOST_NOTES = 5


def split_known(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names that are datasets of the catalog, and the others.

    Example:
        >>> split_known(["camus", "our own scans"])
        (('camus',), ('our own scans',))
    """
    known = load_catalog().datasets
    return (
        tuple(name for name in names if name in known),
        tuple(name for name in names if name not in known),
    )


def describe_other(name: str) -> str:
    """Return one phrase on a name of other training data: what becomes of it, and what is near.

    Example:
        >>> describe_other("camuss")
        "'camuss' is not in the catalog, so matched with no dataset (nearest: camus)"
    """
    datasets = load_catalog().datasets
    if name in datasets:
        return f"{quote(name)} is in the catalog, but matched only under training_data"
    names: dict[str, str] = {}
    for key, dataset in datasets.items():
        names |= {dataset.label.casefold(): key, key: key}
    near = dict.fromkeys(names[match] for match in get_close_matches(name.casefold(), names))
    tail = f" (nearest: {', '.join(near)})" if near else ""
    return f"{quote(name)} is not in the catalog, so matched with no dataset{tail}"


def note_other_training(manifest: Manifest, place: str) -> Iterator[Problem]:
    """Yield a note on each name of other training data, which the ranking does not look at."""
    pieces = re.split(r"[,;\n]", manifest.other_training_data or "")
    names = [name for piece in pieces if (name := " ".join(piece.split()))]
    for name in names[:_MOST_NOTES]:
        yield Problem(place, "other_training_data", describe_other(name), "noted")
    if (more := len(names) - _MOST_NOTES) > 0:
        yield Problem(place, "other_training_data", f"and {more} more names", "noted")
