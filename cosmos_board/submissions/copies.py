"""Whose entry is it? Names that are taken, and predictions that somebody else submitted before."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cosmos_board.submissions.confusables import skeleton
from cosmos_board.submissions.manifest import Manifest
from cosmos_board.submissions.prediction_rows import Fingerprint
from cosmos_board.submissions.problems import Problem, quote

NEAR_COPY = 0.999
"""Share of equal masks from which on a person looks first."""

_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that is on the board."""

    slug: str
    name: str
    owners: frozenset[int]
    """Numeric GitHub ids."""

    fingerprint: Fingerprint | None = None


def check_names(manifest: Manifest, accepted: Sequence[Accepted], place: str) -> Iterator[Problem]:
    """Yield what makes a name or slug be taken for somebody else's."""
    name = manifest.model.name
    for other in accepted:
        if other.slug == manifest.slug:
            continue
        if _fold(other.name) == _fold(name):
            text = f"equals existing name {quote(other.name)} after case folding"
            yield Problem(place, "model.name", text)
        elif skeleton(other.name) == skeleton(name):
            owner = min(other.owners, default=0)
            text = f"looks like existing name {quote(other.name)} (owner id {owner})"
            yield Problem(place, "model.name", text)
        if skeleton(other.slug) == skeleton(manifest.slug):
            yield Problem(place, "slug", f"looks like existing slug {quote(other.slug)}")


def check_originality(
    manifest: Manifest, print_: Fingerprint, accepted: Sequence[Accepted], place: str
) -> Iterator[Problem]:
    """Yield the accepted submissions of which this one is a copy, exact or near."""
    if len(print_.rows) < _FEWEST_ROWS:
        return
    for other in accepted:
        if other.slug == manifest.slug or other.fingerprint is None:
            continue
        share = print_.share_equal(other.fingerprint)
        if share == 1.0:
            text = f"same content as submissions/{other.slug} (sha256 of sorted rows)"
            yield Problem(place, "rows", text)
        elif share >= NEAR_COPY:
            text = f"{100 * share:.2f} % of rows equal submissions/{other.slug}; held for review"
            yield Problem(place, "rows", text, "held")


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
