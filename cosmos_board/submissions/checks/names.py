"""Checks that the submitter is an author, and that no name looks like that of another entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from cosmos_board.models.cards import KNOWN
from cosmos_board.submissions.checks.submission import Accepted
from cosmos_board.submissions.format.fields import PROJECT_ID
from cosmos_board.submissions.format.lookalikes import skeleton
from cosmos_board.submissions.format.manifest import Manifest
from cosmos_board.submissions.problems import Problem, quote


def check_submitter(manifest: Manifest, acting: frozenset[int], place: str) -> Iterator[Problem]:
    """Yield what is wrong with who proposes it: one of its authors, and nobody in our name.

    `acting` are the numeric GitHub ids that the submitter may act for.
    """
    if not manifest.author_ids & acting:
        yield Problem(place, "authors", f"none has the submitter's github_id {max(acting)}")
    if PROJECT_ID in manifest.author_ids - acting:
        yield Problem(place, "authors", f"github_id {PROJECT_ID} stands for the project itself")


def check_names(manifest: Manifest, accepted: Sequence[Accepted], place: str) -> Iterator[Problem]:
    """Yield what makes a name or slug be taken for somebody else's, or for a known model's."""
    name, slug = manifest.model.name, manifest.slug
    reserved = []
    if PROJECT_ID not in manifest.author_ids:  # which alone submits the models that we know
        ours = frozenset({PROJECT_ID})
        reserved = [Accepted(key, known.card.label, ours) for key, known in KNOWN.items()]
        if slug in KNOWN:
            yield Problem(place, "slug", "is a known model, which only the project submits")
    for other in (*accepted, *reserved):
        if other.slug == slug:
            continue
        if _fold(other.name) == _fold(name):
            text = f"equals existing name {quote(other.name)} after case folding"
            yield Problem(place, "model.name", text)
        elif skeleton(name) in (skeleton(other.name), skeleton(other.slug)):
            owner = min(other.owners, default=0)
            text = f"looks like existing name {quote(other.name)} (owner id {owner})"
            yield Problem(place, "model.name", text)
        if skeleton(other.slug) == skeleton(slug):
            yield Problem(place, "slug", f"looks like existing slug {quote(other.slug)}")


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
